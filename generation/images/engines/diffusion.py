"""The diffusion engine: samples a checkpoint of ours, on a GPU where there is one, else on the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.attributes import Attribute, codes, number_of, table_of
from generation.diffusion.checkpoint_source import CheckpointSource
from generation.diffusion.config import ConfigError, ImageClass, TrainingConfig
from generation.diffusion.errors import CheckpointError
from generation.diffusion.model_cache import (
    PRECISIONS,
    ModelCache,
    bytes_of,
    device_for_work,
    dtype_for,
    in_batches_that_fit,
)
from generation.diffusion.networks.compiling import COMPILE, Compiling
from generation.diffusion.sampling.guidance import Guidance
from generation.diffusion.sampling.seeds import seed_of
from generation.diffusion.text.condition import NAME as TEXT
from generation.diffusion.text.condition import TextCondition
from generation.diffusion.text.encoder_folder import read_folder
from generation.images.engines.prefetch import prefetched
from generation.images.engines.protocol import (
    Answers,
    EngineError,
    EngineImage,
    EngineSettings,
    GenerationRequest,
    ImageSpec,
    Sources,
    engine_errors,
)
from pool.canonical.attributes import as_provenance

if TYPE_CHECKING:
    from pathlib import Path

    from generation.diffusion.networks.network import Denoiser
    from generation.diffusion.sampling.editing import Start
    from generation.diffusion.text.encoder import TextEncoder

MOST_STEPS = 1000
OF_GUIDANCE = ("guidance_low", "guidance_high", "guidance_rescale")
STATED_OF_GUIDANCE = (*OF_GUIDANCE, "attribute_guidance")
MOST_GUIDANCE = 20
ON_GPU, ON_CPU = 32, 4  # images at once


network_cache: ModelCache[Denoiser] = ModelCache(bytes_of)
text_encoder_cache: ModelCache[TextEncoder] = ModelCache(bytes_of)


def _load(source: CheckpointSource, precision: str) -> Denoiser:
    from generation.diffusion import checkpoint
    from generation.diffusion.networks.network import eager_layout

    device = device_for_work()
    try:
        description = checkpoint.Description.from_json(source.description)
        net = checkpoint.network(description, source.read_weights(), device).to(dtype_for(precision))
    except (CheckpointError, OSError) as error:
        raise EngineError(f"The checkpoint {source.name} cannot be used. {error}") from error
    net.lay_out(eager_layout(device, net.config))
    return net


def network_of(source: CheckpointSource, precision: str = "auto") -> Denoiser:
    """The checkpoint's network in this precision, loaded unless it is still warm. Raises EngineError."""
    if precision not in PRECISIONS:
        raise EngineError(f"The precision is one of {', '.join(PRECISIONS)}.")
    return network_cache.get(f"{source.key}|{dtype_for(precision)}", partial(_load, source, precision))


class DiffusionEngine:
    """Image k of a job depends on the job's seed and k alone; `batch` only says how many are made at once."""

    def __init__(self, source: CheckpointSource, *, batch: int | None = None) -> None:
        self.source = source
        self.batch = batch

    def generate(self, request: GenerationRequest, indices: Sequence[int]) -> Answers:
        # The halves of a network leave fewer levels than sixteen bits have.
        precision = "fp32" if request.settings.get("bits") == 16 else request.settings.get("precision")
        net = network_of(self.source, str(precision or "auto"))
        plan = _SamplingPlan.of(net, request, self.source.text_encoder)
        size = self.batch or (ON_GPU if next(net.parameters()).device.type == "cuda" else ON_CPU)

        def batches(running: GenerationRequest) -> Iterator[list[EngineImage]]:
            compiling = Compiling(
                net,
                plan.compile,
                batch=size,
                images=len(indices),
                guided=plan.guidance.scale != 1.0,
                try_out=partial(plan.try_out, net),
                note=running.note,
            )

            def make(group: list[int]) -> list[EngineImage]:
                with compiling.batch(group) as filled:
                    return plan.sample(net, running, filled)[: len(group)]

            yield from in_batches_that_fit(indices, size, make, note=running.note)

        with engine_errors():
            yield from prefetched(request, len(indices), batches)


