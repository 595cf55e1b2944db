"""How fast the analysis is, beside scikit-learn, statsmodels and krippendorff on the same ratings in the same run.

    python bench/analysis.py [--json] [--raters 200] [--images 10000] [--sample 300]

scikit-learn is slow enough that only `--sample` pairs are timed and scaled to all pairs; the report says so.
`report_s` is the whole report of as many ratings in a real PostgreSQL, its read included (see analysis_database.py).
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import krippendorff
import numpy as np
from analysis_database import measured_apart
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from rating.statistics import LABELS, RatingsTable, agreement_report
from rating.statistics.accuracy.diagnostic_accuracy import diagnostic_accuracy, scale
from rating.statistics.accuracy.unsure import accuracy_by_policy
from rating.statistics.agreement.coefficients import Items
from rating.statistics.agreement.coefficients import fleiss_kappa as our_fleiss
from rating.statistics.agreement.coefficients import krippendorff_alpha as our_alpha
from rating.statistics.agreement.pairs import pairwise
from rating.statistics.agreement.random_raters import random_raters
from rating.statistics.mrmc import ustatistic


def simulated(raters: int, images: int, missing: float) -> tuple[RatingsTable, list[str]]:
    """Raters who are right more often than not; half the cells empty by default."""
    rng = np.random.default_rng(2022)
    truth = rng.integers(0, 2, images)
    codes = np.where(rng.random((raters, images)) < 0.4, truth, rng.integers(0, 3, (raters, images))).astype(
        np.int8
    )
    codes[rng.random(codes.shape) < missing] = -1
    names = tuple(f"R{n:03}" for n in range(raters)), tuple(f"I{n:05}" for n in range(images))
    modality = tuple(("xray", "ct")[n % 2] for n in range(images))
    return RatingsTable(*names, LABELS, codes, modality, "modality"), [LABELS[code] for code in truth]


def seconds(work: Callable[[], Any], times: int = 3) -> float:
    """The quickest of a few runs: what the work costs, not what else the machine does."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def processor_seconds(work: Callable[[], Any]) -> float:
    """The processor time of one run: the figure to compare on a machine that others use too."""
    started = time.process_time()
    work()
    return time.process_time() - started


def core_numbers(table: RatingsTable, truth: list[str]) -> None:
    """Agreement, and everything by rater and over raters that the truth gives; no times, no parts."""
    agreement_report(table)
    random_raters(table)
    diagnostic_accuracy(table, truth)
    for only in (None, "fake", "real"):
        accuracy_by_policy(table, truth, only)
    ustatistic.auc([word == "fake" for word in truth], scale(table.codes, table.labels))


def pairwise_by_sklearn(table: RatingsTable, sample: int) -> tuple[float, float]:
    """Seconds for all pairs by scikit-learn (from a sample of pairs), and the largest difference from ours."""
    ours = pairwise(table.codes, len(table.labels))
    chosen = np.random.default_rng(1).choice(len(ours.first), min(sample, len(ours.first)), replace=False)
    worst, started = 0.0, time.perf_counter()
    for pair in chosen:
        first, second = table.codes[ours.first[pair]], table.codes[ours.second[pair]]
        both = (first >= 0) & (second >= 0)
        theirs = cohen_kappa_score(first[both], second[both], labels=range(len(table.labels)))
        worst = max(worst, abs(theirs - float(ours.kappas.estimate[pair])))
    return (time.perf_counter() - started) * len(ours.first) / len(chosen), worst


def measured(raters: int, images: int, sample: int) -> dict[str, Any]:
    """All the figures, seconds unless they are ratios (how many times quicker than theirs)."""
    table, truth = simulated(raters, images, missing=0.5)
    complete, _ = simulated(min(raters, 20), images, missing=0.0)
    counts, full = table.category_counts(), complete.category_counts()
    ours = seconds(lambda: pairwise(table.codes, 3))
    sklearn_s, worst = pairwise_by_sklearn(table, sample)
    alpha_s = seconds(lambda: our_alpha(Items.of(counts)))
    krippendorff_s = seconds(lambda: krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
    return {
        "raters": raters,
        "images": images,
        "ratings": table.ratings,
        **measured_apart(raters, images),
        "core_numbers_s": seconds(lambda: core_numbers(table, truth), times=2),
        "core_numbers_processor_s": processor_seconds(lambda: core_numbers(table, truth)),
        "agreement_s": seconds(lambda: agreement_report(table)),
        "pairwise_kappa_s": ours,
        "pairwise_kappa_sklearn_s": sklearn_s,
        "pairwise_kappa_sklearn_pairs_timed": sample,
        "pairwise_kappa_ratio": sklearn_s / ours,
        "pairwise_kappa_largest_difference": worst,
        "alpha_with_se_s": alpha_s,
        "alpha_krippendorff_s": krippendorff_s,
        "alpha_ratio": krippendorff_s / alpha_s,
        "fleiss_with_se_s": (fleiss_s := seconds(lambda: our_fleiss(Items.of(full)))),
        "fleiss_statsmodels_s": (statsmodels_s := seconds(lambda: fleiss_kappa(full))),
        "fleiss_ratio": statsmodels_s / fleiss_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--raters", type=int, default=200)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=300, help="pairs of raters timed with scikit-learn")
    options = parser.parse_args()
    report = measured(options.raters, options.images, options.sample)
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for name, value in report.items():
        print(f"{name:<36}{value:>14.4g}")


if __name__ == "__main__":
    main()
