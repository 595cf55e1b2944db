"""A study's ratings as columns: what one read of the database leaves, and what every number is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rating.statistics.arrays import Codes, Flags, Floats, Ints
from rating.statistics.ratings_table import LABELS, MISSING, RatingsTable

MAIN, REPEAT = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class StudyColumns:
    """Facts per rater, per image and per rating; ratings point to both by place.

    truth is real, fake or, in a study that is still blinded, empty, and so are finding, generator and checkpoint;
    fid, kid and machine_auc (how easily a machine tells) are nan and years is -1 where unknown. Per rating: label is a
    place in labels, confidence 0 and active_ms -1 where not given.
    """

    raters: tuple[str, ...]
    years: Ints
    knowledge: tuple[str, ...]
    subspecialty: tuple[str, ...]

    images: tuple[str, ...]
    modality: tuple[str, ...]
    truth: tuple[str, ...]
    finding: tuple[str, ...]
    generator: tuple[str, ...]
    checkpoint: tuple[str, ...]
    fid: Floats
    kid: Floats
    machine_auc: Floats

    rater: Ints
    image: Ints
    session: Ints
    kind: Ints
    position: Ints
    label: Codes
    letter_order: Ints  # of a set: its letters in the order shown, as digits (“ba” is 21); else 0
    confidence: Ints
    active_ms: Ints
    has_text: Flags

    labels: tuple[str, ...] = LABELS

    @property
    def truth_is_known(self) -> bool:
        return any(self.truth)

    @property
    def is_fake(self) -> Flags:
        """Which images are known to be fakes."""
        return np.array([word == "fake" for word in self.truth], dtype=np.bool_)

    @property
    def first_session(self) -> int:
        """The first session there are ratings of; in a study of two phases the informed one begins with 2."""
        return int(self.session.min()) if len(self.session) else 1

    def main(self, session: int) -> Flags:
        """Which ratings are of a session's main showings: the ones that count."""
        return np.asarray((self.kind == MAIN) & (self.session == session))

    def matrix(self, values: Any, selection: Flags, missing: Any) -> Any:
        """Raters × images of a column's values over the wanted ratings, `missing` elsewhere."""
        cells = np.full((len(self.raters), len(self.images)), missing, dtype=np.asarray(values).dtype)
        cells[self.rater[selection], self.image[selection]] = values[selection]
        return cells

    def table(self, session: int | None = None, kind: int = MAIN) -> RatingsTable:
        """The labels of one session, the first unless said, as the matrix that the coefficients are taken from."""
        selection = np.asarray((self.kind == kind) & (self.session == (session or self.first_session)))
        codes = self.matrix(self.label, selection, MISSING)
        return RatingsTable(self.raters, self.images, self.labels, codes, self.modality, "modality")

    def only(
        self, *, ratings: Flags | None = None, images: Flags | None = None, raters: Flags | None = None
    ) -> StudyColumns:
        """The part with the wanted ratings, images and raters; places are numbered anew."""
        keep_images = np.ones(len(self.images), dtype=np.bool_) if images is None else images
        keep_raters = np.ones(len(self.raters), dtype=np.bool_) if raters is None else raters
        rows = keep_images[self.image] & keep_raters[self.rater]
        rows = rows if ratings is None else rows & ratings
        parts = {name: getattr(self, name)[rows] for name in PER_RATING}
        parts |= {name: _pick(getattr(self, name), keep_images) for name in PER_IMAGE}
        parts |= {name: _pick(getattr(self, name), keep_raters) for name in PER_RATER}
        parts["image"] = (np.cumsum(keep_images) - 1)[parts["image"]]
        parts["rater"] = (np.cumsum(keep_raters) - 1)[parts["rater"]]
        return replace(self, **parts)

    def save(self, path: Path) -> None:
        """Keep the columns in a file that holds arrays and nothing that could run."""
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: np.asarray(getattr(self, name)) for name in FIELDS})

    @classmethod
    def load(cls, path: Path) -> StudyColumns:
        with np.load(path, allow_pickle=False) as arrays:
            parts = {name: arrays[name] for name in FIELDS}
        return cls(**parts | {name: tuple(parts[name].tolist()) for name in WORDS})


MEASURES = ("fid", "kid", "machine_auc")
PER_RATER = ("raters", "years", "knowledge", "subspecialty")
PER_IMAGE = ("images", "modality", "truth", "finding", "generator", "checkpoint", *MEASURES)
PER_RATING = (
    "rater",
    "image",
    "session",
    "kind",
    "position",
    "label",
    "letter_order",
    "confidence",
    "active_ms",
    "has_text",
)
FIELDS = (*PER_RATER, *PER_IMAGE, *PER_RATING, "labels")
WORDS = {"raters", "knowledge", "subspecialty", "labels", *PER_IMAGE} - {*MEASURES}


def _pick(values: Any, selection: Flags) -> Any:
    if isinstance(values, tuple):
        return tuple(value for value, keep in zip(values, selection, strict=True) if keep)
    return values[selection]
