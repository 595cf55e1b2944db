"""How well each subgroup of the test images is served: the AUC of each value of an attribute, and the gap between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from generation.classifiers.resampling import Floats, Numbers, Resampling, SeededEstimate
from generation.classifiers.scores import weighted_auc
from generation.diffusion.attributes import number_of
from generation.utility.results import SmallGroup, Subgroup, SubgroupGap

MOST_VALUES = 10  # different numbers that are groups each
FEWEST = 5  # images of each finding in a group; below, an AUC is a matter of two or three images


@dataclass(frozen=True)
class ResampledTest:
    """The test images: class number and patient of each, the names of the classes, and the resamples."""

    truth: Numbers
    patients: Sequence[str]
    classes: tuple[str, ...]
    draw: Resampling


def groups_of(values: Sequence[str]) -> list[str]:
    """The group of each value: itself, or where they are many numbers the fourth of them in which it lies.

    The fourths are those of all values that are known (quartiles, by linear interpolation); a value on a border lies
    in the lower one, and unknown stays unknown.
    """
    numbers = [number_of(value) if value else None for value in values]
    present = [number for number in numbers if number is not None]
    if len(set(present)) <= MOST_VALUES or len(present) < sum(map(bool, values)):
        return list(values)
    low, first, middle, third, high = (float(edge) for edge in np.quantile(present, [0, 0.25, 0.5, 0.75, 1]))
    edges = list(dict.fromkeys((first, middle, third, high)))
    starts = [low, *edges]
    names = [
        f"{'above ' if place else ''}{a:.9g} to {b:.9g}" for place, (a, b) in enumerate(pairwise(starts))
    ]
    return ["" if n is None else names[int(np.searchsorted(edges, n))] for n in numbers]


def unknown_of(groups: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence where attributes were to be told apart that no test image has."""
    names = [attribute for attribute, values in groups.items() if not any(values)]
    return [f"No test image has a stored {' and none a stored '.join(names)}."] if names else []


def gap_between(
    trained: tuple[str, str],
    attribute: str,
    values: Sequence[str],
    probabilities: Floats,
    test: ResampledTest,
) -> SubgroupGap:
    """One arm of one architecture by one attribute, from its probabilities (seeds, images, classes) and the value of each image.

    The AUC of a group is that of its images alone, each finding against the rest, the mean over findings and seeds
    (Mann-Whitney; Hanley and McNeil 1982). Intervals: percentiles of the bootstrap by patient (Efron and Tibshirani
    1993, chapter 13), the resamples of all other numbers, so that a patient in two groups counts in both alike. The gap
    is that of the two groups named, on the same resamples: they are not chosen anew in each, where a gap could never
    be 0. A resample that leaves a group without a finding is left out.
    """
    groups, small, aucs = [], [], {}
    words = np.asarray(values)
    for group in sorted(set(values) - {""}):
        rows = np.flatnonzero(words == group)
        counts = np.bincount(test.truth[rows], minlength=len(test.classes))
        if counts.min() < FEWEST:
            rarest = int(counts.argmin())
            small.append(SmallGroup(group, len(rows), test.classes[rarest], int(counts[rarest])))
            continue
        aucs[group] = _aucs(probabilities[:, rows], test.truth[rows], test.draw.counts[:, rows])
        patients = len({test.patients[row] for row in rows.tolist()})
        groups.append(Subgroup(group, len(rows), patients, test.draw.estimate(aucs[group])))
    best, worst, gap = _gap(aucs, test.draw)
    unknown = int((words == "").sum())
    return SubgroupGap(*trained, attribute, groups, best, worst, gap, small, unknown)


def _gap(aucs: Mapping[str, Floats], draw: Resampling) -> tuple[str, str, SeededEstimate]:
    """The best group, the worst, and the first's AUC less the second's."""
    if len(aucs) < 2:
        return (
            "",
            "",
            SeededEstimate(None, reason=f"Fewer than two groups have {FEWEST} images of each finding."),
        )
    order = sorted(aucs, key=lambda group: float(aucs[group][:, 0].mean()))
    return order[-1], order[0], draw.estimate(aucs[order[-1]] - aucs[order[0]], bounds=None)


def _aucs(probabilities: Floats, truth: Numbers, counts: Floats) -> Floats:
    """(seeds, resamples + 1)"""
    of_seeds = [
        [weighted_auc(truth == number, of_seed[:, number], counts) for number in range(of_seed.shape[1])]
        for of_seed in probabilities
    ]
    return np.asarray(np.mean(of_seeds, axis=1))
