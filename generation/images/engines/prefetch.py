"""One batch ahead: the next images are made on a thread of their own while the last ones are encoded and stored.

Whoever asked stays on his own thread with his database; the maker never touches it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from generation.images.engines.protocol import Answers, EngineImage, GenerationRequest

PULSE = 1.0

Batch = list[EngineImage]


class NobodyWaitsError(Exception):
    """Raised in the maker's thread to end it: its images are not wanted any more."""


@dataclass(frozen=True)
class _Maker:
    """What the maker says while it works, kept until the asker's thread hands it on."""

    over: threading.Event = field(default_factory=threading.Event)
    alive: threading.Event = field(default_factory=threading.Event)
    notes: SimpleQueue[str] = field(default_factory=SimpleQueue)

    def heartbeat(self) -> None:
        if self.over.is_set():
            raise NobodyWaitsError
        self.alive.set()

    def awaited(self, batch: Future[Batch | None], request: GenerationRequest) -> Batch | None:
        """The batch, once it is made. While the maker gives signs of life, so does the job."""
        while not wait([batch], timeout=PULSE).done:
            self.hand_on(request)
        self.hand_on(request)
        return batch.result()

    def hand_on(self, request: GenerationRequest) -> None:
        while True:
            try:
                request.note(self.notes.get_nowait())
            except Empty:
                break
        if self.alive.is_set():
            self.alive.clear()
            request.heartbeat()


def prefetched(
    request: GenerationRequest, number: int, make: Callable[[GenerationRequest], Iterator[Batch]]
) -> Answers:
    """The images of `make`, `number` of them in all, each batch begun before the one before it is taken."""
    maker, remaining = _Maker(), number
    batches = make(replace(request, heartbeat=maker.heartbeat, note=maker.notes.put))

    with ThreadPoolExecutor(1, thread_name_prefix="maker") as thread:
        try:
            request.may_stop()
            next_one = thread.submit(next, batches, None)
            while (batch := maker.awaited(next_one, request)) is not None:
                remaining -= len(batch)
                try:
                    if remaining:
                        request.may_stop()
                except Exception:
                    yield from batch
                    raise
                next_one = thread.submit(next, batches, None)
                yield from batch
        finally:
            maker.over.set()
