"""How often the 95 % intervals hold the truth when raters and images are both random.

    python bench/coverage.py [--json] [--runs 1000] [--raters 10] [--images 100] [--missing 0.0]

Roe & Metz' model (1997): a score is the image's truth plus effects of the rater, the image, both together and chance,
cut into real, unsure and fake. The interval of the pooled ratings, read as if independent, stands beside ours. The
fakes are of two generators in turn, alike in truth, whose difference is 0.
"""

import argparse
import json
from typing import Any

import numpy as np
from scipy import stats

from rating.statistics.arrays import Floats, Ints
from rating.statistics.mrmc import obuchowski_rockette, ustatistic
from rating.statistics.mrmc.nested import Kind, of_areas, of_shares
from rating.statistics.mrmc.triples import Levels
from rating.statistics.proportions import wilson_interval

DISTANCE = 1.2  # between the means of real and fake
CUTS = (0.4, 0.8)  # below the first: real; above the second: fake
RATER, IMAGE, BOTH, CHANCE = 0.05, 0.3, 0.2, 0.5  # variances; rater and image effects apart for each truth


def study(rng: np.random.Generator, raters: int, images: int, missing: float) -> tuple[Ints, Ints]:
    """One study: truth (images,) and levels (raters × images), -1 where missing."""
    truth = np.arange(images) % 2
    of_rater = rng.normal(0, np.sqrt(RATER), (raters, 2))[:, truth]
    of_image = rng.normal(0, np.sqrt(IMAGE), images)
    rest = rng.normal(0, np.sqrt(BOTH + CHANCE), (raters, images))
    levels = np.digitize(DISTANCE * truth + of_rater + of_image + rest, CUTS)
    return truth, np.where(rng.random((raters, images)) < missing, -1, levels)


def true_values() -> tuple[float, float]:
    """The AUC of the three-level scale and the share of right calls (unsure is wrong), over all raters and images."""
    spread = np.sqrt(RATER + IMAGE + BOTH + CHANCE)
    edges = np.array([-np.inf, *CUTS, np.inf])
    real, fake = (np.diff(stats.norm.cdf(edges, centre, spread)) for centre in (0, DISTANCE))
    area = sum(fake[k] * (real[:k].sum() + real[k] / 2) for k in range(3))
    return float(area), float((real[0] + fake[2]) / 2)


def intervals(truth: Ints, levels: Ints) -> dict[str, tuple[float, float] | None]:
    """The intervals of one study by method; None where there is none."""
    seen = levels >= 0
    right = np.where(truth == 1, levels == 2, levels == 0) & seen
    found = {
        "auc_u_statistic": ustatistic.auc(truth, levels).estimate.ci,
        "correct_u_statistic": ustatistic.mean(right, seen).estimate.ci,
        "correct_pooled_as_independent": wilson_interval(int(right.sum()), int(seen.sum())),
    }
    if seen.all():
        found["auc_obuchowski_rockette"] = _or_interval(*obuchowski_rockette.auc_moments(truth, levels[None]))
        found["correct_obuchowski_rockette"] = _or_interval(
            *obuchowski_rockette.proportion_moments(right[None])
        )
    return found | _between_generators(truth, levels)


def _between_generators(truth: Ints, levels: Ints) -> dict[str, tuple[float, float] | None]:
    fakes = np.flatnonzero(truth == 1)
    reals, first, second = levels[:, truth == 0], levels[:, fakes[::2]], levels[:, fakes[1::2]]
    shared = Levels(reals, 3)
    kinds = (Kind.of(shared, Levels(side, 3)) for side in (first, second))
    shares = of_shares(first == 0, first >= 0, second == 0, second >= 0)
    return {
        "auc_difference": of_areas(*kinds).estimate.ci,
        "fool_rate_difference": shares.estimate.ci,
    }


def _or_interval(estimates: Floats, spread: Floats) -> tuple[float, float] | None:
    return obuchowski_rockette.average_reader(estimates, spread)[0].estimate.ci


def measured(runs: int, raters: int, images: int, missing: float, seed: int) -> dict[str, Any]:
    """The share of runs in which each interval held the true value; a missing interval counts as a miss."""
    rng = np.random.default_rng(seed)
    area, share = true_values()
    held: dict[str, int] = {}
    for _ in range(runs):
        for name, interval in intervals(*study(rng, raters, images, missing)).items():
            value = 0.0 if name.endswith("difference") else area if name.startswith("auc") else share
            held[name] = held.get(name, 0) + (interval is not None and interval[0] <= value <= interval[1])
    return {
        "runs": runs,
        "raters": raters,
        "images": images,
        "missing": missing,
        "seed": seed,
        "true_auc": area,
        "true_correct": share,
        "coverage": {name: count / runs for name, count in held.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--raters", type=int, default=10)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--missing", type=float, default=0.0, help="share of cells nobody rated")
    parser.add_argument("--seed", type=int, default=2022)
    options = parser.parse_args()
    found = measured(options.runs, options.raters, options.images, options.missing, options.seed)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{found['runs']} studies of {found['raters']} raters x {found['images']} images, seed {found['seed']}"
    )
    for name, value in found["coverage"].items():
        print(f"  {name:<34}{value:>7.3f}")


if __name__ == "__main__":
    main()
