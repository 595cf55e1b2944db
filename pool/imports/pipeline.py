"""Files decoded and encoded by as many threads as there are cores, each with a child of its own, in the order they came.

What waits is bounded in files and in bytes, so that an import of any length takes the memory of a few files.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from pool.canonical.pixels import (
    STORED_LEVEL,
    PixelColumns,
    RefusedImageError,
    encode_png,
    pixel_columns,
)
from pool.imports.archives import Refusal, Source, UnreadableError
from pool.imports.decoding import Decoded, Decoder, Hints

MOST_WORKERS = 16
MAX_WAITING_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Prepared:
    """An image ready to be stored: its pixels, the file of them, and what they are known by."""

    decoded: Decoded
    png: bytes
    columns: PixelColumns

    @property
    def pixel_sha256(self) -> str:
        return self.columns["pixel_sha256"]


@dataclass(frozen=True)
class OpenedFile:
    """A file with its images, or with the reason why there are none."""

    source: Source
    sha256: str
    images: list[Prepared]
    refusal: Refusal | None = None


class Pipeline:
    """Opens sources side by side; use as a context manager."""

    def __init__(self, hints: Hints, *, workers: int | None = None) -> None:
        self.hints = hints
        self.workers = workers or min(
            MOST_WORKERS,
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        )
        self._own = threading.local()
        self._decoders = ExitStack()
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="decoding")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._decoders.close()

    def open_all(self, items: Iterable[Source | Refusal | None]) -> Iterator[OpenedFile | Refusal | None]:
        """What became of each item, in order; a file is read here, since archives are read from front to back."""
        waiting: deque[tuple[int, Future[OpenedFile] | Refusal | None]] = deque()
        in_flight = 0
        for item in items:
            size, entry = self._begun(item)
            waiting.append((size, entry))
            in_flight += size
            while len(waiting) > self.workers + 1 or in_flight > MAX_WAITING_BYTES:
                size, entry = waiting.popleft()
                in_flight -= size
                yield entry.result() if isinstance(entry, Future) else entry
        for _, entry in waiting:
            yield entry.result() if isinstance(entry, Future) else entry

    def _begun(self, item: Source | Refusal | None) -> tuple[int, Future[OpenedFile] | Refusal | None]:
        if not isinstance(item, Source):
            return 0, item
        try:
            data = item.read()
        except UnreadableError as error:
            return 0, Refusal(item.name, str(error))
        except OSError as error:
            return 0, Refusal(item.name, f"The file cannot be read: {error.strerror or error}.")
        return len(data), self._threads.submit(self._open, item, data)

    def _open(self, source: Source, data: bytes) -> OpenedFile:
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            images = self._decoder().decode_all(data, source.name, self.hints)
        except RefusedImageError as error:
            return OpenedFile(source, sha256, [], Refusal(source.name, str(error), sha256))
        return OpenedFile(source, sha256, [_prepared(image) for image in images])

    def _decoder(self) -> Decoder:
        decoder: Decoder | None = getattr(self._own, "decoder", None)
        if decoder is None:
            decoder = self._own.decoder = self._decoders.enter_context(Decoder())
        return decoder


def _prepared(decoded: Decoded) -> Prepared:
    pixels = decoded.pixels
    png = encode_png(pixels, level=STORED_LEVEL)
    return Prepared(decoded, png, pixel_columns(pixels))
