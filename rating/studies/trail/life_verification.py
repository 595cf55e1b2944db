"""Whether a study's state, its stamps and its raters' standing are what its log says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from audit.models import Event
from audit.verification import Discrepancy
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

STAGES = {
    Study.State.FROZEN: "frozen_at",
    Study.State.OPEN: "opened_at",
    Study.State.CLOSED: "closed_at",
    Study.State.UNBLINDED: "unblinded_at",
}
ORDER = [Study.State.DRAFT, *STAGES]


def verify_life(study: Study) -> Iterator[Discrepancy]:
    """The state and its stamps: each stage has its event, and none is ahead of the state."""
    events = {event.action: event for event in study.events.filter(action__in=STAGES).order_by("pk")}
    reached = ORDER.index(Study.State(study.state))
    for place, (stage, field) in enumerate(STAGES.items(), start=1):
        stamp, event = getattr(study, field), events.get(stage)
        if place <= reached and event is None:
            yield Discrepancy(
                "study", f"it is {study.state}, but the log does not say that it became {stage}."
            )
        elif place > reached and event is not None:
            yield Discrepancy("study", f"it is {study.state}, but the log says that it became {stage}.")
        elif event is not None and not _agree(event, stamp):
            yield Discrepancy("study", f"the log has another time than {stamp} for when it became {stage}.")
        elif event is None and stamp is not None:
            yield Discrepancy("study", f"it has a time for when it became {stage}, but the log does not.")


def verify_standing(study: Study) -> Iterator[Discrepancy]:
    """Who was enrolled, has withdrawn, started over or was marked unblinded: by the log and by the tables."""
    logged = Counter(
        (event.action, event.rater)
        for event in study.events.filter(action__in=["enrolled", "withdrew", "reset", "marked unblinded"])
    )
    stored: Counter[tuple[str, str]] = Counter()
    for enrolment in study.enrolments.all():
        stored["enrolled", enrolment.pseudonym] += 1
        stored["withdrew", enrolment.pseudonym] += enrolment.withdrawn_at is not None
    for sitting in Sitting.objects.filter(enrolment__study=study).select_related("enrolment"):
        stored["reset", sitting.enrolment.pseudonym] += sitting.reset_at is not None
        stored["marked unblinded", sitting.enrolment.pseudonym] |= sitting.unblinded_at is not None
    for action, rater in sorted(logged.keys() | stored.keys()):
        log, table = logged[action, rater], stored[action, rater]
        if action == "marked unblinded":
            log, table = min(log, 1), min(table, 1)
        if log != table:
            yield Discrepancy(
                rater, f"“{action}” stands {log} times in the log and {table} times in the tables."
            )


def _agree(event: Event, stamp: datetime | None) -> bool:
    """An event from before the log kept the very stamp says nothing of it."""
    written = event.detail.get("at")
    return written is None or (stamp is not None and datetime.fromisoformat(written) == stamp)
