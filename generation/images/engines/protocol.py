"""The protocol every engine speaks: a request and the wanted indices in, images or refusals out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.config import ConfigError
from generation.diffusion.errors import CheckpointError, SamplingError

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Heartbeat = Callable[[], None]


def silent(*_: Any) -> None:
    """The listener of a caller who does not listen."""


class EngineSettings(TypedDict, total=False):
    """What a job's settings hold, of whichever engine; what was left empty is not there."""

    steps: int
    sampler: str
    size: int | str  # pixels; of the API WIDTHxHEIGHT
    quality: str
    precision: str
    compile: str
    bits: int

    guidance: float
    guidance_low: float
    guidance_high: float
    guidance_rescale: float
    attribute_guidance: str
    negative_prompt: str
    lora: str
    lora_scale: float

    edit_of: str
    edit_each: int | str
    strength: float
    region: str
    mask: str
    priced_by: str


@dataclass(frozen=True)
class ImageSpec:
    """What one image is to show."""

    prompt: str = ""
    label: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sources:
    """The images that a model of ours starts from, image k from k modulo their number: squares of its side.

    `facts` are what the provenance says of each, `region` is where it draws; without one, everywhere.
    """

    squares: NDArray[np.uint8]
    facts: Sequence[Mapping[str, object]]
    strength: float = 1.0
    region: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class GenerationRequest:
    """What a person asked for; `settings` are the engine's own (steps, sampler, size, quality …).

    With `image_specs`, image k is of spec k modulo their number; without, all are of `prompt` and `label`.
    `heartbeat` is called at least every few seconds of work, `may_stop` where stopping loses no work, and
    `before_sending` with the index before a request that may cost money leaves; each may raise to stop the
    job. `note` takes a line for the job's log. `source` is the image that an API starts
    from, as a PNG; `sources` are those of a model of ours.
    """

    modality: str
    label: str = ""
    prompt: str = ""
    seed: int = 0
    settings: EngineSettings = field(default_factory=EngineSettings)
    image_specs: Sequence[ImageSpec] = ()
    source: bytes = b""
    sources: Sources | None = None
    heartbeat: Heartbeat = silent
    may_stop: Heartbeat = silent
    before_sending: Callable[[int], None] = silent
    note: Callable[[str], None] = silent

    def image_spec(self, index: int) -> ImageSpec:
        return (
            self.image_specs[index % len(self.image_specs)]
            if self.image_specs
            else ImageSpec(self.prompt, self.label)
        )


@dataclass(frozen=True)
class EngineImage:
    """A finished image: canonical pixels, and in `provenance` all that is needed to make it again.

    `billed` counts the requests for it that were, or may have been, charged; `usage` the tokens that the last of them
    says it cost.
    """

    index: int
    seed: int | None
    pixels: Pixels
    provenance: dict[str, object]
    billed: int = 0
    usage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """An image that will not be: refused by the other side, or failed on the way."""

    index: int
    seed: int | None
    reason: str
    outcome: Literal["refused", "failed"] = "refused"
    billed: int = 0
    usage: Mapping[str, int] = field(default_factory=dict)


Answers = Generator[EngineImage | Refusal, None, None]


class Engine(Protocol):
    def generate(self, request: GenerationRequest, indices: Sequence[int]) -> Answers:
        """Exactly one answer for each index, in any order, as soon as it is there. Raises EngineError."""
        ...


class EngineError(Exception):
    """No image of this request can be made; the message is one sentence that says what to do."""


class NeedsPersonError(EngineError):
    """Nothing is wrong with the request: a key, a quota or a cap must be seen to, and then it can go on."""


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """What the plain rooms raise about a model or a setting comes out of this block as an EngineError."""
    try:
        yield
    except (SamplingError, CheckpointError, ConfigError) as error:
        raise EngineError(str(error)) from error
