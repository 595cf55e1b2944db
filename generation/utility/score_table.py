"""An experiment's scores as CSV: each number on each test set in a row of its own; what is undefined keeps its sentence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from generation.classifiers.resampling import SeededEstimate
from generation.utility.models import UtilityExperiment
from generation.utility.results import ExternalTest, Scores, UtilityResults
from pool.canonical.guarding import guarded

COLUMNS = (
    *("test", "dataset", "trained_on", "network", "of", "score"),
    *("estimate", "low", "high", "sd_of_seeds", "reason"),
)
TEST_SPLIT, EXTERNAL, FALL = "test split", "external", "test split less external"


def as_csv(experiment: UtilityExperiment) -> str:
    """`of` is “all”, a finding, or “less real only” for the gap to training on real images."""
    numbers = experiment.results
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    table.writerows(_of_test(TEST_SPLIT, experiment.real.name, numbers))
    if numbers.external:
        dataset = numbers.external.dataset
        table.writerows(_of_test(EXTERNAL, dataset, numbers.external))
        for fall in numbers.external.falls:
            table.writerows(_rows((FALL, dataset, fall.arm, fall.architecture, "all"), fall.scores))
    return out.getvalue()


def _of_test(test: str, dataset: str, numbers: UtilityResults | ExternalTest) -> Iterator[list[str | float]]:
    for arm in numbers.arms:
        trained = (test, dataset, arm.arm, arm.architecture)
        yield from _rows((*trained, "all"), arm.scores)
        for label, scores in arm.by_class.items():
            yield from _rows((*trained, label), scores)
    for gap in numbers.gaps:
        yield from _rows((test, dataset, gap.arm, gap.architecture, "less real only"), gap.scores)


def _rows(names: tuple[str, ...], scores: Scores) -> Iterator[list[str | float]]:
    for score, number in scores.items():
        yield [*map(guarded, names), score, *_cells(number)]


def _cells(number: SeededEstimate) -> list[str | float]:
    low, high = number.ci or ("", "")
    parts = (number.estimate, low, high, number.sd_of_seeds, number.reason)
    return ["" if part is None else part for part in parts]
