"""The ratings of a study as one small matrix: raters × images, each cell a label."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rating.analysis.arrays import Codes, Flags, Ints

LABELS = ("real", "fake", "unsure")
MISSING = -1

Row = tuple[str, str, str] | tuple[str, str, str, str]


class RatingsError(ValueError):
    """Ratings that cannot be analysed; the message is one sentence for the person who gave them."""


@dataclass(frozen=True, slots=True, eq=False)
class RatingsTable:
    """Who called which image what.

    codes: int8, raters × images; the position in `labels`, or -1 where that rater did not rate that image.
    groups: one name per image (its modality, say), or nothing; `by` says what the groups are.
    """

    raters: tuple[str, ...]
    images: tuple[str, ...]
    labels: tuple[str, ...]
    codes: Codes
    groups: tuple[str, ...] = ()
    by: str | None = None

    def __post_init__(self) -> None:
        check_labels(self.labels)
        if self.codes.shape != (len(self.raters), len(self.images)):
            raise RatingsError(
                "The matrix of ratings must have a row for each rater and a column for each image."
            )
        if self.groups and len(self.groups) != len(self.images):
            raise RatingsError("The groups must name one group for each image.")

    @classmethod
    def from_rows(
        cls, rows: Iterable[Row], labels: Sequence[str] = LABELS, *, by: str | None = "modality"
    ) -> "RatingsTable":
        """The table of (rater, image, label) or (rater, image, label, group) rows.

        Raters and images keep the order in which they first appear; an empty label is an image not rated. Raises RatingsError on an unknown label, on a
        (rater, image) pair that comes twice and on an image in two groups.
        """
        check_labels(labels)
        code_of = {label: code for code, label in enumerate(labels)} | {"": MISSING}
        builder = TableBuilder(tuple(labels), by)
        for rater, image, label, *group in rows:
            if label not in code_of:
                raise RatingsError(f"The label {label!r} is not one of {', '.join(labels)}.")
            trouble = builder.add(rater, image, code_of[label], group[0] if group else "")
            if trouble:
                raise RatingsError(f"{trouble[0].upper()}{trouble[1:]}.")
        return builder.table()

    @property
    def ratings(self) -> int:
        """How many ratings there are."""
        return int(np.count_nonzero(self.codes >= 0))

    def category_counts(self) -> Ints:
        """How many raters gave each image each label: images × labels."""
        return np.stack([(self.codes == code).sum(axis=0) for code in range(len(self.labels))], axis=1)

    def rated(self) -> "RatingsTable":
        """The same without raters who rated nothing and images that nobody rated."""
        seen = self.codes >= 0
        return self._part(np.asarray(seen.any(axis=1)), np.asarray(seen.any(axis=0)))

    def group(self, name: str) -> "RatingsTable":
        """Only the images of one group."""
        wanted = np.array([group == name for group in self.groups], dtype=np.bool_)
        return self._part(np.ones(len(self.raters), dtype=np.bool_), wanted)

    def group_names(self) -> tuple[str, ...]:
        """The groups there are, in order; images without one belong to none."""
        return tuple(sorted(set(self.groups) - {""}))

    def _part(self, raters: Flags, images: Flags) -> "RatingsTable":
        if raters.all() and images.all():
            return self
        return RatingsTable(
            raters=tuple(np.array(self.raters, dtype=object)[raters]),
            images=tuple(np.array(self.images, dtype=object)[images]),
            labels=self.labels,
            codes=self.codes[np.ix_(raters, images)],
            groups=tuple(np.array(self.groups, dtype=object)[images]) if self.groups else (),
            by=self.by,
        )


class TableBuilder:
    """Collects ratings one by one; dictionaries, so that a million rows take about a second."""

    def __init__(self, labels: tuple[str, ...], by: str | None) -> None:
        self.labels = labels
        self.by = by
        self.raters: dict[str, int] = {}
        self.images: dict[str, int] = {}
        self.cells: dict[tuple[int, int], int] = {}
        self.groups: list[str] = []

    def add(self, rater: str, image: str, code: int, group: str) -> str | None:
        """Take one rating (or MISSING: shown, not rated); what is wrong with it, if anything."""
        column = self.images.setdefault(image, len(self.images))
        if column == len(self.groups):
            self.groups.append(group)
        elif self.groups[column] != group:
            return f"image {image!r} is in two groups of {self.by!r}: {self.groups[column]!r} and {group!r}"
        cell = (self.raters.setdefault(rater, len(self.raters)), column)
        if code == MISSING:
            return None
        if cell in self.cells:
            return f"rater {rater!r} has rated image {image!r} before"
        self.cells[cell] = code
        return None

    def table(self) -> RatingsTable:
        """The table of all that was added."""
        codes = np.full((len(self.raters), len(self.images)), MISSING, dtype=np.int8)
        if self.cells:
            where = np.array(list(self.cells), dtype=np.int64)
            codes[where[:, 0], where[:, 1]] = np.fromiter(
                self.cells.values(), dtype=np.int8, count=len(self.cells)
            )
        groups = tuple(self.groups) if any(self.groups) else ()
        return RatingsTable(
            tuple(self.raters), tuple(self.images), self.labels, codes, groups, self.by if groups else None
        )


def check_labels(labels: Sequence[str]) -> None:
    """Refuse a label set that cannot be one."""
    if len(labels) < 2:
        raise RatingsError("Agreement needs at least two labels.")
    if len(labels) > np.iinfo(np.int8).max:
        raise RatingsError("There can be at most 127 labels.")
    if len(set(labels)) < len(labels) or not all(labels):
        raise RatingsError("The labels must be different and none may be empty.")
