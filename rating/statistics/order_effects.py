"""What changes along a sitting and between raters: time per case, learning and fatigue, experience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rating.statistics.arrays import Flags, Floats, Ints
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.proportions import wilson
from rating.statistics.ratings_table import LABELS
from rating.statistics.times import Quartiles, quartiles
from rating.statistics.trends import group_difference, rank_correlation, slope_over_position

QUARTERS = 4
KNOWS_AI = ("used", "works")


@dataclass(frozen=True, slots=True)
class TimesPerCase:
    """Seconds per case; by_label is empty for sets, by_correctness while the truth is not known."""

    overall: Quartiles
    by_label: dict[str, Quartiles]
    by_rater: dict[str, Quartiles]
    by_correctness: dict[str, Quartiles]


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter of the sitting, from 1; right is None while the truth is not known."""

    quarter: int
    ratings: int
    called_fake: Estimate
    right: Estimate | None
    seconds: Quartiles


@dataclass(frozen=True, slots=True)
class OrderEffects:
    """The quarters, and the trends from first to last: of the logarithm of the seconds, and of the share right."""

    quarters: tuple[Quarter, ...]
    log_seconds: Estimate
    right: Estimate | None


@dataclass(frozen=True, slots=True)
class RaterProfile:
    """What a rater said of themselves, and their share of right calls."""

    rater: str
    years: int | None
    knowledge: str
    subspecialty: str
    share_right: float | None


@dataclass(frozen=True, slots=True)
class Experience:
    """Whether years of reading, or knowing AI, go with the share called right."""

    years: Estimate
    ai_knowledge: Estimate
    raters: tuple[RaterProfile, ...]


def times_per_case(columns: StudyColumns, session: int) -> TimesPerCase:
    """Seconds per case: all, by label, by rater, and by whether the call was right where the truth is known."""
    timed = columns.main(session) & (columns.active_ms >= 0)
    seconds = columns.active_ms[timed] / 1000
    label, rater = columns.label[timed], columns.rater[timed]
    by_label: dict[str, Quartiles] = {}
    if columns.labels == LABELS:  # letters of sets mean nothing
        by_label = {word: quartiles(seconds[label == code]) for code, word in enumerate(columns.labels)}
    by_correctness: dict[str, Quartiles] = {}
    if columns.truth_is_known:
        right = label == _truth(columns)[columns.image[timed]]
        by_correctness = {"right": quartiles(seconds[right]), "wrong or unsure": quartiles(seconds[~right])}
    by_rater = {name: quartiles(seconds[rater == place]) for place, name in enumerate(columns.raters)}
    return TimesPerCase(quartiles(seconds), by_label, by_rater, by_correctness)


def order_effects(columns: StudyColumns, session: int) -> OrderEffects:
    """Each quarter of the sitting and the trend over it: time, share called fake, and share right."""
    counted = columns.main(session)
    quarter = _quarters(columns, counted)
    label, timed = columns.label[counted], columns.active_ms[counted] >= 0
    seconds = columns.active_ms[counted] / 1000
    right = label == _truth(columns)[columns.image[counted]] if columns.truth_is_known else None
    rows = []
    for part in range(QUARTERS):
        here = quarter == part
        n = int(here.sum())
        rows.append(
            Quarter(
                part + 1,
                n,
                wilson(int((here & (label == LABELS.index("fake"))).sum()), n),
                None if right is None else wilson(int((here & right).sum()), n),
                quartiles(seconds[here & timed]),
            )
        )
    return OrderEffects(tuple(rows), *_trends(columns, counted, right))


def _trends(columns: StudyColumns, counted: Flags, right: Flags | None) -> tuple[Estimate, Estimate | None]:
    places = columns.matrix(columns.position, counted, 0)
    rated = columns.matrix(columns.position, counted, -1) >= 0
    timed = counted & (columns.active_ms > 0)
    logs = np.log(np.maximum(columns.active_ms, 1) / 1000)
    log_seconds = slope_over_position(
        columns.matrix(logs, timed, 0.0), places, columns.matrix(columns.active_ms, timed, -1) > 0
    )
    if right is None:
        return log_seconds, None
    of_rating = np.zeros(len(counted))
    of_rating[counted] = right
    shares = columns.matrix(of_rating, counted, 0.0)
    return log_seconds, slope_over_position(shares, places, rated, bounds=(-1, 1))


def by_profile(columns: StudyColumns, share: Floats) -> Experience:
    """Whether years of reading or knowing AI go with a number per rater (nan: that rater has none)."""
    there = np.isfinite(share)
    with_years = (columns.years >= 0) & there
    knows = np.array([word in KNOWS_AI for word in columns.knowledge], dtype=np.bool_)
    does_not = np.array([word in {"none", "heard"} for word in columns.knowledge], dtype=np.bool_)
    rows = zip(columns.raters, columns.years, columns.knowledge, columns.subspecialty, share, strict=True)
    return Experience(
        rank_correlation(share[with_years], columns.years[with_years]),
        group_difference(share[there & knows], share[there & does_not]),
        tuple(
            RaterProfile(
                name,
                int(years) if years >= 0 else None,
                knowledge,
                subspecialty,
                float(value) if np.isfinite(value) else None,
            )
            for name, years, knowledge, subspecialty, value in rows
        ),
    )


def _quarters(columns: StudyColumns, counted: Flags) -> Ints:
    """The quarter of its rater's counted ratings in which each was made, from 0; practice and repeats do not count."""
    rater, position = columns.rater[counted], columns.position[counted]
    order = np.lexsort((position, rater))
    n = np.bincount(rater, minlength=max(len(columns.raters), 1))
    first = np.concatenate([[0], np.cumsum(n)[:-1]])
    place = np.empty(len(rater), dtype=np.int64)
    place[order] = np.arange(len(rater)) - first[rater[order]]
    quarters: Ints = place * QUARTERS // n[rater]
    return quarters


def _truth(columns: StudyColumns) -> Any:
    place = {label: code for code, label in enumerate(columns.labels)} | {"": -1}
    return np.array([place[word] for word in columns.truth], dtype=np.int64)
