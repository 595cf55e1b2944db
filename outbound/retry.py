"""How often and how long to wait for a server that asks for patience."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class Patience:
    """How often and how long to wait, in seconds; tests shorten it."""

    attempts: int = 5
    first_pause: float = 1.0
    longest_pause: float = 120.0

    def pause(self, attempt: int, *, retry_after: float | None) -> float:
        """What the server told us to wait, or else a doubling pause with jitter."""
        if retry_after is not None:
            return min(retry_after, self.longest_pause)
        jitter = random.uniform(0.5, 1.0)  # noqa: S311  (jitter, not a secret)
        return min(self.first_pause * 2.0**attempt, self.longest_pause) * jitter


def seconds_of(retry_after: str | None) -> float | None:
    """A Retry-After header, in either of its forms (RFC 9110, 10.2.3), as seconds from now; None for neither."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
