"""Messages to workers, sent off the caller's path: a request that queues work never waits for the broker.

The row is the truth. A message that could not be sent, or that ended with its process, is sent again by the sweep;
so a broker that is frozen costs one thread of this process its patience and nobody else anything.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Callable

from kombu.exceptions import OperationalError
from redis import RedisError

logger = logging.getLogger(__name__)

MOST_WAITING = 1000
DRAIN_AT_EXIT = 2.0
NO_BROKER = (OperationalError, RedisError, OSError)

Send = Callable[[], object]


class MessageSender:
    """One thread that sends what it is handed, in order; it starts with the first message."""

    def __init__(self) -> None:
        self._messages: queue.Queue[tuple[str, Send]] = queue.Queue(MOST_WAITING)
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, name: str, send: Send) -> None:
        """Take a message and return at once; `name` is what the log calls it."""
        try:
            self._messages.put_nowait((name, send))
        except queue.Full:
            logger.warning("%s waits: too many messages before it", name)
            return
        with self._start:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, daemon=True, name="messages")
                self._thread.start()

    def drain(self, seconds: float) -> bool:
        """Wait until every message was sent or given up; False when that takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        with self._messages.all_tasks_done:
            while self._messages.unfinished_tasks:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._messages.all_tasks_done.wait(remaining)
        return True

    def _work(self) -> None:
        while True:
            name, send = self._messages.get()
            try:
                send()
            except NO_BROKER:
                logger.warning("%s waits: the broker does not answer", name)
                self._give_up_the_rest()
            except Exception:
                logger.exception("%s waits: its message could not be sent", name)
            finally:
                self._messages.task_done()

    def _give_up_the_rest(self) -> None:
        """Each would wait as long in vain, and hold up the first one after the broker is back."""
        while True:
            try:
                self._messages.get_nowait()
            except queue.Empty:
                return
            self._messages.task_done()


_sender = MessageSender()


def send_later(name: str, send: Send) -> None:
    _sender.put(name, send)


def drain(seconds: float) -> bool:
    """Wait for this process's messages; False when the broker took longer than `seconds`."""
    return _sender.drain(seconds)


def _begin_anew() -> None:
    """A forked child has the parent's messages, locks perhaps held, and no thread: it starts with its own."""
    global _sender  # noqa: PLW0603  (one sender a process, and this is another process)
    _sender = MessageSender()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(drain, DRAIN_AT_EXIT)
