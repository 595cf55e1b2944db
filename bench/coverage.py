"""How often the 95 % intervals hold the truth when raters and images are both random.

    python -m bench.coverage [--json] [--runs 1000] [--raters 10] [--images 100] [--missing 0.0]
    python -m bench.coverage --designs [--runs 200]     20 designs: agreement, single raters, and averages, as a table

Roe & Metz' model (1997): a score is the image's truth plus effects of the rater, the image, both together and chance,
cut into real, unsure and fake. The interval of the pooled ratings, read as if independent, stands beside ours. The
fakes are of two generators in turn, alike in truth, whose difference is 0.
"""

import argparse
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from rating.statistics import LABELS, RatingsTable, agreement_report
from rating.statistics.accuracy import roc
from rating.statistics.arrays import Codes, Floats, Ints
from rating.statistics.mrmc import fixed_raters, obuchowski_rockette, ustatistic
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
    has_answer = levels >= 0
    right = np.where(truth == 1, levels == 2, levels == 0) & has_answer
    intervals = {
        "auc_u_statistic": ustatistic.auc(truth, levels).estimate.ci,
        "correct_u_statistic": ustatistic.mean(right, has_answer).estimate.ci,
        "correct_pooled_as_independent": wilson_interval(int(right.sum()), int(has_answer.sum())),
    }
    if has_answer.all():
        intervals["auc_obuchowski_rockette"] = _or_interval(
            *obuchowski_rockette.auc_moments(truth, levels[None])
        )
        intervals["correct_obuchowski_rockette"] = _or_interval(
            *obuchowski_rockette.proportion_moments(right[None])
        )
    return intervals | _between_generators(truth, levels)


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


def print_designs(runs: int, seed: int) -> None:
    """The table of docs: coverage of the 95 % intervals by design, in per cent of the runs in which they exist."""
    print(f"{runs} runs each, seed {seed}; * in most of them a sentence says that the interval is too narrow")
    print("| raters × images | κ or d′, labels | percent | κ (Fleiss) | α | AC1 |")
    print("|---|---|---|---|---|---|")
    for design in AGREEMENT_DESIGNS:
        held = agreement_coverage(design, runs, seed)
        cells = " | ".join(f"{100 * share:.0f}{'*' * warned}" for share, warned in held.values())
        print(f"| {design.raters} × {design.images} | {design.words} | {cells} |", flush=True)
    print(
        "| raters × images | d′ and missing | AUC of one rater | AUC, these raters | AUC, raters like these |"
    )
    print("|---|---|---|---|---|")
    for area in AREA_DESIGNS:
        cells = " | ".join(f"{100 * share:.0f}" for share in area_coverage(area, runs, seed))
        print(
            f"| {area.raters} × {area.images} | {area.distance:g}, {area.missing:.0%} | {cells} |", flush=True
        )


@dataclass(frozen=True, slots=True)
class AgreementDesign:
    """Common-correlation raters: with probability kappa all give one label, else each decides alone."""

    raters: int
    images: int
    shares: tuple[float, float, float]
    kappa: float
    missing: float = 0.0

    @property
    def words(self) -> str:
        labels = "/".join(f"{100 * share:.0f}" for share in self.shares)
        return f"{self.kappa:g}, {labels}{f', {self.missing:.0%} missing' if self.missing else ''}"

    def codes(self, rng: np.random.Generator) -> Codes:
        common = rng.choice(3, size=self.images, p=self.shares)
        own = rng.choice(3, size=(self.raters, self.images), p=self.shares)
        codes = np.where(rng.random(self.images) < self.kappa, common, own)
        return np.where(rng.random(codes.shape) < self.missing, -1, codes).astype(np.int8)

    def truth(self) -> dict[str, float]:
        shares = np.array(self.shares)
        chance = float((shares**2).sum())
        agreed = self.kappa + (1 - self.kappa) * chance
        of_ac1 = float((shares * (1 - shares)).sum() / 2)
        return {
            "percent_agreement": agreed,
            "fleiss_kappa": self.kappa,
            "krippendorff_alpha": self.kappa,
            "gwet_ac1": (agreed - of_ac1) / (1 - of_ac1),
        }


