"""Whether the arms differ in slices beside the middle one: at a place, or in brightness, sharpness and shading.

Every slice that is looked at lies at the same place of its stack as those of all other images. All of them are tested at
once: one test however many slices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rating.blinding.cells import KINDS, SHADING_NAMES, place_in_words
from rating.blinding.checks import ALARM, GREY_NAMES, SHARPNESS_NAMES, Examined
from rating.blinding.findings import Finding, Verdict
from rating.blinding.largest_difference import LargestDifference, largest_difference
from rating.blinding.place_check import in_words, untestable, verdict_of

PLACES_BESIDE = "Places in the other slices"
LOOKS_BESIDE = "Looks of the other slices"
LOOKS = (*GREY_NAMES, *SHARPNESS_NAMES, *SHADING_NAMES)
REMEDY = (
    "Scroll through some stacks of each arm. Against a mark in a corner freeze again with the corners of every image "
    "masked; against the rest import that arm's stacks anew, or let raters see 1 slice of each, the middle one."
)


def check_other_slices(images: Sequence[Examined], *, numbers: Sequence[int], seed: int) -> list[Finding]:
    """Both tests; `numbers` are those of the slices beside the middle one, of as many as raters see."""
    sample = [image for image in images if image.other_slices is not None]
    findings = []
    for name, test in ((PLACES_BESIDE, _places), (LOOKS_BESIDE, _looks)):
        findings.append(untestable(name, sample) or test(sample, numbers, seed))
    return findings


def _places(sample: Sequence[Examined], numbers: Sequence[int], seed: int) -> Finding:
    grids = np.stack([image.other_slices.cells for image in sample if image.other_slices is not None])
    result = _tested(grids.reshape(len(grids), -1), sample, seed)
    of_slice, kind, row, column = np.unravel_index(result.at, grids.shape[1:])
    if result.p >= ALARM:
        reason = (
            f"At no place of {_listed(numbers)} do the arms differ more than by luck ({in_words(result)})."
        )
        return Finding(PLACES_BESIDE, Verdict.GREEN, reason, "", _numbers(result))
    more = "higher" if result.z[result.at] > 0 else "lower"
    place = place_in_words(int(row), int(column), (grids.shape[3], grids.shape[4]))
    return Finding(
        PLACES_BESIDE,
        verdict_of(result),
        f"The arms differ at one place of slice {numbers[int(of_slice)]}, most at {place}, where the {KINDS[int(kind)]} is "
        f"{more} in generated images ({in_words(result)}).",
        REMEDY,
        _numbers(result),
    )


def _looks(sample: Sequence[Examined], numbers: Sequence[int], seed: int) -> Finding:
    looks = np.stack([image.other_slices.looks for image in sample if image.other_slices is not None])
    result = _tested(looks.reshape(len(looks), -1), sample, seed)
    if result.p >= ALARM:
        reason = f"Brightness, sharpness and shading of {_listed(numbers)} say nothing of the origin beyond luck ({in_words(result)})."
        return Finding(LOOKS_BESIDE, Verdict.GREEN, reason, "", _numbers(result))
    of_slice, look = np.unravel_index(result.at, looks.shape[1:])
    more = "more" if result.z[result.at] > 0 else "less"
    return Finding(
        LOOKS_BESIDE,
        verdict_of(result),
        f"The arms differ in slice {numbers[int(of_slice)]}, most in “{LOOKS[int(look)]}”, {more} of which generated images "
        f"have ({in_words(result)}).",
        REMEDY,
        _numbers(result),
    )


def _tested(features: np.ndarray, sample: Sequence[Examined], seed: int) -> LargestDifference:
    return largest_difference(features, np.array([image.synthetic for image in sample]), seed=seed)


def _numbers(result: LargestDifference) -> dict[str, float]:
    return {"auc": result.best_auc, "z": float(result.z[result.at]), "luck": result.luck, "p": result.p}


def _listed(numbers: Sequence[int]) -> str:
    words = [str(number) for number in numbers]
    if len(words) == 1:
        return f"slice {words[0]}"
    return f"slices {', '.join(words[:-1])} and {words[-1]}"
