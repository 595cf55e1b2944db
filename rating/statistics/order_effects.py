"""What changes along a sitting and between raters: time per case, learning and fatigue, experience."""

from __future__ import annotations

from typing import Any

import numpy as np

from rating.statistics.arrays import Flags, Floats
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.proportions import wilson
from rating.statistics.ratings_table import LABELS
from rating.statistics.times import Spread, spread
from rating.statistics.trends import group_difference, rank_correlation, slope_over_position

QUARTERS = 4
KNOWS_AI = ("used", "works")


def times(columns: StudyColumns, session: int) -> dict[str, Any]:
    """Seconds per case: all, by label, by rater, and by whether the call was right where the truth is known."""
    wanted = columns.main(session) & (columns.active_ms >= 0)
    seconds = columns.active_ms[wanted] / 1000
    label, rater = columns.label[wanted], columns.rater[wanted]
    found: dict[str, Any] = {
        "all": spread(seconds),
        "by_label": {word: spread(seconds[label == code]) for code, word in enumerate(columns.labels)}
        if columns.labels == LABELS
        else {},  # letters of sets mean nothing
        "by_rater": {name: spread(seconds[rater == place]) for place, name in enumerate(columns.raters)},
        "by_correctness": {},
    }
    if columns.truth_is_known:
        right = label == _truth(columns)[columns.image[wanted]]
        found["by_correctness"] = {
            "right": spread(seconds[right]),
            "wrong or unsure": spread(seconds[~right]),
        }
    return found


def along_the_sitting(columns: StudyColumns, session: int) -> dict[str, Any]:
    """Each quarter of the sitting and the trend over it: time, share called fake, and share right."""
    wanted = columns.main(session)
    position = columns.position[wanted]
    quarter = _quarters(columns, wanted)
    label, timed = columns.label[wanted], columns.active_ms[wanted] >= 0
    seconds = columns.active_ms[wanted] / 1000
    right = label == _truth(columns)[columns.image[wanted]] if columns.truth_is_known else None
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
                "seconds": spread(seconds[here & timed]),
            }
        )
    return {"quarters": rows, "trends": _trends(columns, wanted, position, right)}


def _trends(columns: StudyColumns, wanted: Flags, position: Any, right: Flags | None) -> dict[str, Estimate]:
    places = columns.matrix(columns.position, wanted, 0)
    seen = columns.matrix(columns.position, wanted, -1) >= 0
    timed = wanted & (columns.active_ms > 0)
    logs = np.log(np.maximum(columns.active_ms, 1) / 1000)
    found = {
        "log_seconds": slope_over_position(
            columns.matrix(logs, timed, 0.0), places, columns.matrix(columns.active_ms, timed, -1) > 0
        )
    }
    if right is not None:
        whole = np.zeros(len(wanted))
        whole[wanted] = right
        found["right"] = slope_over_position(columns.matrix(whole, wanted, 0.0), places, seen)
    return found


def by_profile(columns: StudyColumns, share: Floats) -> dict[str, Any]:
    """Whether years of reading or knowing AI go with a number per rater (nan: that rater has none)."""
    known = (columns.years >= 0) & np.isfinite(share)
    there = np.isfinite(share)
    knows = np.array([word in KNOWS_AI for word in columns.knowledge], dtype=np.bool_)
    does_not = np.array([word in {"none", "heard"} for word in columns.knowledge], dtype=np.bool_)
    return {
        "years": rank_correlation(share[known], columns.years[known]),
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


def _quarters(columns: StudyColumns, wanted: Flags) -> Any:
    """The quarter of its rater's sitting in which each wanted rating was made, from 0."""
    rater, position = columns.rater[wanted], columns.position[wanted]
    last = np.ones(max(len(columns.raters), 1), dtype=np.int64)
    np.maximum.at(last, rater, position)
    return np.minimum((position - 1) * QUARTERS // last[rater], QUARTERS - 1)


def _truth(columns: StudyColumns) -> Any:
    place = {label: code for code, label in enumerate(columns.labels)} | {"": -1}
    return np.array([place[word] for word in columns.truth], dtype=np.int64)


__all__ = ["Spread", "along_the_sitting", "by_profile", "times"]