COEFFICIENTS = ("percent_agreement", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")
SKEWED, EVEN = (0.1, 0.85, 0.05), (0.45, 0.45, 0.1)
AGREEMENT_DESIGNS = (
    AgreementDesign(2, 20, (0.125, 0.875, 0.0), 0.5),
    AgreementDesign(2, 20, EVEN, 0.5),
    AgreementDesign(2, 50, SKEWED, 0.4),
    AgreementDesign(2, 200, SKEWED, 0.4),
    AgreementDesign(3, 20, SKEWED, 0.5),
    AgreementDesign(5, 30, SKEWED, 0.4),
    AgreementDesign(5, 40, EVEN, 0.4),
    AgreementDesign(10, 100, (0.05, 0.9, 0.05), 0.3),
    AgreementDesign(10, 100, EVEN, 0.3),
    AgreementDesign(10, 100, EVEN, 0.3, 0.4),
    AgreementDesign(10, 300, SKEWED, 0.3),
    AgreementDesign(50, 100, SKEWED, 0.3, 0.5),
)


@dataclass(frozen=True, slots=True)
class AreaDesign:
    """Roe & Metz raters; distance: between the means of real and fake; missing: the share of cells nobody rated."""

    raters: int
    images: int
    distance: float
    missing: float


AREA_DESIGNS = (
    AreaDesign(2, 20, 1.2, 0.0),
    AreaDesign(2, 80, 1.2, 0.0),
    AreaDesign(5, 40, 3.0, 0.0),
    AreaDesign(5, 100, 1.2, 0.0),
    AreaDesign(10, 100, 3.0, 0.0),
    AreaDesign(10, 100, 1.2, 0.4),
    AreaDesign(10, 400, 1.2, 0.0),
    AreaDesign(20, 1000, 1.2, 0.5),
)


def agreement_coverage(design: AgreementDesign, runs: int, seed: int) -> dict[str, tuple[float, bool]]:
    """The share of runs with a defined coefficient whose interval holds the true one, and whether most come with a sentence."""
    rng = np.random.default_rng(seed)
    truth = design.truth()
    held, defined, warned = (dict.fromkeys(COEFFICIENTS, 0) for _ in range(3))
    names = tuple(f"R{n:02}" for n in range(design.raters))
    images = tuple(f"I{n}" for n in range(design.images))
    for _ in range(runs):
        report = agreement_report(RatingsTable(names, images, LABELS, design.codes(rng)))
        for name in COEFFICIENTS:
            value = report.coefficients[name]
            if value.estimate is not None:
                defined[name] += 1
                held[name] += value.ci is not None and value.ci[0] <= truth[name] <= value.ci[1]
                warned[name] += value.reason is not None
    return {name: (held[name] / max(defined[name], 1), warned[name] > runs / 2) for name in COEFFICIENTS}


def area_coverage(design: AreaDesign, runs: int, seed: int) -> list[float]:
    """Of one rater: the area of that rater's own normal curves; of these raters: its mean; of raters like these: the model's."""
    rng = np.random.default_rng(seed)
    raters, images, distance = design.raters, design.images, design.distance
    held = {"one": 0, "these": 0, "like these": 0}
    overall = _area_of(distance, np.sqrt(RATER + IMAGE + BOTH + CHANCE), (0.0, 0.0))
    truth = np.arange(images) % 2
    spread = np.sqrt(IMAGE + BOTH + CHANCE)
    for _ in range(runs):
        effects = rng.normal(0, np.sqrt(RATER), (raters, 2))
        own = [_area_of(distance, spread, (a, b)) for a, b in effects]
        scores = distance * truth + effects[:, truth] + rng.normal(0, np.sqrt(IMAGE), images)
        levels = np.digitize(scores + rng.normal(0, np.sqrt(BOTH + CHANCE), (raters, images)), CUTS)
        levels = np.where(rng.random(levels.shape) < design.missing, -1, levels)
        rated = levels[0] >= 0
        intervals = {
            "one": (roc.auc(truth[rated], levels[0][rated]).ci, own[0]),
            "these": (_these(truth, levels), float(np.mean(own))),
            "like these": (ustatistic.auc(truth, levels).estimate.ci, overall),
        }
        for name, (interval, value) in intervals.items():
            held[name] += interval is not None and interval[0] <= value <= interval[1]
    return [count / runs for count in held.values()]


def _these(truth: Ints, levels: Ints) -> tuple[float, float] | None:
    mean = fixed_raters.area(truth == 1, levels)
    return mean.estimate().ci if mean else None


def _area_of(distance: float, spread: float, shifts: tuple[float, float]) -> float:
    """The AUC of three levels of two normal scores, the real one shifted by the first, the fake one by the second."""
    edges = np.array([-np.inf, *CUTS, np.inf])
    real, fake = (
        np.diff(stats.norm.cdf(edges, centre, spread)) for centre in (shifts[0], distance + shifts[1])
    )
    return float(sum(fake[k] * (real[:k].sum() + real[k] / 2) for k in range(3)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--raters", type=int, default=10)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--missing", type=float, default=0.0, help="share of cells nobody rated")
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--designs", action="store_true", help="the 20 designs of docs/statistics.md")
    options = parser.parse_args()
    if options.designs:
        print_designs(options.runs, options.seed)
        return
    report = measured(options.runs, options.raters, options.images, options.missing, options.seed)
    if options.json:
        print(json.dumps(report, indent=2))
        return
    print(
        f"{report['runs']} studies of {report['raters']} raters x {report['images']} images, seed {report['seed']}"
    )
    for name, value in report["coverage"].items():
        print(f"  {name:<34}{value:>7.3f}")


if __name__ == "__main__":
    main()
