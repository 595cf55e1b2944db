"""Where a study stands on its way from draft to unblinded, and which of its raters have fallen quiet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rating.studies.study import Study

QUIET_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    at: datetime | None
    is_done: bool
    is_current: bool


def steps(study: Study) -> Iterator[Step]:
    """The five states in their order; the last one, once reached, is done."""
    times = {
        Study.State.DRAFT: study.created_at,
        Study.State.FROZEN: study.frozen_at,
        Study.State.OPEN: study.opened_at,
        Study.State.CLOSED: study.closed_at,
        Study.State.UNBLINDED: study.unblinded_at,
    }
    order = list(times)
    place = order.index(Study.State(study.state))
    for number, (state, at) in enumerate(times.items()):
        is_current = number == place and state != Study.State.UNBLINDED
        is_done = number <= place and not is_current
        yield Step(str(state.label), at if number <= place else None, is_done, is_current)


def pace(enrolment: Any, now: datetime) -> str:
    """Of an enrolment with its progress: finished, reading, quiet, or not begun."""
    if enrolment.presentation_count and enrolment.rated_count >= enrolment.presentation_count:
        return "finished"
    if enrolment.last_rated_at is None:
        return "not begun"
    return "quiet" if now - enrolment.last_rated_at > QUIET_AFTER else "reading"


def sentence_on_raters(paces: Iterable[tuple[str, str]]) -> str:
    """Who holds up an open study, by pseudonym: pairs of a pseudonym and its pace."""
    rows = list(paces)
    if not rows:
        return "Nobody is invited yet."
    late = [name for name, state in rows if state in {"quiet", "not begun"}]
    finished = sum(state == "finished" for _, state in rows)
    words = f"{finished} of {len(rows)} raters {'has' if finished == 1 else 'have'} finished."
    return f"{words} Quiet for three days or not begun: {', '.join(late)}." if late else words
