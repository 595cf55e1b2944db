"""The JSON of a quality report, key by key: what the runner writes and the pages, files and pool read."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from generation.metrics.checkpoint_metrics import ExtractorJSON
from generation.metrics.summary import SummaryJSON


class NearestPair(TypedDict):
    """A generated image and the real one nearest to it, by key; `of` is None where there is no real image."""

    fake: str
    of: str | None
    similarity: float
    chance: float | None


class Duplicates(TypedDict):
    real: list[list[str]]
    fake: list[list[str]]


class DuplicateCounts(TypedDict):
    real: int
    fake: int


class Comparison(SummaryJSON):
    """The comparison, its images by key."""

    n_real: int
    n_fake: int
    copies: list[NearestPair]
    duplicates: Duplicates
    n_duplicates: DuplicateCounts
    closest: list[NearestPair]
    best: list[NearestPair]
    worst: list[NearestPair]


class QualityResults(Comparison):
    """All of it, with what it was measured by."""

    extractor: ExtractorJSON  # the first, which the machine rater sees by
    extractors: NotRequired[list[ExtractorJSON]]  # of a report from before there could be several: none
    canvas: int
    n_training: int
