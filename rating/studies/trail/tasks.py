"""What the clock does for studies."""

from __future__ import annotations

from celery import shared_task

from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study
from rating.studies.trail.sitting_heads import enter_heads


@shared_task
def enter_all_heads() -> None:
    """Enter what open studies have been told since the last time into their logs."""
    enter_heads(Sitting.objects.filter(enrolment__study__state=Study.State.OPEN))
