"""The diffusion engine: samples a checkpoint of ours, on a GPU where there is one, else on the CPU."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.engines.protocol import (
    EngineError,
    GenerationRequest,
    Picture,
    Refusal,
    batches,
    seed_of,
)

if TYPE_CHECKING:
    from generation.training.network import Denoiser

MOST_STEPS = 1000
KEPT_WARM = 2


@dataclass(frozen=True)
class CheckpointSource:
    """Where a checkpoint's description and weights come from; `key` (its sha256) names it in the cache."""

    key: str
    name: str
    description: dict[str, Any]
    read_weights: Callable[[], bytes]

    @classmethod
    def from_path(cls, path: Path) -> CheckpointSource:
        """A folder of ours, or X.safetensors with X.json beside it. Raises EngineError."""
        from generation.training import checkpoint

        try:
            description, weights = checkpoint.read(path)
        except checkpoint.CheckpointError as error:
            raise EngineError(str(error)) from error
        return cls(str(weights.absolute()), path.stem, description.as_json(), weights.read_bytes)


class _Warm:
    """The networks last used in this process, so that the next job does not load them again."""

    def __init__(self) -> None:
        self._nets: OrderedDict[str, Denoiser] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, source: CheckpointSource) -> Denoiser:
        with self._lock:
            if source.key not in self._nets:
                self._nets[source.key] = _load(source)
                while len(self._nets) > KEPT_WARM:
                    self._nets.popitem(last=False)
            self._nets.move_to_end(source.key)
            return self._nets[source.key]

    def clear(self) -> None:
        self._nets.clear()


warm = _Warm()


def _load(source: CheckpointSource) -> Denoiser:
    import torch

    from generation.training import checkpoint

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        description = checkpoint.Description.from_json(source.description)
        return checkpoint.network(description, source.read_weights(), device)
    except (checkpoint.CheckpointError, OSError) as error:
        raise EngineError(f"The checkpoint {source.name} cannot be used. {error}") from error


class DiffusionEngine:
    """Picture k of a job depends on the job's seed and k alone; `batch` only says how many are made at once."""

    def __init__(self, source: CheckpointSource, *, batch: int | None = None) -> None:
        self.source = source
        self.batch = batch

    def generate(self, request: GenerationRequest, indices: Sequence[int]) -> Iterator[Picture | Refusal]:
        from generation.training.config import ConfigError

        net = warm.get(self.source)
        wanted = _Wanted.of(net, request)
        size = self.batch or (32 if next(net.parameters()).device.type == "cuda" else 4)
        left = list(indices)
        while left:
            group = next(batches(left, size))
            try:
                pictures = wanted.sample(net, request, group)
            except ConfigError as error:
                raise EngineError(str(error)) from error
            except (MemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
                    raise
                size = _halved(len(group), error)
                continue
            yield from pictures
            left = left[len(group) :]


def _out_of_memory(error: BaseException) -> bool:
    import torch

    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "not enough memory" in str(error)


def _halved(size: int, error: BaseException) -> int:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if size == 1:
        raise EngineError(
            "One picture at a time still needs more memory than there is; use a machine with more."
        ) from error
    return size // 2


@dataclass(frozen=True)
class _Wanted:
    """A request in this network's terms."""

    kind: int | None
    sampler: str
    steps: int
    guidance: float
    provenance: dict[str, Any]

    @classmethod
    def of(cls, net: Denoiser, request: GenerationRequest) -> _Wanted:
        from generation.training.config import SAMPLERS, ConfigError, PictureClass
        from generation.training.objectives import make_sampler

        settings = request.settings
        steps, guidance = int(settings.get("steps", 20)), float(settings.get("guidance", 1.0))
        sampler = str(settings.get("sampler") or SAMPLERS[net.config.objective][0])
        if not 1 <= steps <= MOST_STEPS:
            raise EngineError(f"The number of sampling steps is from 1 to {MOST_STEPS}.")
        try:
            make_sampler(net.config, sampler)
            wanted = PictureClass(request.modality, request.label)
            kind = net.config.class_number(wanted) if net.config.classes else None
        except ConfigError as error:
            raise EngineError(str(error)) from error
        facts = {"sampler": sampler, "steps": steps, "guidance": guidance, "size": net.config.size}
        return cls(kind, sampler, steps, guidance, facts)

    def sample(self, net: Denoiser, request: GenerationRequest, group: list[int]) -> list[Picture]:
        from generation.training.sampling import sample

        seeds = [seed_of(request.seed, index) for index in group]
        pixels = sample(
            net,
            seeds,
            classes=None if self.kind is None else [self.kind] * len(group),
            sampler=self.sampler,
            steps=self.steps,
            guidance=self.guidance,
            between_steps=request.heartbeat,
        )
        facts = {"engine": "diffusion", **self.provenance}
        return [Picture(*three, dict(facts)) for three in zip(group, seeds, pixels, strict=True)]
