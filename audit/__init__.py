"""The append-only, hash-chained log of who did what to what, when and why.

`audit.record(subject, actor, action, reason=..., **detail)` is all that the rest of the house needs. This app imports
nobody: a person stands in it by their uuid, a subject by kind and key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.models import Event

__all__ = ["record"]


def record(subject: Any, actor: Any, action: str, *, reason: str = "", **detail: Any) -> Event:
    """Add one event to the subject's chain; its number and hash come with the commit.

    `subject` is any row (None: the site itself), `actor` a person, an `Actor`, or None for whoever runs this process.
    `reason` is a person's own words; nothing personal belongs into `detail`, which is kept for good.
    """
    from audit.models import Event  # models are there only once Django is

    return Event.objects.add(subject, actor, action, reason=reason, detail=detail)
