"""What the clock does for tokens."""

from __future__ import annotations

from celery import shared_task

from accounts.tokens.models import IdempotentRequest, PersonalToken


@shared_task
def drop_what_is_over() -> None:
    """Delete what is of no use any more: answers kept for a request sent again, and act tokens that have ended."""
    IdempotentRequest.objects.over().delete()
    PersonalToken.objects.ended_act_tokens().delete()
