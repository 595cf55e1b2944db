"""Models kept loaded between jobs, so that the next one starts at once: as many as fit, the oldest go first."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from generation.diffusion.errors import SamplingError

Model = TypeVar("Model")
PART_OF_GPU = 0.5
ON_CPU = 4 * 2**30
PRECISIONS = ("auto", "fp32", "bf16", "fp16")  # to sample in


class ModelCache(Generic[Model]):
    """The models last used in this process; the one in use stays, however large it is."""

    def __init__(self, size_of: Callable[[Model], int], *, budget: Callable[[], int] | None = None) -> None:
        self._size_of, self._budget = size_of, budget or memory_for_models
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, load: Callable[[], Model]) -> Model:
        with self._lock:
            if key not in self._models:
                self._models[key] = load()
                self._make_room()
            self._models.move_to_end(key)
            return self._models[key]

    def clear(self) -> None:
        self._models.clear()

    def _make_room(self) -> None:
        budget = self._budget()
        while len(self._models) > 1 and sum(map(self._size_of, self._models.values())) > budget:
            self._models.popitem(last=False)
            _give_back()


def device_for_work() -> Any:
    """The torch device to sample on."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dtype_for(precision: str) -> Any:
    """The torch dtype of a precision by name; `auto` is bf16 on a GPU and fp32 on a CPU."""
    import torch

    if precision == "auto":
        precision = "bf16" if device_for_work().type == "cuda" else "fp32"
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def memory_for_models() -> int:
    """Bytes that models may hold while none of them works."""
    import torch

    if not torch.cuda.is_available():
        return ON_CPU
    return int(torch.cuda.get_device_properties(0).total_memory * PART_OF_GPU)


def bytes_of(module: Any) -> int:
    """The size of a torch module's parameters."""
    return sum(p.numel() * p.element_size() for p in module.parameters())


def out_of_memory(error: BaseException) -> bool:
    import torch

    is_known = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    return is_known or "DefaultCPUAllocator" in str(error)  # a plain RuntimeError, worded by the system


def _give_back() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def in_batches_that_fit(
    indices: Any, size: int, make: Callable[[list[int]], list[Any]], *, note: Callable[[str], None]
) -> Any:
    """What `make` returns for each batch; they are halved whenever one needs more memory than there is.

    Raises SamplingError when one image alone does not fit.
    """
    remaining = list(indices)
    while remaining:
        group = remaining[:size]
        try:
            batch = make(group)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            if len(group) == 1:
                raise SamplingError(
                    "One image at a time still needs more memory than there is; use a machine with more."
                ) from error
            size = len(group) // 2
            note(f"Out of memory with {len(group)} images at once; going on with {size}.")
        else:
            yield batch
            remaining = remaining[len(group) :]
            continue
        _give_back()  # out here, where no traceback holds the tensors any more
