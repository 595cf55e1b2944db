"""Recompute the main numbers of a LungRater bundle with nothing but numpy, and compare them with numbers.json.

python recompute.py        (in the folder of the bundle; exit 1 if anything differs)
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
Codes = npt.NDArray[np.int64]
LABELS = tuple(json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))["agreement"]["labels"])


def read() -> tuple[list[str], Codes, npt.NDArray[np.str_]]:
    """Codes raters × images of the analysed session's main showings (-1: not rated), and the truth per image."""
    session = str(json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))["session"])
    with (HERE / "ratings.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["kind"] == "main" and row["session"] == session and row["label"]
        ]
    raters = sorted({row["rater"] for row in rows}, key=lambda name: int(name[1:]))
    images = sorted({row["image"] for row in rows})
    codes = np.full((len(raters), len(images)), -1)
    truth = dict.fromkeys(images, "")
    for row in rows:
        codes[raters.index(row["rater"]), images.index(row["image"])] = LABELS.index(row["label"])
        truth[row["image"]] = row["truth"]
    return raters, codes, np.array([truth[image] for image in images])


def agreement(codes: Codes) -> dict[str, float]:
    """Percent agreement, Fleiss κ, Gwet AC1, Brennan–Prediger and Krippendorff α."""
    counts = np.stack([(codes == k).sum(axis=0) for k in range(len(LABELS))], axis=1).astype(float)
    n = counts.sum(axis=1)
    twice = n > 1
    if not twice.any():
        return {}
    agreeing = (counts * (counts - 1)).sum(axis=1)[twice] / (n * (n - 1))[twice]
    observed, pi = agreeing.mean(), (counts / n[:, None]).mean(axis=0)
    chance = {
        "percent_agreement": 0.0,
        "fleiss_kappa": float(pi @ pi),
        "gwet_ac1": float((pi * (1 - pi)).sum() / (len(LABELS) - 1)),
        "brennan_prediger": 1 / len(LABELS),
    }
    coefficients = {name: (observed - pe) / (1 - pe) for name, pe in chance.items() if pe < 1}
    total, values = n[twice].sum(), counts[twice].sum(axis=0)
    within = (agreeing * n[twice]).sum() / total
    expected = (values * (values - 1)).sum() / (total * (total - 1))
    if expected < 1:
        coefficients["krippendorff_alpha"] = (within - expected) / (1 - expected)
    return coefficients


def kappa(first: Codes, second: Codes) -> float | None:
    """Cohen's κ of two rows of codes, None where it does not exist."""
    both = (first >= 0) & (second >= 0)
    if not both.any():
        return None
    table = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(table, (first[both], second[both]), 1)
    table /= table.sum()
    chance = table.sum(axis=1) @ table.sum(axis=0)
    return None if chance > 1 - 1e-12 else (np.trace(table) - chance) / (1 - chance)


def auc(codes: Codes, truth: npt.NDArray[np.str_]) -> float | None:
    """The AUC over all (rater, real, fake) triples, ties half."""
    level = np.array([0, 2, 1, -1])[codes]
    won = pairs = 0.0
    for row in level:
        real, fake = row[(truth == "real") & (row >= 0)], row[(truth == "fake") & (row >= 0)]
        won += (fake[:, None] > real[None, :]).sum() + 0.5 * (fake[:, None] == real[None, :]).sum()
        pairs += len(real) * len(fake)
    return won / pairs if pairs else None


def main() -> int:
    raters, codes, truth = read()
    numbers = json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))
    checks: list[tuple[str, float | None, float | None]] = [
        (name, value, numbers["agreement"]["coefficients"][name]["estimate"])
        for name, value in (agreement(codes) if len(raters) > 1 else {}).items()
    ]
    for pair in numbers["agreement"]["pairs"]:
        a, b = (raters.index(name) for name in pair["raters"])
        checks.append((f"kappa {' '.join(pair['raters'])}", kappa(codes[a], codes[b]), pair["cohen_kappa"]))
    if numbers["forced_choice"] and numbers["forced_choice"]["accuracy"]:
        for row in numbers["forced_choice"]["accuracy"]["raters"]:
            calls = codes[raters.index(row["rater"])] if row["rater"] in raters else np.array([])
            right = [LABELS[code] == was for code, was in zip(calls, truth, strict=False) if code >= 0]
            checks.append(
                (f"found {row['rater']}", np.mean(right) if right else None, row["share"]["estimate"])
            )
    if numbers["truth"]:
        fake = truth == "fake"
        for row in numbers["truth"]["per_rater"]:
            calls = codes[raters.index(row["rater"])] if row["rater"] in raters else np.array([])
            calls = calls[fake & (calls >= 0)] if len(calls) else calls
            rate = float((calls == 0).mean()) if len(calls) else None
            checks.append((f"fool rate {row['rater']}", rate, row["fool_rate"]["estimate"]))
        if fake.any() and not fake.all():
            checks.append(
                ("AUC", auc(codes, truth), numbers["truth"]["auc"]["u_statistic"]["estimate"]["estimate"])
            )
    wrong = 0
    for name, recomputed, reported in checks:
        same = recomputed is reported or (
            recomputed is not None and reported is not None and abs(recomputed - reported) < 1e-9
        )
        wrong += not same
        print(f"{'same' if same else 'DIFFERS':<8}{name:<28}{recomputed!s:>24}{reported!s:>24}")
    print(f"{len(checks)} numbers compared, {wrong} differ.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
