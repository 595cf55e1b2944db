"""Images that repeat one another, also mirrored, shifted, brightened or saved anew: the search.

What is compared is fine structure, as the highest correlation over mirroring and small shifts. From which similarity
on an image counts as a copy, `copy_rule` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from generation.metrics.structure import SIDE, Floats, Numbers, Pulse, Structures, of_length_one

SHIFT = 8  # pixels of SIDE either way: 8 % of the image
CANDIDATES = 4
ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Nearest:
    """For each image the place of the most similar one among others (-1: none) and how similar, -1 to 1."""

    place: Numbers
    similarity: Floats


def nearest(
    images: Structures,
    references: Structures,
    *,
    groups: Numbers | None = None,
    other_groups: Numbers | None = None,
    pulse: Pulse = lambda: None,
) -> Nearest:
    """The most similar of the references for each image; where groups are given, of another group than its own.

    The strengths of coarse waves, which no shift changes, find candidates among all; those are compared in full.
    """
    from scipy import fft

    place, similarity = np.full(len(images), -1), np.full(len(images), -1.0, dtype=np.float32)
    if not len(references):
        return Nearest(place, similarity)
    spectra = np.conj(fft.rfft2(references.fine, workers=-1))
    reference_waves = references.waves()
    usual = reference_waves.mean(axis=0)
    unusual = _standing_out(reference_waves, usual).T
    for start in range(0, len(images), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        waves = images[rows].waves()
        similarities = np.maximum(*(_standing_out(view, usual) @ unusual for view in (waves, waves[:, ::-1])))
        if groups is not None and other_groups is not None:
            similarities[groups[rows, None] == other_groups[None, :]] = -np.inf
        candidate_count = min(CANDIDATES, len(references))
        candidates = np.argpartition(-similarities, candidate_count - 1, axis=1)[:, :candidate_count]
        correlations = _at_best_shift(images.fine[rows], spectra, candidates)
        correlations[np.isneginf(np.take_along_axis(similarities, candidates, axis=1))] = -1.0
        best = correlations.argmax(axis=1)[:, None]
        similarity[rows] = np.take_along_axis(correlations, best, axis=1)[:, 0]
        place[rows] = np.where(similarity[rows] > -1, np.take_along_axis(candidates, best, axis=1)[:, 0], -1)
        pulse()
    return Nearest(place, similarity)


def nearest_within(
    images: Structures, groups: Numbers | None = None, *, pulse: Pulse = lambda: None
) -> Nearest:
    """The most similar of the same images for each, itself (or all of its group) left out."""
    own = np.arange(len(images)) if groups is None else groups
    return nearest(images, images, groups=own, other_groups=own, pulse=pulse)


def pairs_of(closest: Nearest, threshold: float) -> list[tuple[int, int]]:
    """Pairs (i < j) of one list of images where one is the other's nearest, and as similar as that."""
    close = np.flatnonzero(closest.similarity >= threshold)
    return sorted(
        {(min(i, j), max(i, j)) for i, j in zip(close.tolist(), closest.place[close].tolist(), strict=True)}
    )


def grouped(number: int, pairs: Sequence[tuple[int, int]], names: Sequence[str] = ()) -> Numbers:
    """One group number for each of `number` images: those of one name (patient) or joined by pairs share it."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first: dict[str, int] = {}
    joined = [(first.setdefault(name, place), place) for place, name in enumerate(names) if name]
    ends = np.array([*pairs, *joined], dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(number, number))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _standing_out(waves: Floats, usual: Floats) -> Floats:
    """How waves differ from the usual ones, as vectors of length one."""
    return of_length_one((waves - usual).reshape(len(waves), -1))


def _at_best_shift(fine: Floats, spectra: npt.NDArray[np.complex64], candidates: Numbers) -> Floats:
    """The highest correlation over small shifts, mirrored or not, images × candidates."""
    from scipy import fft

    near = np.r_[0 : SHIFT + 1, SIDE - SHIFT : SIDE]
    highest_so_far = np.full(candidates.shape, -1.0, dtype=np.float32)
    for view in (fine, fine[:, :, ::-1]):
        transform = fft.rfft2(view, workers=-1)
        for column, chosen in enumerate(candidates.T):
            correlation = fft.irfft2(transform * spectra[chosen], s=(SIDE, SIDE), workers=-1)
            highest = correlation[:, near][:, :, near].max(axis=(1, 2))
            highest_so_far[:, column] = np.maximum(highest_so_far[:, column], highest)
    return highest_so_far
