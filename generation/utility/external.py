"""The external test: the same classifiers on real images of elsewhere, and how far their scores fall there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generation.classifiers.scores import SCORES
from generation.utility.report import OTHER_PLACES, Measured
from generation.utility.results import ExternalTest, Fall, UtilityResults


def seed_outside(seed: int) -> int:
    """Another stream than that of the test split: the same draws on both would make their difference look too sure."""
    return seed + 1


def with_external(
    inside: Measured, outside: Measured, dataset: str, results: UtilityResults
) -> UtilityResults:
    """The report with the external test beside the internal one; its numbers are those of the same functions."""
    numbers = outside.report()
    counts = np.bincount(outside.test.truth, minlength=len(outside.test.classes)).tolist()
    external = ExternalTest(
        dataset=dataset,
        images=dict(zip(outside.test.classes, counts, strict=True)),
        test_images=numbers.test_images,
        test_patients=numbers.test_patients,
        headline=numbers.headline,
        arms=numbers.arms,
        gaps=numbers.gaps,
        falls=[_fall(key, inside, outside) for key in inside.values],
        subgroups=numbers.subgroups,
    )
    elsewhere = f"{OTHER_PLACES.removesuffix('.')} and of the external test set."
    sentences = [elsewhere if line == OTHER_PLACES else line for line in results.not_concluded]
    return replace(results, external=external, not_concluded=sentences)


def _fall(key: tuple[str, str], inside: Measured, outside: Measured) -> Fall:
    """Internal less external: patients drawn apart on either side, training seeds drawn once for both."""
    draw = inside.draw
    if reason := inside.draw.reason or outside.draw.reason:
        draw = replace(draw, reason=reason)
    differences = {name: inside.values[key][name] - outside.values[key][name] for name in SCORES}
    return Fall(*key, {name: draw.estimate(values, bounds=None) for name, values in differences.items()})
