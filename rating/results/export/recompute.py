"""Recompute the primary result (with its interval) and the main numbers of a LungRater bundle with nothing but numpy, and compare them with numbers.json.

python recompute.py        (in the folder of the bundle; exit 1 if anything differs)
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
LABELS = tuple(json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))["agreement"]["labels"])


def read() -> tuple[list[str], Codes, npt.NDArray[np.str_]]:
    """Codes raters × images of the analysed session's main showings (-1: not rated), and the truth per image."""
    session = str(json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))["session"])
    with (HERE / "ratings.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "main" and row["session"] == session]
    raters = sorted({row["rater"] for row in rows if row["label"]}, key=lambda name: int(name[1:]))
    images = sorted({row["image"] for row in rows})
    codes = np.full((len(raters), len(images)), -1)
    truth = dict.fromkeys(images, "")
    for row in rows:
        truth[row["image"]] = row["truth"]
        if not row["label"]:
            continue
        codes[raters.index(row["rater"]), images.index(row["image"])] = LABELS.index(row["label"])
    return raters, codes, np.array([truth[image] for image in images])


def agreement(codes: Codes) -> dict[str, float]:
    """Percent agreement, Fleiss κ, Gwet AC1, Brennan–Prediger and Krippendorff α."""
    counts = np.stack([(codes == k).sum(axis=0) for k in range(len(LABELS))], axis=1).astype(float)
    counts = counts[counts.sum(axis=1) > 0]
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


def t_quantile(share: float, df: float) -> float:
    """Student's t below which lies `share`, by quadrature and bisection."""
    node, weight = np.polynomial.legendre.leggauss(200)
    constant = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi)

    def below(t: float) -> float:
        end = math.atan(t / math.sqrt(df))
        return 0.5 + constant * end / 2 * float(weight @ np.cos(end * (node + 1) / 2) ** (df - 1))

    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < share else (low, middle)
    return (low + high) / 2


def from_moments(value: float, above: Floats, below: Floats, size: tuple[int, ...]) -> list[float]:
    """The U-statistic's SE and interval from sums over pairs that share nothing, a rater, an image …"""
    sign = (-1.0) ** np.array(size)
    variance = -float(sign @ above) / float(sign @ below)
    moment, single = above / np.maximum(below, 1), np.array(size) == 1
    worth = np.maximum(np.round(below[0] / np.maximum(below[single], 1) - 1), 1)
    effects = float(((moment[single] - moment[0]) ** 2 / worth**3).sum())
    df = max(variance**2 / effects, float(worth.min())) if effects > 1e-24 else float(worth.min())
    se = math.sqrt(variance)
    half = t_quantile(0.975, df) * se
    return [value, se, max(value - half, 0.0), min(value + half, 1.0)]


def share_of_random_raters(x: Floats, there: Floats) -> list[float]:
    """A share over raters and images like these; raters × images."""
    value = float((x * there).sum() / there.sum())

    def sums(cells: Floats) -> Floats:
        parts = cells.sum() ** 2, (cells.sum(axis=1) ** 2).sum(), (cells.sum(axis=0) ** 2).sum()
        return np.array([*parts, (cells**2).sum()])

    return from_moments(value, sums((x - value) * there), sums(there), (0, 1, 1, 2))


def auc_of_random_raters(real: Codes, fake: Codes) -> list[float]:
    """An AUC over raters and images like these; levels raters × images of each kind, -1 missing."""
    won = (fake[:, None, :] > real[:, :, None]) + 0.5 * (fake[:, None, :] == real[:, :, None])
    there = ((fake >= 0)[:, None, :] & (real >= 0)[:, :, None]).astype(float)
    value = float((won * there).sum() / there.sum())
    summed = [(0, 1, 2), (1, 2), (0, 2), (0, 1), (2,), (1,), (0,), ()]  # over what a pair does not share

    def sums(cells: Floats) -> Floats:
        return np.array([float((np.sum(cells, axis=axes) ** 2).sum()) for axes in summed])

    return from_moments(value, sums((won - value) * there), sums(there), (0, 1, 1, 1, 2, 2, 2, 3))


def of_these_raters(value: float, influence: list[Floats]) -> list[float]:
    """SE and interval with images sampled and raters fixed; by the logit where the plain one leaves 0 … 1."""
    variance = sum(len(part) / (len(part) - 1) * float((part**2).sum()) for part in influence)
    df = sum(len(part) - 1 for part in influence)
    half = t_quantile(0.975, df) * math.sqrt(variance)
    if value - half >= 0 and value + half <= 1:
        return [value, math.sqrt(variance), value - half, value + half]
    logit, half = math.log(value / (1 - value)), half / (value * (1 - value))
    ends = (1 / (1 + math.exp(-edge)) for edge in (logit - half, logit + half))
    return [value, math.sqrt(variance), *ends]


def share_of_these_raters(x: Floats, there: Floats) -> list[float]:
    readers = there.any(axis=1)
    x, there = x[readers], there[readers]
    n = there.sum(axis=1, keepdims=True)
    rates = (x * there).sum(axis=1, keepdims=True) / n
    return of_these_raters(float(rates.mean()), [((x - rates) / n * there).mean(axis=0)])


