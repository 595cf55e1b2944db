"""Images that repeat one another, also mirrored, shifted, turned, cropped, inverted, brightened or saved anew: the search.

What is compared is fine structure, as the highest correlation, of either sign, over mirroring, small shifts and poses.
From which similarity on an image counts as a copy, `rule` says.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from pool.copies.structure import SIDE, Floats, Numbers, Pose, Pulse, Structures, of_length_one, one_thread

SHIFT = 8  # pixels of SIDE either way: 8 % of the image
CANDIDATES, POSED_CANDIDATES = 4, 4
ROWS_AT_ONCE, PAIRS_AT_ONCE = 256, 512
REFERENCES_AT_ONCE = 1024  # so few that all of a comparison stays in a core's cache
# A copy turned by up to 10 degrees, or of which up to a tenth is cut off at each side, is half a step from one of them.
POSES = (
    *(Pose(degrees=degrees) for degrees in (3, -3, 6, -6, 9, -9)),
    *(Pose(scale=scale) for scale in (0.94, 1.06, 0.885, 1.13, 0.835, 1.2, 0.79)),
    *(Pose(degrees, scale) for degrees in (-5, 5) for scale in (0.9, 1.1)),
)
HALF = np.float32(np.sqrt(0.5))

Flags = npt.NDArray[np.bool_]
Waves = tuple[Floats, Floats]  # what mirroring leaves of them, and what it turns round


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

    The strengths of coarse waves, which no shift changes, find candidates among all references, as the image lies
    and in each pose; those are compared in full.
    """
    place, similarity = np.full(len(images), -1), np.full(len(images), -1.0, dtype=np.float32)
    if not len(references):
        return Nearest(place, similarity)
    compared = _References.of(references)

    def compare(start: int) -> None:
        rows = slice(start, start + ROWS_AT_ONCE)
        strangers = None
        if groups is not None and other_groups is not None:
            strangers = groups[rows, None] != other_groups[None, :]
        place[rows], similarity[rows] = compared.most_similar(images[rows], strangers)

    with one_thread(), ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(compare, range(0, len(images), ROWS_AT_ONCE)):
            pulse()
    return Nearest(place, similarity)


@dataclass(frozen=True, slots=True)
class _References:
    """What is worked out once of the images that all others are compared with."""

    spectra: npt.NDArray[np.complex64]
    usual: Floats
    even: Floats
    odd: Floats

    @classmethod
    def of(cls, references: Structures) -> Self:
        from scipy import fft

        waves = references.waves()[0]
        mean = waves.mean(axis=0)
        usual = (mean + mean[::-1]) / 2
        spectra = np.conj(fft.rfft2(references.fine, workers=-1))
        even, odd = _standing_out(waves, usual)
        return cls(spectra, usual, even.T, odd.T)

    def most_similar(self, images: Structures, strangers: Flags | None) -> tuple[Numbers, Floats]:
        """For each image the place of the most similar reference and how similar; `strangers` are the pairs that count."""
        candidates, correlations = [], []
        for poses, count in (((Pose(),), CANDIDATES), (POSES, POSED_CANDIDATES)):
            waves = [_standing_out(of_pose, self.usual) for of_pose in images.waves(poses)]
            best = _best(self._likeness(waves), strangers, count)
            candidates.append(best)
            correlations.append(self._in_full(images, best, self._poses(waves, best), poses))
        places, similarities = np.concatenate(candidates, axis=1), np.concatenate(correlations, axis=1)
        if strangers is not None:
            similarities[~np.take_along_axis(strangers, places, axis=1)] = -1.0
        most = similarities.argmax(axis=1)[:, None]
        highest = np.take_along_axis(similarities, most, axis=1)[:, 0]
        return np.where(highest > -1, np.take_along_axis(places, most, axis=1)[:, 0], -1), highest

    def similarity_by_row(self, images: Structures) -> Floats:
        """Of each image to the reference in the same row."""
        own = np.arange(len(images))[:, None]
        correlations = []
        for poses in ((Pose(),), POSES):
            waves = [_standing_out(of_pose, self.usual) for of_pose in images.waves(poses)]
            correlations.append(self._in_full(images, own, self._poses(waves, own), poses))
        return np.asarray(np.concatenate(correlations, axis=1).max(axis=1))

    def _likeness(self, waves: Sequence[Waves]) -> Floats:
        """How alike the waves of each image, in its best pose, and of each reference are."""
        highest = np.full((len(waves[0][0]), self.even.shape[1]), -np.inf, dtype=np.float32)
        for start in range(0, self.even.shape[1], REFERENCES_AT_ONCE):
            part = slice(start, start + REFERENCES_AT_ONCE)
            for even, odd in waves:
                # Mirrored, an image's odd part changes its sign: the better of the two views is the sum with the sign taken off.
                turned = odd @ self.odd[:, part]
                likeness = np.abs(turned, out=turned)
                likeness += even @ self.even[:, part]
                np.maximum(highest[:, part], likeness, out=highest[:, part])
        return highest

    def _poses(self, waves: Sequence[Waves], candidates: Numbers) -> Numbers:
        """In which pose each image is most like each of its candidates."""
        likeness = [
            np.einsum("ri,irc->rc", even, self.even[:, candidates])
            + np.abs(np.einsum("ri,irc->rc", odd, self.odd[:, candidates]))
            for even, odd in waves
        ]
        return np.asarray(np.argmax(likeness, axis=0), dtype=np.int64)

    def _in_full(
        self, images: Structures, candidates: Numbers, poses: Numbers, choices: Sequence[Pose]
    ) -> Floats:
        """The highest correlation over small shifts, mirrored or not, of either sign, images × candidates."""
        correlations = np.full(candidates.shape, -1.0, dtype=np.float32)
        for number, pose in enumerate(choices):
            rows, columns = np.nonzero(poses == number)
            if not len(rows):
                continue
            of_pose, place = np.unique(rows, return_inverse=True)
            fine = images.fine[of_pose] if pose == Pose() else images[of_pose].posed(pose).fine
            correlations[rows, columns] = _at_best_shift(fine, place, self.spectra, candidates[rows, columns])
        return correlations


