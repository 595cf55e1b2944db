"""Which generated pictures give back a training picture: nearest neighbours by pixels and by features."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from generation.quality.nearest import nearest
from pool.near_copies import LEAST_CORRELATION, SIDE

NEIGHBOURS = 50
MARGIN = 0.9
ENOUGH_HELD_OUT = 20
CANDIDATES = 5
FARTHEST = SIDE // 10


@dataclass(frozen=True)
class Views:
    """The same pictures seen two ways, row by row: fine structure (`pixel_rows`) and an extractor's features."""

    pixels: NDArray[np.float32]
    features: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class Match:
    """A generated picture and the training picture it lies nearest to, by pixels and by features.

    A score is the distance to the nearest over the mean distance to the next fifty (Carlini et al. 2023): it is
    near 1 for a picture among others and near 0 for a copy. The correlation is the highest of its candidates,
    moved by up to a tenth of the picture and mirrored.
    """

    picture: int
    by_pixels: int
    by_features: int
    correlation: float
    pixel_score: float
    feature_score: float
    is_copy: bool


@dataclass(frozen=True)
class Scan:
    """What was found, the most suspicious first, and the limit below which a pixel score counts as a copy."""

    matches: list[Match]
    pixel_limit: float
    held_out: int
    copies: list[int] = field(default_factory=list)


def scan(generated: Views, training: Views, held_out: Views | None = None) -> Scan:
    """Compare every generated picture with every training picture.

    Candidates are the nearest by pixels, as it is and mirrored, and the five nearest by features. A copy is what correlates with one of
    them at 0.9 or more, or what lies clearly nearer to one training picture by pixels than any picture of another
    patient does: nine tenths of the lowest score of the held-out real ones. With fewer than twenty of those,
    training pictures stand in, each against the others. A near feature alone accuses nobody.
    """
    others = held_out if held_out is not None and len(held_out) >= ENOUGH_HELD_OUT else None
    asked = training if others is None else others
    usual = _Nearest.of(asked.pixels, training.pixels, leave_self_out=others is None).scores
    limit = MARGIN * float(usual.min()) if len(usual) else 0.0
    by_pixels = _Nearest.of(generated.pixels, training.pixels)
    by_features = _Nearest.of(generated.features, training.features)
    mirrored = nearest(_mirrored(generated.pixels), training.pixels).places[:, 0]
    matches = []
    for picture in range(len(generated)):
        candidates = {
            by_pixels.places[picture, 0],
            mirrored[picture],
            *by_features.places[picture, :CANDIDATES],
        }
        alike = max(moved_correlation(generated.pixels[picture], training.pixels[one]) for one in candidates)
        score = float(by_pixels.scores[picture])
        matches.append(
            Match(
                picture=picture,
                by_pixels=int(by_pixels.places[picture, 0]),
                by_features=int(by_features.places[picture, 0]),
                correlation=round(alike, 4),
                pixel_score=round(score, 4),
                feature_score=round(float(by_features.scores[picture]), 4),
                is_copy=alike >= LEAST_CORRELATION or score < limit,
            )
        )
    matches.sort(key=lambda match: (not match.is_copy, -match.correlation))
    copies = sorted(match.picture for match in matches if match.is_copy)
    return Scan(matches, limit, 0 if others is None else len(others), copies)


def moved_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The highest correlation of two rows of `pixel_rows` when one is moved a little, as it is or mirrored."""
    fixed = np.fft.rfft2(one.reshape(SIDE, SIDE))
    near = np.r_[0 : FARTHEST + 1, -FARTHEST:0]
    found = []
    for moving in (other, _mirrored(other)):
        spectrum = np.conj(np.fft.rfft2(moving.reshape(SIDE, SIDE)))
        at_every_shift = np.fft.irfft2(fixed * spectrum, s=(SIDE, SIDE))
        found.append(float(at_every_shift[np.ix_(near, near)].max()))
    return max(found)


def _mirrored(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(rows.shape)


@dataclass(frozen=True)
class _Nearest:
    """Of each query its nearest references and the score of the first."""

    places: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def of(
        cls, queries: NDArray[np.float32], references: NDArray[np.float32], *, leave_self_out: bool = False
    ) -> _Nearest:
        found = nearest(queries, references, k=NEIGHBOURS + 1, leave_self_out=leave_self_out)
        if found.distances.shape[1] == 0:
            return cls(found.places, np.zeros(0))
        rest = found.distances[:, 1:]
        usual = rest.mean(axis=1) if rest.shape[1] else np.ones(len(rest))
        return cls(found.places, found.distances[:, 0] / np.maximum(usual, 1e-12))
