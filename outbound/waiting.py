"""An end to a wait that its own library cannot bound as a whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T], *, name: str = "outbound") -> T:
    """What `call` returns. Raises what it raises, or TimeoutError once `seconds` are over.

    A call under way cannot be stopped from outside: its thread is left to end by itself, and what it gives is dropped.
    So `call` must have bounds of its own for each step, and change nothing that the caller goes on to use.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True, name=name).start()
    return future.result(seconds)
