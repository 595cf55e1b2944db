"""Two estimates of the variance of a share over raters and images, where not everybody rated everything.

    python -m bench.ustatistic [--runs 2000]

Both are U-statistics of the same data: the plain moments, as the FDA's iMRMC takes them, and the centred ones that stand
in a study's report. For each design the table holds the true variance (of the shares of all runs), and of either
estimate the mean, the spread and how often it is not positive.
"""

import argparse

import numpy as np

from bench.coverage import study
from rating.statistics.arrays import Flags, Floats
from rating.statistics.mrmc import ustatistic

DESIGNS = [(5, 40, 0.0), (5, 40, 0.4), (10, 100, 0.0), (10, 100, 0.4), (10, 100, 0.7), (20, 200, 0.5)]


def plain_variance(x: Floats, there: Flags) -> float:
    """The squared mean less its estimate from pairs that share neither rater nor image (Gallas 2006)."""

    def free_pairs(cells: Floats) -> float:
        shared = (cells.sum(axis=1) ** 2).sum() + (cells.sum(axis=0) ** 2).sum() - (cells**2).sum()
        return float(cells.sum() ** 2 - shared)

    weight = there.astype(np.float64)
    share = float((x * weight).sum() / weight.sum())
    return share**2 - free_pairs(x * weight) / free_pairs(weight)


def row(rng: np.random.Generator, raters: int, images: int, missing: float, runs: int) -> str:
    shares, plain, centred = np.empty(runs), np.empty(runs), np.empty(runs)
    for run in range(runs):
        truth, levels = study(rng, raters, images, missing)
        there = levels >= 0
        right = (np.where(truth == 1, levels == 2, levels == 0) & there).astype(np.float64)
        moments = ustatistic.mean_moments(right, there, right, there)
        shares[run], plain[run] = moments.means[0], plain_variance(right, there)
        covariance = moments.dispersion().covariance
        centred[run] = np.nan if covariance is None else covariance
    cells = [f"{raters} × {images}, {missing:.0%}", f"{shares.var(ddof=1):.5f}"]
    for estimate in (plain, centred):
        cells += [f"{estimate.mean():.5f}", f"{estimate.std(ddof=1):.5f}", f"{(estimate <= 0).mean():.1%}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    print("| raters × images, missing | true | plain: mean | spread | ≤ 0 | centred: mean | spread | ≤ 0 |")
    print("|---|---|---|---|---|---|---|---|")
    rng = np.random.default_rng(20260101)
    for design in DESIGNS:
        print(row(rng, *design, runs))


if __name__ == "__main__":
    main()
