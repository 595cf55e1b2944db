"""Which images to look at again: what raters called the same, and what they could not agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rating.results.display_names import MODALITIES
from rating.statistics.columns import StudyColumns
from rating.statistics.ratings_table import LABELS

if TYPE_CHECKING:
    from rating.results.query import Response

GALLERIES = {
    "most-fooling": "Most fooling fakes",
    "real-called-fake": "Real images called fake",
    "fake-by-two": "Called fake by two or more",
    "real-by-all": "Called real by all",
    "missed": "Found by fewest",
    "found-by-all": "Found by all",
    "split": "Split opinions",
    "all": "All images",
    "all-sets": "All sets",
}
OF_TRUTH = frozenset({"most-fooling", "real-called-fake", "missed", "found-by-all"})
REPORTED = ("most-fooling", "real-called-fake", "fake-by-two", "missed", "split")
MOST_REPORTED = 12  # of each gallery; the bundle lists them all


@dataclass(frozen=True, slots=True)
class RatedImage:
    """An image with how many raters called it what."""

    code: str
    modality: str
    truth: str
    generator: str
    real: int
    fake: int
    unsure: int

    @property
    def raters(self) -> int:
        return self.real + self.fake + self.unsure

    @property
    def split(self) -> int:
        """How many raters the most given label did not convince."""
        return self.raters - max(self.real, self.fake, self.unsure)

    @property
    def truth_in_words(self) -> str:
        return f"truly {self.truth}" if self.truth else ""

    def count_of(self, label: str) -> int:
        """How many raters gave it this label."""
        return int(getattr(self, label))


@dataclass(frozen=True, slots=True)
class RatedSet:
    """A pair or quartet, by the code of its first image, with how many raters chose which of its images, by letter."""

    code: str
    modality: str
    truth: str  # the letter of the image looked for, empty while that is not told
    chosen: Mapping[str, int]
    generator: str = ""

    @property
    def raters(self) -> int:
        return sum(self.chosen.values())

    @property
    def hits(self) -> int:
        """How many raters chose the one looked for."""
        return self.chosen.get(self.truth, 0)

    @property
    def split(self) -> int:
        """How many raters the image chosen most did not convince."""
        return self.raters - max(self.chosen.values())

    @property
    def truth_in_words(self) -> str:
        return f"looked for: {self.truth}" if self.truth else ""

    def count_of(self, label: str) -> int:
        """How many raters chose this image of it."""
        return self.chosen[label]


def rated_images(columns: StudyColumns, session: int | None = None) -> list[RatedImage]:
    """Every image that somebody rated, by code."""
    counts = columns.table(session).category_counts()
    order = [LABELS.index(label) for label in ("real", "fake", "unsure")]
    return [
        RatedImage(code, modality, truth, generator, *(int(n[at]) for at in order))
        for code, modality, truth, generator, n in zip(
            columns.images,
            columns.modality,
            columns.truth,
            columns.generator,
            np.asarray(counts),
            strict=True,
        )
        if n.sum()
    ]


def galleries(
    columns: StudyColumns, session: int | None = None, generators: Mapping[str, str] | None = None
) -> Mapping[str, Sequence[RatedImage | RatedSet]]:
    """The images or sets of each gallery, most telling first; what depends on the truth only where that is known.

    generators: what made the images of a set, by its code, where generators are compared.
    """
    every = (
        galleries_of_images(columns, session)
        if columns.labels == LABELS
        else galleries_of_sets(columns, session, generators or {})
    )
    return {name: images for name, images in every.items() if columns.truth_is_known or name not in OF_TRUTH}


def galleries_of_sets(
    columns: StudyColumns, session: int | None, generators: Mapping[str, str]
) -> dict[str, list[RatedSet]]:
    counts = columns.table(session).category_counts()
    sets = [
        RatedSet(
            code,
            modality,
            truth,
            dict(zip(columns.labels, map(int, n), strict=True)),
            generators.get(code, ""),
        )
        for code, modality, truth, n in zip(
            columns.images, columns.modality, columns.truth, counts, strict=True
        )
        if n.sum()
    ]
    not_by_all = [item for item in sets if item.hits < item.raters]
    return {
        "missed": sorted(not_by_all, key=lambda item: (item.hits / item.raters, -item.raters, item.code)),
        "found-by-all": [item for item in sets if item.hits == item.raters],
        "split": sorted((item for item in sets if item.split), key=lambda item: (-item.split, item.code)),
        "all-sets": sets,
    }


def galleries_of_images(columns: StudyColumns, session: int | None = None) -> dict[str, list[RatedImage]]:
    images = rated_images(columns, session)
    return {
        "most-fooling": _most([image for image in images if image.truth == "fake"], "real"),
        "real-called-fake": _most([image for image in images if image.truth == "real"], "fake"),
        "fake-by-two": [image for image in _most(images, "fake") if image.fake > 1],
        "real-by-all": [image for image in images if image.raters > 1 and image.real == image.raters],
        "split": sorted(
            (image for image in images if image.split), key=lambda image: (-image.split, image.code)
        ),
        "all": images,
    }


def _most(images: list[RatedImage], label: str) -> list[RatedImage]:
    """Those called so at least once, the largest share first."""
    candidates = [image for image in images if getattr(image, label)]
    return sorted(
        candidates, key=lambda image: (-getattr(image, label) / image.raters, -image.raters, image.code)
    )


@dataclass(frozen=True, slots=True)
class ShownImage:
    """An image as a report shows it: a small PNG, and what every rater answered."""

    rated: RatedImage | RatedSet
    answers: Sequence[Response]
    png: bytes

    @property
    def title(self) -> str:
        """The code, and whatever may be told of the image."""
        parts = (
            self.rated.code,
            MODALITIES[self.rated.modality],
            self.rated.truth_in_words,
            self.rated.generator,
        )
        return " · ".join(part for part in parts if part)

    @property
    def labels(self) -> list[str]:
        """Each label that was given, with who gave it."""
        order = LABELS if isinstance(self.rated, RatedImage) else tuple(self.rated.chosen)
        gave = {label: [answer.rater for answer in self.answers if answer.label == label] for label in order}
        return [f"{label}: {', '.join(raters)}" for label, raters in gave.items() if raters]

    @property
    def remarks(self) -> list[str]:
        """What raters wrote, each with the rater and the reasons ticked."""
        return [f"{answer.rater}: {words}" for answer in self.answers if (words := words_of(answer))]


@dataclass(frozen=True, slots=True)
class Gallery:
    """The first images of a gallery, out of `count`."""

    title: str
    images: Sequence[ShownImage]
    count: int

    @property
    def note(self) -> str:
        if not self.count:
            return "There is none."
        if len(self.images) == self.count:
            return ""
        return f"The first {len(self.images)} of {self.count}; the bundle lists them all."


def words_of(answer: Response) -> str:
    """The reasons a rater ticked and the remark they left, in one line."""
    reasons = f"({', '.join(answer.reasons)})" if answer.reasons else ""
    return " ".join(part for part in (reasons, " ".join(answer.remark.split())) if part)
