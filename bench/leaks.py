"""How large a leak the blinding audit would see, by the number of images: the table that its findings quote.

    python bench/leaks.py [--draws 60] [--check NAME …] [--write]
    python bench/leaks.py --planted      plants every leak of the tests and prints what the audit says of each

Two arms are drawn that differ in one number alone, by which an ideal reader would tell them with an AUC of 0.6, 0.7
or 0.8; all other numbers of the check are noise, independent of each other. Printed is the share of draws that are not
green. `--write` stores it in rating/blinding/power.json, which the audit reads.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pool.copies.structure import SLICES_OF_A_STACK
from rating.blinding.cells import GRID, KINDS, SHADING_NAMES
from rating.blinding.checks import ALARM, CERTAIN, GREY_NAMES, NATIVE_SIZES, SHARPNESS_NAMES, UNLIKE_SIZES
from rating.blinding.confounds import NAME as KINDS_OF_IMAGES
from rating.blinding.largest_difference import largest_difference
from rating.blinding.place_check import PLACES, SHADING
from rating.blinding.power import AUCS, TABLE
from rating.blinding.separability import separability
from rating.blinding.stacks.slice_check import LOOKS, LOOKS_BESIDE, PLACES_BESIDE

SIZES = (10, 20, 30, 40, 60, 100, 200, 400)  # images of each arm
SHUFFLES = 299
NUMBERED = (
    3  # row number, code and place: all else is the same on files of one path, and constants are no features
)
MANY = 4_000  # draws of one number, where the bar is known
NEVER = 1e-7  # counts as unlikely as this are left out
Share = Callable[[int, float, int], float]


def by_classifier(features: int) -> Share:
    """Of a check that trains a classifier on so many numbers."""

    def share(each: int, auc: float, draws: int) -> float:
        alarms = 0
        for draw in range(draws):
            values, synthetic = arms(each, features, auc, seed=draw)
            alarms += separability(values, synthetic, seed=draw, shuffles=SHUFFLES).p < ALARM
        return alarms / draws

    return share


def by_largest_difference(features: int) -> Share:
    """Of a check that goes by the largest of so many differences: the bar is that of noise, passed by one number."""

    @cache
    def bar_of(each: int) -> float:
        values, synthetic = arms(each, features, 0.5, seed=each)
        return largest_difference(values, synthetic, seed=each).luck

    def share(each: int, auc: float, _draws: int) -> float:
        bar = bar_of(each)
        dice = np.random.default_rng(each)
        shifted = dice.normal(size=(MANY, each)) + shift(auc)
        ranks = stats.rankdata(np.concatenate([dice.normal(size=(MANY, each)), shifted], axis=1), axis=1)
        difference = ranks[:, each:].mean(axis=1) - ranks[:, :each].mean(axis=1)
        count = 2 * each
        z = difference / ranks.std(axis=1) * np.sqrt((count - 1) / 4)
        return float((np.abs(z) > bar).mean())

    return share


def by_counts(each: int, auc: float, _draws: int, *, alarm: float = ALARM) -> float:
    """Of a check that counts a mark in both arms (Fisher's exact test), on half of all images: exactly."""
    low, high = 1 - auc, auc  # shares whose difference is 2 AUC − 1, around one half
    counts = np.arange(each + 1)
    real, fake = (stats.binom.pmf(counts, each, share) for share in (low, high))
    chance = np.outer(real, fake)
    likely = np.argwhere(chance > NEVER)
    alarms = [
        stats.fisher_exact(np.array([[a, each - a], [b, each - b]])).pvalue < alarm
        for a, b in likely.tolist()
    ]
    return float(chance[tuple(likely.T)] @ np.array(alarms))


def by_own_auc(each: int, auc: float, _draws: int) -> float:
    """Of a check whose bar is an AUC of one number in the images themselves."""
    dice = np.random.default_rng(each)
    values = np.concatenate(
        [dice.normal(size=(MANY, each)), dice.normal(size=(MANY, each)) + shift(auc)], axis=1
    )
    ranks = stats.rankdata(values, axis=1)[:, each:].sum(axis=1)
    areas = (ranks - each * (each + 1) / 2) / each**2
    return float((np.maximum(areas, 1 - areas) > UNLIKE_SIZES).mean())


def shift(auc: float) -> float:
    """How far apart two normal numbers of deviation 1 are, of which one is the larger with this probability."""
    return float(np.sqrt(2) * stats.norm.ppf(auc))


def arms(each: int, features: int, auc: float, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.random.default_rng([each, seed]).normal(size=(2 * each, features))
    values[each:, 0] += shift(auc)
    return values, np.arange(2 * each) >= each


def planted() -> int:
    """The tests that plant leaks, whose last lines are the table of verdicts."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "tests/rating/blinding"]
    return subprocess.run(command, cwd=Path(__file__).resolve().parent.parent, check=False).returncode


CHECKS: dict[str, Share] = {
    "Container, numbers and order": by_classifier(NUMBERED),
    "Brightness and contrast": by_classifier(len(GREY_NAMES)),
    "Sharpness and compression": by_classifier(len(SHARPNESS_NAMES)),
    PLACES: by_largest_difference(len(KINDS) * GRID**2),
    SHADING: by_largest_difference(len(SHADING_NAMES)),
    PLACES_BESIDE: by_largest_difference(len(KINDS) * GRID**2 * (SLICES_OF_A_STACK - 1)),
    LOOKS_BESIDE: by_largest_difference(len(LOOKS) * (SLICES_OF_A_STACK - 1)),
    "Letters burned in": by_counts,
    NATIVE_SIZES: by_own_auc,
    KINDS_OF_IMAGES: partial(
        by_counts, alarm=CERTAIN / 2
    ),  # of two values, as a finding that is there or not
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--write", action="store_true")
    parser.add_argument(
        "--check", action="append", choices=CHECKS, help="only this one (several may be given)"
    )
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    if options.planted:
        sys.exit(planted())
    table: dict[str, dict[str, list[float]]] = json.loads(TABLE.read_text())["shares"]
    for check, share in CHECKS.items():
        if options.check and check not in options.check:
            continue
        table[check] = {}
        for each in SIZES:
            shares = [round(share(each, auc, options.draws), 3) for auc in AUCS]
            table[check][str(each)] = shares
            print(f"{check:<30} {each:>4}  " + "  ".join(f"{value:.2f}" for value in shares), flush=True)
    if options.write:
        TABLE.write_text(json.dumps({"aucs": AUCS, "draws": options.draws, "shares": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
