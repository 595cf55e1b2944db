"""Who looks at what depends on the truth stands in the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit import record
from rating.studies.study import Study

LOOK = "looked at the truth"
A_LOOK_LASTS = timedelta(minutes=10)


def note_look(study: Study, user: Any, what: str, *, embedded: bool = False) -> None:
    """Keep in the log that somebody saw what depends on the truth.

    A figure is part of a page whose look was kept a moment before; it is kept itself only when fetched alone.
    """
    if not study.is_unblinded:
        return
    if embedded:
        recent_looks = study.events.by(user).filter(action=LOOK, at__gte=timezone.now() - A_LOOK_LASTS)
        if recent_looks.exists():
            return
    record(study, user, LOOK, page=what)
