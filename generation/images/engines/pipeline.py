"""The pipeline engine: any diffusers pipeline that lies in a local folder of safetensors, with LoRA files.

Nothing is fetched and no code from the folder is run: only classes that diffusers and transformers bring.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from generation.diffusion.finetuning.pipelines import NEVER_LOADED, PipelineSource, eight_bits
from generation.diffusion.model_cache import (
    PRECISIONS,
    ModelCache,
    bytes_of,
    device_for_work,
    dtype_for,
    in_batches_that_fit,
)
from generation.diffusion.sampling.seeds import seed_of
from generation.images.engines.prefetch import prefetched
from generation.images.engines.protocol import (
    Answers,
    EngineError,
    EngineImage,
    GenerationRequest,
    engine_errors,
)

ON_GPU, ON_CPU = 8, 1  # images at once
MOST_STEPS = 1000
SCHEDULERS = {
    "ddpm": "DDPMScheduler",
    "ddim": "DDIMScheduler",
    "dpm-solver++": "DPMSolverMultistepScheduler",
    "flow-euler": "FlowMatchEulerDiscreteScheduler",
    "flow-heun": "FlowMatchHeunDiscreteScheduler",
}
CLIPPING = {"ddpm", "ddim"}


@dataclass(frozen=True)
class _Loaded:
    pipe: Any
    sha256: str

    @property
    def size(self) -> int:
        import torch

        parts = (part for part in self.pipe.components.values() if isinstance(part, torch.nn.Module))
        return sum(map(bytes_of, parts))


pipeline_cache: ModelCache[_Loaded] = ModelCache(lambda loaded: loaded.size)


def _load(source: PipelineSource, precision: str) -> _Loaded:
    import diffusers
    from safetensors import SafetensorError

    index = source.classes()
    kind = getattr(diffusers, str(index["_class_name"]), None)
    if kind is None:
        raise EngineError(
            f"The installed diffusers has no {index['_class_name']}, which {source.name} needs."
        )
    left_out: dict[str, object] = dict.fromkeys(NEVER_LOADED & index.keys())
    if "safety_checker" in index:
        left_out["requires_safety_checker"] = False
    try:
        pipe = kind.from_pretrained(
            str(source.folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=dtype_for(precision),
            **left_out,
        )
        if source.lora is not None:
            pipe.load_lora_weights(
                str(source.lora.parent),
                weight_name=source.lora.name,
                local_files_only=True,
                use_safetensors=True,
            )
            pipe.fuse_lora(lora_scale=source.lora_scale)
            pipe.unload_lora_weights()
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        raise EngineError(f"The pipeline {source.name} cannot be loaded: {_first_line(error)}") from error
    except RuntimeError as error:
        raise EngineError(
            f"The weights of the pipeline {source.name} do not fit it: {_first_line(error)}"
        ) from error
    pipe.set_progress_bar_config(disable=True)
    # In torch's own order of memory: uncompiled group norm knows no other on a GPU.
    return _Loaded(pipe.to(device_for_work()), source.fingerprint())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


class PipelineEngine:
    """Image k depends on the job's seed, its image spec and k alone; prompts of one batch may differ."""

    def __init__(self, source: PipelineSource, *, batch: int | None = None) -> None:
        self.source = source
        self.batch = batch

    def generate(self, request: GenerationRequest, indices: Sequence[int]) -> Answers:
        precision = str(request.settings.get("precision") or "auto")
        if precision not in PRECISIONS:
            raise EngineError(f"The precision is one of {', '.join(PRECISIONS)}.")
        key = f"{self.source.folder}|{self.source.lora}|{self.source.lora_scale}|{precision}"
        with engine_errors():
            loaded = pipeline_cache.get(key, partial(_load, self.source, precision))
        plan = _SamplingPlan.of(loaded, self.source, request)
        size = self.batch or (ON_GPU if device_for_work().type == "cuda" else ON_CPU)

        def batches(running: GenerationRequest) -> Iterator[list[EngineImage]]:
            yield from in_batches_that_fit(indices, size, partial(plan.images, running), note=running.note)

        with engine_errors():
            yield from prefetched(request, len(indices), batches)


