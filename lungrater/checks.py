"""A wrong set-up is named at start, with a hint, not found by a 500 later."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def debug_is_off_in_production(**_kwargs: Any) -> list[CheckMessage]:
    if settings.PRODUCTION and settings.DEBUG:
        return [
            Error(
                "DEBUG is on in production.",
                hint="Unset DEBUG: its error pages show settings and data to strangers.",
                id="lungrater.E001",
            )
        ]
    return []


@register(Tags.security)
def mail_is_not_printed_in_production(**_kwargs: Any) -> list[CheckMessage]:
    if settings.PRODUCTION and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return [
            Error(
                "Mail is printed to the log in production.",
                hint="Set EMAIL_URL to a mail server, or leave it out: codes and links are secrets.",
                id="lungrater.E002",
            )
        ]
    return []
