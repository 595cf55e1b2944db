"""When the parts that nobody calls last did their work: the clock, outgoing mail, the backup."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from celery.signals import beat_init, before_task_publish
from django.db import Error, connection, models, transaction
from django.db.models.functions import Now

logger = logging.getLogger(__name__)

BEAT, MAIL, BACKUP, VERIFICATION = "beat", "mail", "backup", "verification"


class SignOfLife(models.Model):
    """When a part of the site last tried its work and when it last did it; `problem` says why the last try failed."""

    part = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()
    worked_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.part} {self.at}"

    @classmethod
    def note(cls, part: str, *, problem: str = "") -> None:
        """Note that this part worked just now. Never raises: what is noted must not fail for the note."""
        values = {"at": Now(), "problem": problem[:300]} | ({} if problem else {"worked_at": Now()})
        with contextlib.suppress(Error), transaction.atomic():
            cls.objects.update_or_create(part=part, defaults=values)


def note_beat(**_: Any) -> None:
    """The clock hands out a task: the one proof that it still runs, whatever the workers do with it."""
    SignOfLife.note(BEAT)
    connection.close()


@beat_init.connect
def watch_the_clock(**_: Any) -> None:
    note_beat()
    before_task_publish.connect(note_beat, weak=False)
