"""The processes that train one network together: one, or several that accelerate joined."""

from __future__ import annotations

import contextlib
import os
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Value = TypeVar("Value")

# The others wait this long while the first one writes, samples and measures a checkpoint.
PATIENCE = timedelta(hours=6)


class DistributedGroup:
    """This process alone."""

    rank, size = 0, 1

    @property
    def device(self) -> torch.device:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def join(self, net: torch.nn.Module) -> Any:
        """The network as it is to be called in training: its gradients become those of the whole batch."""
        return net

    def alone(self, _model: Any) -> AbstractContextManager[Any]:
        """A block whose gradients need not be shared yet."""
        return contextlib.nullcontext()

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a number over all processes."""
        return value

    def wait(self) -> None:
        """Go on when all are here."""

    def first(self, value: Value) -> Value:
        """What the first process has, where they might not have the same."""
        return value

    def gathered(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The rows of all, in order, where each computed every `size`-th from its rank on."""
        return rows


class AcceleratedGroup(DistributedGroup):
    """One of several processes started by `accelerate launch` or torchrun."""

    def __init__(self) -> None:
        from accelerate import Accelerator
        from accelerate.utils import InitProcessGroupKwargs

        self.accelerator: Any = Accelerator(kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)])
        self.rank, self.size = self.accelerator.process_index, self.accelerator.num_processes

    @property
    def device(self) -> torch.device:
        return cast("torch.device", self.accelerator.device)

    def join(self, net: torch.nn.Module) -> Any:
        return self.accelerator.prepare_model(net)

    def alone(self, model: Any) -> AbstractContextManager[Any]:
        return cast("AbstractContextManager[Any]", self.accelerator.no_sync(model))

    def mean(self, value: Tensor) -> Tensor:
        return cast("Tensor", self.accelerator.reduce(value, reduction="mean"))

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()

    def first(self, value: Value) -> Value:
        from accelerate.utils import broadcast_object_list

        return cast("Value", broadcast_object_list([value])[0])

    def gathered(self, rows: NDArray[Any]) -> NDArray[Any]:
        from accelerate.utils import gather_object

        parts: list[NDArray[Any]] = gather_object([rows])
        everything = np.empty((sum(map(len, parts)), *rows.shape[1:]), dtype=rows.dtype)
        for rank, part in enumerate(parts):
            everything[rank :: self.size] = part
        return everything


def group_of_environment() -> DistributedGroup:
    """Several processes where a launcher said so, else this process alone."""
    return AcceleratedGroup() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else DistributedGroup()
