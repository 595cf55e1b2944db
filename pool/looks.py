"""Looks at which images are real and which are not: once an hour for each person and thing, in the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit import record
from audit.models import Event

LOOK = "looked at origins"  # as the log names it
A_LOOK_LASTS = timedelta(hours=1)


def note_look(subject: Any, person: Any, page: str) -> None:
    """Keep that this person saw this page on origins; of None the pool as a whole."""
    looks = Event.objects.about(subject).by(person).filter(action=LOOK, detail__page=page)
    if not looks.filter(at__gt=timezone.now() - A_LOOK_LASTS).exists():
        record(subject, person, LOOK, page=page)
