"""The ratings of a study as one small matrix: raters × images, each cell a label."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rating.statistics.arrays import Codes, Flags, Ints

LABELS = ("real", "fake", "unsure")
MISSING = -1

Row = tuple[str, str, str] | tuple[str, str, str, str]


class RatingsError(ValueError):
    """Ratings that cannot be analysed; the message is one sentence for the person who gave them."""


class BadRowError(RatingsError):
    """One row that cannot be; `row` is its place, from 0, and `trouble` what is wrong with it."""

    def __init__(self, row: int, trouble: str) -> None:
        super().__init__(f"{trouble[0].upper()}{trouble[1:]}.")
        self.row = row
        self.trouble = trouble


@dataclass(frozen=True, slots=True, eq=False)
class RatingsTable:
    """Who called which image what.

    codes: int8, raters × images; the position in `labels`, or -1 where that rater did not rate that image.
    groups: one name per image (its modality, say), or nothing; `by` says what the groups are.

    >>> table = RatingsTable.from_rows([("R01", "a", "real"), ("R01", "b", "fake"), ("R02", "a", "real")])
    >>> table.codes.tolist()
    [[0, 1], [0, -1]]
    >>> table.category_counts().tolist()
    [[2, 0, 0], [0, 1, 0]]
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
        raters, images, words, groups = _columns(list(rows))
        if set(words) - set(code_of):
            raise RatingsError(f"A label is not one of {', '.join(labels)}.")
        codes = np.fromiter((code_of[word] for word in words), dtype=np.int8, count=len(words))
        return cls.from_columns(raters, images, codes, groups, tuple(labels), by)

    @classmethod
    def from_columns(  # noqa: PLR0917  four columns and what they mean
        cls,
        raters: Sequence[str],
        images: Sequence[str],
        codes: Codes,
        groups: Sequence[str],
        labels: tuple[str, ...],
        by: str | None,
    ) -> "RatingsTable":
        """The same from columns of equal length, `codes` the labels as their positions (-1: not rated).

        Raises BadRowError, which knows the row.
        """
        rater_names, row = _numbered(raters)
        image_names, column = _numbered(images)
        _check_groups(column, images, groups, by)
        matrix = np.full((len(rater_names), len(image_names)), MISSING, dtype=np.int8)
        rated = np.flatnonzero(codes != MISSING)
        cells = row[rated] * len(image_names) + column[rated]
        if (again := _first_repeat(cells, matrix.size)) is not None:
            at = int(rated[again])
            raise BadRowError(
                at, "this rater has rated this image before; keep one of the two lines, or name the session"
            )
        matrix.flat[cells] = codes[rated]
        by_image = dict(zip(images, groups, strict=True))
        of_image = tuple(by_image[image] for image in image_names) if any(groups) else ()
        return cls(rater_names, image_names, labels, matrix, of_image, by if of_image else None)

    @property
    def ratings(self) -> int:
        """How many ratings there are."""
        return int(np.count_nonzero(self.codes >= 0))

    def category_counts(self) -> Ints:
        """How many raters gave each image each label: images × labels."""
        return np.stack([(self.codes == code).sum(axis=0) for code in range(len(self.labels))], axis=1)

    def rated(self) -> "RatingsTable":
        """The same without raters who rated nothing and images that nobody rated."""
        rated = self.codes >= 0
        return self._part(np.asarray(rated.any(axis=1)), np.asarray(rated.any(axis=0)))

    def group(self, name: str) -> "RatingsTable":
        """Only the images of one group."""
        selection = np.array([group == name for group in self.groups], dtype=np.bool_)
        return self._part(np.ones(len(self.raters), dtype=np.bool_), selection)

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


def _columns(rows: Sequence[Row]) -> tuple[list[str], list[str], list[str], list[str]]:
    """The rows turned on their side; no group is an empty one."""
    raters, images, labels = ([row[place] for row in rows] for place in range(3))
    return raters, images, labels, [row[3] if len(row) == 4 else "" for row in rows]


def _numbered(names: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """The different names in the order in which they first appear, and the number of each."""
    number: dict[str, int] = {}
    places = (number.setdefault(name, len(number)) for name in names)
    by_name = np.fromiter(places, dtype=np.int64, count=len(names))
    return tuple(number), by_name


def _check_groups(column: Ints, images: Sequence[str], groups: Sequence[str], by: str | None) -> None:
    """Refuse an image that is in two groups."""
    _, group = _numbered(groups)
    first = np.zeros(len(column), dtype=np.int64)
    first[column[::-1]] = group[::-1]  # the last to write is the first to appear
    wrong = np.flatnonzero(first[column] != group)
    if len(wrong):
        at = int(wrong[0])
        raise BadRowError(at, f"this image is in two groups of {by!r}; give it one")


def _first_repeat(cells: Ints, size: int) -> int | None:
    """Where a cell comes for the second time, None where none does."""
    if not len(cells) or np.bincount(cells, minlength=size).max() < 2:
        return None
    order = np.argsort(cells, kind="stable")
    repeats = order[1:][np.diff(cells[order]) == 0]
    return int(repeats.min())


def check_labels(labels: Sequence[str]) -> None:
    """Refuse a label set that cannot be one."""
    if len(labels) < 2:
        raise RatingsError("Agreement needs at least two labels.")
    if len(labels) > np.iinfo(np.int8).max:
        raise RatingsError("There can be at most 127 labels.")
    if len(set(labels)) < len(labels) or not all(labels):
        raise RatingsError("The labels must be different and none may be empty.")