def nearest_within(
    images: Structures, groups: Numbers | None = None, *, pulse: Pulse = lambda: None
) -> Nearest:
    """The most similar of the same images for each, itself (or all of its group) left out."""
    own = np.arange(len(images)) if groups is None else groups
    return nearest(images, images, groups=own, other_groups=own, pulse=pulse)


def pair_similarities(
    images: Structures, pairs: tuple[Numbers, Numbers], *, pulse: Pulse = lambda: None
) -> Floats:
    """How similar the images at the first places are to those at the second, pair by pair, as a search would have it."""
    first, second = pairs
    similarity = np.empty(len(first), dtype=np.float32)
    with one_thread():
        for start in range(0, len(first), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            similarity[rows] = _References.of(images[second[rows]]).similarity_by_row(images[first[rows]])
            pulse()
    return similarity


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


def _standing_out(waves: Floats, usual: Floats) -> tuple[Floats, Floats]:
    """How waves differ from the usual ones, as vectors of length one: what mirroring leaves, and what it turns round."""
    unusual = of_length_one((waves - usual).reshape(len(waves), -1)).reshape(waves.shape)
    middle = waves.shape[1] // 2
    below, above = unusual[:, :middle][:, ::-1], unusual[:, middle + 1 :]
    even = np.concatenate([unusual[:, middle : middle + 1], (above + below) * HALF], axis=1)
    return even.reshape(len(waves), -1), ((above - below) * HALF).reshape(len(waves), -1)


def _best(likeness: Floats, strangers: Flags | None, count: int) -> Numbers:
    if strangers is not None:
        likeness[~strangers] = -np.inf
    count = min(count, likeness.shape[1])
    return np.argpartition(-likeness, count - 1, axis=1)[:, :count]


def _at_best_shift(
    fine: Floats, place: Numbers, spectra: npt.NDArray[np.complex64], candidates: Numbers
) -> Floats:
    """The highest correlation over small shifts of the image at each place with its candidate, mirrored or not."""
    from scipy import fft

    near = np.r_[0 : SHIFT + 1, SIDE - SHIFT : SIDE]
    highest = np.zeros(len(candidates), dtype=np.float32)
    for view in (fine, fine[:, :, ::-1]):
        transform = fft.rfft2(view)
        for start in range(0, len(candidates), PAIRS_AT_ONCE):
            pairs = slice(start, start + PAIRS_AT_ONCE)
            product = transform[place[pairs]] * spectra[candidates[pairs]]
            correlation = fft.irfft2(product, s=(SIDE, SIDE))
            # A negative has the same structure with the other sign.
            of_pairs = np.abs(correlation[:, near][:, :, near]).max(axis=(1, 2))
            highest[pairs] = np.maximum(highest[pairs], of_pairs)
    return highest
