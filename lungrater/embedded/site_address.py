"""Where people reach the site, for commands that print a link."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import CommandError

from lungrater.embedded.lock import announced
from lungrater.embedded.site import LOCAL_NAMES


def site_address(base_url: str | None) -> str:
    """What was typed; else in production the first name the site answers to; else where it runs on this machine."""
    if base_url:
        return base_url.rstrip("/")
    if not settings.PRODUCTION:
        return announced(settings.HOME)
    names = [host for host in settings.ALLOWED_HOSTS if host not in LOCAL_NAMES and host[0] not in ".*"]
    if not names:
        raise CommandError(
            "Say with --base-url where people reach this site: ALLOWED_HOSTS does not name it."
        )
    return f"https://{names[0]}"