@dataclass(frozen=True)
class _SamplingPlan:
    """A request in this network's terms."""

    kinds: dict[str, int]
    attributes: tuple[Attribute, ...]
    reader: _Reader | None
    sampler: str
    steps: int
    guidance: Guidance
    compile: str
    bits: int
    provenance: dict[str, object]

    @classmethod
    def of(cls, net: Denoiser, request: GenerationRequest, encoder: Path | None) -> _SamplingPlan:
        from generation.diffusion.objectives import make_sampler

        settings = request.settings
        steps = int(settings.get("steps", 20))
        sampler = str(settings.get("sampler") or net.config.samplers[0])
        if not 1 <= steps <= MOST_STEPS:
            raise EngineError(f"The number of sampling steps is from 1 to {MOST_STEPS}.")
        with engine_errors():
            make_sampler(net.config, sampler)
            guidance = guidance_of(settings, net.config.attributes, has_text=net.config.text is not None)
            reader = _Reader.of(net.config.text, encoder, request)
            for spec in request.image_specs:
                codes(net.config.attributes, spec.attributes)
            labels = {spec.label for spec in request.image_specs} or {request.label}
            classes = {label: ImageClass(request.modality, label) for label in labels if net.config.classes}
            kinds = {label: net.config.class_number(image_class) for label, image_class in classes.items()}
        compile_it = str(settings.get("compile") or "auto")
        if compile_it not in COMPILE:
            raise EngineError(f"Compile is one of {', '.join(COMPILE)}.")
        facts = {
            "precision": str(next(net.parameters()).dtype).removeprefix("torch."),
            "sampler": sampler,
            "steps": steps,
            **{name: value for name, value in settings.items() if name in STATED_OF_GUIDANCE},
            "guidance": guidance.scale,
            "size": net.config.size,
        }
        bits = int(settings.get("bits") or 8)
        if bits == 16:
            if sentence := why_not_deep(net.config, settings):
                raise EngineError(sentence)
            facts |= {"Window": net.config.window} if net.config.window else {}
        return cls(kinds, net.config.attributes, reader, sampler, steps, guidance, compile_it, bits, facts)

    def sample(self, net: Denoiser, request: GenerationRequest, group: list[int]) -> list[EngineImage]:
        from generation.diffusion.sampling.sampler import sample

        seeds = [seed_of(request.seed, index) for index in group]
        pixels = sample(
            net,
            seeds,
            classes=[self.kinds[request.image_spec(index).label] for index in group] if self.kinds else None,
            attributes=self._attribute_table([request.image_spec(index) for index in group]),
            text=self._states([request.image_spec(index).prompt for index in group]),
            sampler=self.sampler,
            steps=self.steps,
            guidance=self.guidance,
            precision="fp32",  # the network's own weights are of the precision asked for
            start=_start(request.sources, group),
            bits=self.bits,
            between_steps=request.heartbeat,
        )
        facts = [
            {
                **as_provenance(request.image_spec(index).attributes),
                "engine": "diffusion",
                **self.provenance,
                **(self.reader.facts(request.image_spec(index).prompt) if self.reader else {}),
                **_facts(request.sources, index),
            }
            for index in group
        ]
        return [EngineImage(*four) for four in zip(group, seeds, pixels, facts, strict=True)]

    def _attribute_table(self, specs: Sequence[ImageSpec]) -> NDArray[np.float32] | None:
        """What the network gets of attributes; None where it knows none."""
        if not self.attributes:
            return None
        return table_of([codes(self.attributes, spec.attributes) for spec in specs], self.attributes)

    def _states(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """What the network gets of texts; None where no image has one."""
        return None if self.reader is None else self.reader.states(texts)

    def try_out(self, net: Denoiser, number: int) -> None:
        """Sample for as short as can be, in the very shapes of a batch of so many."""
        from generation.diffusion.sampling.sampler import sample

        classes = [next(iter(self.kinds.values()))] * number if self.kinds else None
        guidance = self.guidance
        attributes = self._attribute_table([ImageSpec()] * number)
        sample(
            *(net, [0] * number),
            classes=classes,
            attributes=attributes,
            text=self._states([""] * number),
            steps=2,
            guidance=guidance,
            precision="fp32",
        )


@dataclass(frozen=True)
class _Reader:
    """Who reads the texts of a job's images."""

    condition: TextCondition
    encoder: TextEncoder

    @classmethod
    def of(
        cls, condition: TextCondition | None, folder: Path | None, request: GenerationRequest
    ) -> _Reader | None:
        """None where no image has a text, or the model is told none. Raises ConfigError."""
        if condition is None or not any(spec.prompt for spec in request.image_specs):
            return None
        if folder is None:
            raise ConfigError(f"The model’s text encoder {condition.encoder} does not lie here.")
        return cls(
            condition, text_encoder_cache.get(f"{folder}|{condition}", partial(_encoder, folder, condition))
        )

    def states(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, tokens, width), each text read once."""
        distinct = list(dict.fromkeys(texts))
        rows = self.encoder.states(distinct)
        return rows[[distinct.index(text) for text in texts]]

    def facts(self, text: str) -> Mapping[str, object]:
        if not text:
            return {}
        return {
            "prompt": text,
            "text_encoder": self.condition.encoder,
            "text_encoder_sha256": self.condition.sha256,
        }


def _encoder(folder: Path, condition: TextCondition) -> TextEncoder:
    from generation.diffusion.text.encoder import TextEncoder

    return TextEncoder(read_folder(folder), condition, device_for_work())


def why_not_deep(config: TrainingConfig, settings: Mapping[str, object]) -> str:
    """Why a job of these settings cannot make images of sixteen bits; "" where it can."""
    if config.bits != 16:
        return "This model has learned eight bits; train one with bits = 16."
    if settings.get("precision") not in {None, "", "fp32", "auto"}:
        return "Sixteen bits are made in the precision fp32."
    if settings.get("edit_of") or settings.get("edit_each"):
        return "What starts from an image is made in eight bits."
    return ""


def guidance_of(
    settings: EngineSettings, attributes: Sequence[Attribute] = (), *, has_text: bool = False
) -> Guidance:
    """As a job's settings have it, of a model of these attributes, and perhaps of a text. Raises ConfigError."""
    scales = _attribute_scales(str(settings.get("attribute_guidance", "")), attributes, has_text=has_text)
    return Guidance(
        float(settings.get("guidance", 1.0)),
        float(settings.get("guidance_low", 0.0)),
        float(settings.get("guidance_high", 1.0)),
        float(settings.get("guidance_rescale", 0.0)),
        tuple(scales.get(own.name, 1.0) for own in attributes) if set(scales) - {TEXT} else (),
        scales.get(TEXT, 1.0),
    )


def _attribute_scales(words: str, attributes: Sequence[Attribute], *, has_text: bool) -> dict[str, float]:
    """Of “sex:3, age:2, text:4”, by the name; nothing where none is guided."""
    scales: dict[str, float] = {}
    names = [*(own.name for own in attributes), *([TEXT] if has_text else [])]
    for part in filter(None, (part.strip() for part in words.split(","))):
        name, _, scale = part.partition(":")
        number = number_of(scale)
        if number is None or not 0 <= number <= MOST_GUIDANCE or name not in names:
            raise ConfigError(
                f"Guidance is written like “sex:3”, of what the model is told of: {', '.join(names) or 'none'}."
            )
        scales[name] = number
    return scales


def _start(sources: Sources | None, group: Sequence[int]) -> Start | None:
    from generation.diffusion.sampling.editing import Start

    if sources is None:
        return None
    places = [index % len(sources.squares) for index in group]
    return Start(sources.squares[places], sources.strength, sources.region)


def _facts(sources: Sources | None, index: int) -> Mapping[str, object]:
    return {} if sources is None else sources.facts[index % len(sources.facts)]
