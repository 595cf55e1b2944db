"""Something to do now and then that may be asked for as often as one likes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, ParamSpec

Arguments = ParamSpec("Arguments")

SECONDS = 1.0  # between two heartbeats of a job at work


class Throttle(Generic[Arguments]):
    """`call`, at most once in so many seconds; what comes sooner is dropped."""

    def __init__(self, call: Callable[Arguments, object], *, seconds: float | None = None) -> None:
        self.call, self.seconds, self.last = call, SECONDS if seconds is None else seconds, 0.0

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        if time.monotonic() - self.last >= self.seconds:
            self.now(*args, **kwargs)

    def now(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        """Whatever the clock says; the seconds count from here again."""
        self.call(*args, **kwargs)
        self.last = time.monotonic()
