"""How far a sitting has come, as columns of its own, so that no page or save counts presentations again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models


class Progress(models.Model):
    """Two counts are fixed with the order; the database itself moves the others on with each rating, whoever adds it.

    Reading goes on at `next_position`: the first presentation without a rating, None once there is none.
    """

    presentation_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    practice_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    rated_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    next_position = models.PositiveIntegerField(null=True, default=1, db_default=1, editable=False)
    furthest_position = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # rated so far
    ended_at = models.DateTimeField(null=True, editable=False)  # when the last rating so far was first saved
    # Of the ratings whose browser took the time, as they were first saved:
    timed_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    timed_ms = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)

    if TYPE_CHECKING:  # of the sitting itself
        created_at: models.DateTimeField[datetime, datetime]

    class Meta:
        abstract = True

    @property
    def is_read(self) -> bool:
        return self.next_position is None

    @property
    def finished_at(self) -> datetime | None:
        """When all of it was read; None before."""
        return (self.ended_at or self.created_at) if self.is_read else None
