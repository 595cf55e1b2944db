"""Decoders that outlive their job: a child starts in half a second of processor time, and hundreds of tests import."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

import pytest

from pool.confinement.child import Child
from pool.imports.decoding import Decoder

IDLE: list[Child] = []


class LongLivedDecoder(Decoder):
    """Real, behind its wall; where a job of the site ends its children, this one's child waits for the next test's."""

    def __init__(self) -> None:
        super().__init__()
        if IDLE:
            self._child = IDLE.pop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._child.is_running:
            IDLE.append(self._child)
        else:
            self.close()


@pytest.fixture(scope="session", autouse=True)
def long_lived_decoders() -> Iterator[None]:
    """For imports and paid images; tests of the decoder itself start their own."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr("pool.imports.pipeline.Decoder", LongLivedDecoder)
        patching.setattr("generation.images.engines.openai_images.Decoder", LongLivedDecoder)
        yield
        while IDLE:
            IDLE.pop().close()