def auc_of_these_raters(real: Codes, fake: Codes) -> list[float]:
    readers = [r for r in range(len(real)) if (real[r] >= 0).any() and (fake[r] >= 0).any()]
    influence, areas = [np.zeros(real.shape[1]), np.zeros(fake.shape[1])], []
    for r in readers:
        a, b = real[r] >= 0, fake[r] >= 0
        won = (fake[r][b] > real[r][a][:, None]) + 0.5 * (fake[r][b] == real[r][a][:, None])
        areas.append(won.mean())
        influence[0][a] += (won.mean(axis=1) - won.mean()) / (a.sum() * len(readers))
        influence[1][b] += (won.mean(axis=0) - won.mean()) / (b.sum() * len(readers))
    return of_these_raters(float(np.mean(areas)), influence)


def primary(numbers: dict[str, Any], codes: Codes, truth: npt.NDArray[np.str_]) -> list[float] | None:
    """Estimate, SE and interval of the declared result; None where its method is none of the two recomputed here."""
    result, fake, real = numbers["primary"], truth == "fake", truth == "real"
    these = result["method"].startswith("these raters: images")
    if result["endpoint"] not in METHODS or not (these or result["method"].startswith("U-statistic")):
        return None
    method = METHODS[result["endpoint"]][these]
    if result["endpoint"] == "auc":
        level = np.array([0, 2, 1, -1])[codes]
        sides = (level[:, kind & (level >= 0).any(axis=0)] for kind in (real, fake))
        return method(*sides)
    if result["endpoint"] == "fool rate":
        calls = codes[:, fake]
        return method((calls == 0).astype(float), (calls >= 0).astype(float))
    worth = {"wrong": 0.0, "right": 1.0, "half": 0.5, "exclude": 0.0}[numbers["policy"]]
    right = np.where(codes == 2, worth, (codes == np.where(fake, 1, 0)).astype(float))
    counted = (codes >= 0) & ((codes != 2) | (numbers["policy"] != "exclude"))
    return method(right, counted.astype(float))


SHARE = (share_of_random_raters, share_of_these_raters)
METHODS: dict[str, tuple[Callable[..., list[float]], Callable[..., list[float]]]] = {
    "auc": (auc_of_random_raters, auc_of_these_raters),
    "fool rate": SHARE,
    "accuracy": SHARE,
}


def strengths(names: list[str]) -> tuple[Floats, Floats]:
    """How often each was chosen over each other (ties half), and the log strengths by Davidson's iteration (1970)."""
    session = str(json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))["session"])
    won = np.zeros((len(names), len(names)))
    tied = np.zeros_like(won)
    with (HERE / "ratings.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] != "main" or row["session"] != session or not row["label"]:
                continue
            a, b = (names.index(name) for name in row["generator"].split("; "))
            if row["label"] == "tie":
                tied[[a, b], [b, a]] += 1
            else:
                won[(a, b) if row["label"] == "a" else (b, a)] += 1
    met, points = won + won.T + tied, won.sum(axis=1) + tied.sum(axis=1) / 2
    ability, nu = np.ones(len(names)), 1.0 if tied.any() else 0.0
    for _ in range(20_000):
        root = np.sqrt(np.outer(ability, ability))
        share = met / (ability[:, None] + ability[None, :] + nu * root)
        before = ability
        ability = points / (share * (1 + nu / 2 * np.sqrt(ability[None, :] / ability[:, None]))).sum(axis=1)
        ability /= np.exp(np.log(ability).mean())
        nu = tied.sum() / (share * root).sum() if tied.any() else 0.0
        if np.abs(ability - before).max() < 1e-14:
            break
    return won, np.log(ability)


def arena(standing: dict[str, Any]) -> list[tuple[str, float | None, float | None]]:
    """The counts of every two generators, and the strengths."""
    checks: list[tuple[str, float | None, float | None]] = []
    names = [row["generator"] for row in standing["strengths"]]
    won, logs = strengths(names)
    for row in standing["contests"]:
        i, j = (names.index(row[which]) for which in ("first", "second"))
        checks.append((f"{row['first']} over {row['second']}"[:28], won[i, j], row["first_chosen"]))
        checks.append((f"{row['second']} over {row['first']}"[:28], won[j, i], row["second_chosen"]))
    if not standing["reason"]:
        for row, value in zip(standing["strengths"], logs, strict=True):
            reported = row["these_raters"]["estimate"]
            checks.append((f"strength {row['generator']}"[:28], float(value), reported))
    return checks


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
    if (numbers["arena"] or {}).get("standing"):
        checks += arena(numbers["arena"]["standing"]["strengths"])
        print("Of the arena the intervals, ranks and tests are not recomputed here.")
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
    if numbers["primary"] and (values := primary(numbers, codes, truth)):
        stored = numbers["primary"]["estimate"]
        reports = [stored["estimate"], stored["se"], *(stored["ci"] or [None, None])]
        names = ("primary result", "its standard error", "its interval from", "to")
        checks = [*zip(names, values, reports, strict=True), *checks]
    wrong = 0
    for name, recomputed, reported in checks:
        same = recomputed is reported or (
            recomputed is not None and reported is not None and abs(recomputed - reported) < 1e-8
        )
        wrong += not same
        print(f"{'same' if same else 'DIFFERS':<8}{name:<28}{recomputed!s:>24}{reported!s:>24}")
    print(f"{len(checks)} numbers compared, {wrong} differ.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
