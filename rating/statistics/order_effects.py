"""What changes along a sitting and between raters: time per case, learning and fatigue, experience."""

from __future__ import annotations

from typing import Any

import numpy as np

from rating.statistics.arrays import Flags, Floats
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.proportions import wilson
from rating.statistics.ratings_table import LABELS
from rating.statistics.times import Quartiles, quartiles
from rating.statistics.trends import group_difference, rank_correlation, slope_over_position

QUARTERS = 4
KNOWS_AI = ("used", "works")


def times(columns: StudyColumns, session: int) -> dict[str, Any]:
    """Seconds per case: all, by label, by rater, and by whether the call was right where the truth is known."""
    is_timed = columns.main(session) & (columns.active_ms >= 0)
    seconds = columns.active_ms[is_timed] / 1000
    label, rater = columns.label[is_timed], columns.rater[is_timed]
    spreads: dict[str, Any] = {
        "all": quartiles(seconds),
        "by_label": {word: quartiles(seconds[label == code]) for code, word in enumerate(columns.labels)}
        if columns.labels == LABELS
        else {},  # letters of sets mean nothing
        "by_rater": {name: quartiles(seconds[rater == place]) for place, name in enumerate(columns.raters)},
        "by_correctness": {},
    }
    if columns.truth_is_known:
        right = label == _truth(columns)[columns.image[is_timed]]
        spreads["by_correctness"] = {
            "right": quartiles(seconds[right]),
            "wrong or unsure": quartiles(seconds[~right]),
        }
    return spreads


def along_the_sitting(columns: StudyColumns, session: int) -> dict[str, Any]:
    """Each quarter of the sitting and the trend over it: time, share called fake, and share right."""
    in_session = columns.main(session)
    position = columns.position[in_session]
    quarter = _quarters(columns, in_session)
    label, timed = columns.label[in_session], columns.active_ms[in_session] >= 0
    seconds = columns.active_ms[in_session] / 1000
    right = label == _truth(columns)[columns.image[in_session]] if columns.truth_is_known else None
    rows = []
    for part in range(QUARTERS):
        here = quarter == part
        n = int(here.sum())
        rows.append(
            {
                "quarter": part + 1,
                "ratings": n,
                "called_fake": wilson(int((here & (label == LABELS.index("fake"))).sum()), n),
                "right": None if right is None else wilson(int((here & right).sum()), n),
                "seconds": quartiles(seconds[here & timed]),
            }
        )
    return {"quarters": rows, "trends": _trends(columns, in_session, position, right)}


def _trends(
    columns: StudyColumns, in_session: Flags, position: Any, right: Flags | None
) -> dict[str, Estimate]:
    places = columns.matrix(columns.position, in_session, 0)
    is_rated = columns.matrix(columns.position, in_session, -1) >= 0
    timed = in_session & (columns.active_ms > 0)
    logs = np.log(np.maximum(columns.active_ms, 1) / 1000)
    slopes = {
        "log_seconds": slope_over_position(
            columns.matrix(logs, timed, 0.0), places, columns.matrix(columns.active_ms, timed, -1) > 0
        )
    }
    if right is not None:
        is_right = np.zeros(len(in_session))
        is_right[in_session] = right
        slopes["right"] = slope_over_position(columns.matrix(is_right, in_session, 0.0), places, is_rated)
    return slopes


def by_profile(columns: StudyColumns, share: Floats) -> dict[str, Any]:
    """Whether years of reading or knowing AI go with a number per rater (nan: that rater has none)."""
    has_years = (columns.years >= 0) & np.isfinite(share)
    there = np.isfinite(share)
    knows = np.array([word in KNOWS_AI for word in columns.knowledge], dtype=np.bool_)
    does_not = np.array([word in {"none", "heard"} for word in columns.knowledge], dtype=np.bool_)
    return {
        "years": rank_correlation(share[has_years], columns.years[has_years]),
        "ai_knowledge": group_difference(share[there & knows], share[there & does_not]),
        "raters": [
            {
                "rater": name,
                "years": int(years) if years >= 0 else None,
                "knowledge": knowledge,
                "subspecialty": subspecialty,
                "value": float(value) if np.isfinite(value) else None,
            }
            for name, years, knowledge, subspecialty, value in zip(
                columns.raters, columns.years, columns.knowledge, columns.subspecialty, share, strict=True
            )
        ],
    }


def _quarters(columns: StudyColumns, in_session: Flags) -> Any:
    """The quarter of its rater's sitting in which each wanted rating was made, from 0."""
    rater, position = columns.rater[in_session], columns.position[in_session]
    last = np.ones(max(len(columns.raters), 1), dtype=np.int64)
    np.maximum.at(last, rater, position)
    return np.minimum((position - 1) * QUARTERS // last[rater], QUARTERS - 1)


def _truth(columns: StudyColumns) -> Any:
    place = {label: code for code, label in enumerate(columns.labels)} | {"": -1}
    return np.array([place[word] for word in columns.truth], dtype=np.int64)


__all__ = ["Quartiles", "along_the_sitting", "by_profile", "times"]
