"""What a run says of itself as it goes; no torch, so that any process may listen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Progress:
    """Where a run stands; `checkpoint`, `samples` and `metrics` only where one was just written.

    `loss` is the mean since the last word; `note` is a sentence for people when something happened, `preparing`
    one on what is done beside the steps. The samples of a run in another process are not sent, they lie in the
    checkpoint's folder.
    """

    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    checkpoint: Path | None = None
    samples: NDArray[np.uint8] | None = None
    metrics: Mapping[str, object] = field(default_factory=dict)
    memory_mb: float = 0.0
    note: str = ""
    preparing: str = ""

    @classmethod
    def beside_the_steps(cls, preparing: str) -> Self:
        """A sentence on what is made ready before the first step, or drawn and measured after one."""
        return cls(0, math.nan, 0.0, 0.0, preparing=preparing)


OnProgress = Callable[[Progress], None]
Tell = Callable[[str], None]


def silent(_sentence: str) -> None:
    """For whoever wants to hear nothing of what is made ready."""
