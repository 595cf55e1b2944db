"""Both arms of a report through each of its extractors in turn: one network and one arm's features at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from generation.declared_extractors import FRD, specs
from generation.metrics.clip_extractor import ClipExtractor
from generation.metrics.extractors import extractor
from generation.metrics.feature_extractor import Extractor, described
from generation.metrics.radiomics.frd import PROGRAM
from generation.metrics.radiomics.program import radiomic_features
from generation.quality.models import QualityReport
from jobs.throttle import Throttle
from pool.canonical.pixels import Pixels, fitted_square
from pool.canonical.previews import stored_pixels
from pool.models import Image

if TYPE_CHECKING:
    from generation.metrics.checkpoint_metrics import ExtractorJSON
    from generation.metrics.summary import Arm, Space

Read = Callable[[Sequence[Image]], Iterator[Image]]


@dataclass(frozen=True)
class Sides:
    """At how many pixels both arms meet the extractors, and each other."""

    square: int
    canvas: int
    colour: bool


@dataclass
class Extraction:
    """Both arms measured, and by what; `network` is the first, which the machine rater sees by."""

    network: Extractor
    spaces: list[Space] = field(default_factory=list)
    facts: list[ExtractorJSON] = field(default_factory=list)
    canvases: list[list[Any]] = field(default_factory=lambda: [[], []])
    features: list[list[Any]] = field(default_factory=lambda: [[], []])
    radiomics: list[Any] = field(default_factory=lambda: [None, None])


def passes(report: QualityReport) -> int:
    """How often every image is read."""
    return len(specs(report.extractors)) + (FRD in report.extractors)


def extracted(report: QualityReport, arms: Sequence[Sequence[Image]], sides: Sides, read: Read) -> Extraction:
    """Raises ExtractorError and RadiomicsError."""
    first, *further = specs(report.extractors)
    result = Extraction(extractor(first))
    _add(result, result.network, report, _Pass(arms, sides, read))
    for spec in further:
        report.beat(message="Loading the next extractor…")
        _add(result, extractor(spec), report, _Pass(arms, sides, read))
    if FRD in report.extractors:
        _add_radiomics(result, report, _Pass(arms, Sides(sides.square, sides.canvas, colour=False), read))
    return result


def _add(result: Extraction, network: Extractor, report: QualityReport, images: _Pass) -> None:
    from generation.metrics.summary import Space

    for place, rows in enumerate(result.features):
        squares = images.squares(place, result.canvases[place] if network is result.network else None)
        rows.append(network.features(squares, heartbeat=Throttle(report.beat)).astype(np.float64))
    result.facts.append(described(network))
    result.spaces.append(Space(network.name, clip=isinstance(network, ClipExtractor)))


def _add_radiomics(result: Extraction, report: QualityReport, images: _Pass) -> None:
    report.beat(message=f"Measuring radiomic features by {PROGRAM}…")
    python, side = Path(settings.RADIOMICS_PYTHON), images.sides.square
    result.radiomics = [
        radiomic_features(python, images.squares(place), side=side, heartbeat=Throttle(report.beat))
        for place in range(2)
    ]
    result.facts.append({"name": PROGRAM, "sha256": "", "dimensions": result.radiomics[0].shape[1]})


@dataclass(frozen=True)
class _Pass:
    """One reading of both arms."""

    arms: Sequence[Sequence[Image]]
    sides: Sides
    read: Read

    def squares(self, place: int, canvases: list[Any] | None = None) -> Iterator[Pixels]:
        """An arm's images as extractors meet them; on the way, each is laid on the canvas that both arms share."""
        side, colour = self.sides.square, self.sides.colour
        for image in self.read(self.arms[place]):
            square = fitted_square(stored_pixels(image), side=side, colour=colour)
            if canvases is not None:
                canvases.append(fitted_square(square, side=self.sides.canvas, colour=colour))
            yield square


def arm_of(images: Sequence[Image], result: Extraction, place: int) -> Arm:
    """One of the two arms as it is compared."""
    from generation.metrics.summary import Arm

    return Arm(
        np.stack(result.canvases[place]),
        result.features[place],
        [image.label for image in images],
        [image.patient_key for image in images],
        [generator_of(image) for image in images],
        result.radiomics[place],
    )


def generator_of(image: Image) -> str:
    """What made the image: the model and its step where known, else the engine."""
    provenance = image.provenance
    name = str(
        provenance.get("model") or provenance.get("api_model") or provenance.get("engine") or "unknown"
    )
    return f"{name}, step {provenance['checkpoint_step']}" if "checkpoint_step" in provenance else name