@dataclass(frozen=True)
class _SamplingPlan:
    pipe: Any
    arguments: dict[str, object]
    facts: dict[str, object]

    @classmethod
    def of(cls, loaded: _Loaded, source: PipelineSource, request: GenerationRequest) -> _SamplingPlan:
        """Raises EngineError for a setting that this pipeline does not have."""
        settings = request.settings
        steps = int(settings.get("steps", 30))
        if not 1 <= steps <= MOST_STEPS:
            raise EngineError(f"The number of sampling steps is from 1 to {MOST_STEPS}.")
        arguments: dict[str, object] = {"num_inference_steps": steps}
        if (guidance := settings.get("guidance")) is not None:
            arguments["guidance_scale"] = float(guidance)
        if (size := settings.get("size")) is not None:
            arguments["height"] = arguments["width"] = int(size)
        if settings.get("negative_prompt"):
            arguments["negative_prompt"] = str(settings["negative_prompt"])
        takes = inspect.signature(loaded.pipe.__call__).parameters
        if strange := [name for name in arguments if name not in takes]:
            raise EngineError(f"The pipeline {source.name} takes no {' and no '.join(strange)}.")
        _set_scheduler(loaded.pipe, str(settings.get("sampler") or ""), source.name)
        facts = {
            "engine": "pipeline",
            "model": source.name,
            "model_sha256": loaded.sha256,
            "pipeline": type(loaded.pipe).__name__,
            "scheduler": type(loaded.pipe.scheduler).__name__,
            "precision": str(next(iter(_modules(loaded.pipe))).dtype).removeprefix("torch."),
            "lora": source.lora.name if source.lora else "",
            "lora_scale": source.lora_scale if source.lora else "",
            **arguments,
        }
        return cls(loaded.pipe, arguments, {name: value for name, value in facts.items() if value != ""})

    def images(self, request: GenerationRequest, group: list[int]) -> list[EngineImage]:
        import torch

        takes = inspect.signature(self.pipe.__call__).parameters
        seeds = [seed_of(request.seed, index) for index in group]
        prompts = [request.image_spec(index).prompt for index in group]
        arguments: dict[str, object] = {**self.arguments, "output_type": "np"}
        if "prompt" in takes:
            arguments["prompt"] = prompts
            if "negative_prompt" in arguments:
                arguments["negative_prompt"] = [arguments["negative_prompt"]] * len(group)
        else:
            arguments["batch_size"] = len(group)
        if "callback_on_step_end" in takes:
            arguments["callback_on_step_end"] = _between(request)
        # Noise is drawn on the CPU, so that a seed means the same image on every device.
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        with torch.inference_mode():
            images = self.pipe(generator=generators, **arguments).images
        request.heartbeat()
        return [
            EngineImage(
                index,
                seed,
                eight_bits(image, colour=request.modality == "microscopy"),
                {**self.facts, "prompt": prompt},
            )
            for index, seed, image, prompt in zip(group, seeds, images, prompts, strict=True)
        ]


def _between(request: GenerationRequest) -> Any:
    def beat(_pipe: Any, _step: int, _time: Any, values: dict[str, object]) -> dict[str, object]:
        request.heartbeat()
        return values

    return beat


def _modules(pipe: Any) -> Iterator[Any]:
    import torch

    return (part for part in pipe.components.values() if isinstance(part, torch.nn.Module))


def _set_scheduler(pipe: Any, name: str, pipeline: str) -> None:
    import diffusers

    if not hasattr(pipe, "own_scheduler"):
        pipe.own_scheduler = pipe.scheduler
    if not name:
        pipe.scheduler = pipe.own_scheduler
        return
    if name not in SCHEDULERS:
        raise EngineError(f"There is no sampler {name}; there are: {', '.join(SCHEDULERS)}.")
    if name.startswith("flow-") != type(pipe.own_scheduler).__name__.startswith("FlowMatch"):
        raise EngineError(f"The pipeline {pipeline} was not trained for the sampler {name}.")
    kind, config = getattr(diffusers, SCHEDULERS[name]), pipe.own_scheduler.config
    # diffusers would clip to the range of pixels where the pipeline's own scheduler says nothing of it.
    in_latents = name in CLIPPING and getattr(pipe, "vae", None) is not None
    pipe.scheduler = kind.from_config(config, clip_sample=False) if in_latents else kind.from_config(config)
