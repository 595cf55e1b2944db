"""What was measured of a checkpoint, as typed numbers; the JSON beside its weights may lack any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NotRequired, Self, TypedDict

from generation.diffusion.kept_metric import DISTANCES
from generation.metrics.reconstruction import ReconstructionJSON
from pool.copies.rule import CalibrationJSON

Interval = tuple[float, float]


class DistancesJSON(TypedDict, total=False):
    n_real: int
    n_fake: int
    fid: float
    kid: float
    fid_interval: Interval | None
    kid_interval: Interval | None


class ExtractorJSON(TypedDict):
    name: str
    sha256: str
    dimensions: int
    recipe_sha256: NotRequired[str]


class ScanJSON(TypedDict):
    """The scan for copies; `nearest` are the most suspicious images, each with its training images."""

    copies: int
    of: int
    calibration: CalibrationJSON
    nearest: list[dict[str, str | float]]


class ExtractorDistancesJSON(DistancesJSON, total=False):
    """The distances by one extractor; `floor` is real images against real ones."""

    floor: DistancesJSON
    extractor: ExtractorJSON


class MetricsJSON(ExtractorDistancesJSON, total=False):
    """What is written beside a checkpoint's weights: by the site's extractor, and by `further` ones."""

    further: list[ExtractorDistancesJSON]
    memorisation: ScanJSON
    validation_loss: float
    reconstruction: ReconstructionJSON
    by_class: dict[str, DistancesJSON]


class Fidelity(TypedDict, total=False):
    """What the provenance of an image says of the checkpoint that made it."""

    fid: float
    kid: float
    fid_extractor: str
    further_distances: list[str]  # “FD (DINOv2) 31.2”, by extractors beside the site's


@dataclass(frozen=True, slots=True)
class Distances:
    """The Fréchet and the kernel distance to held-out real images, where both sides had enough."""

    n_real: int = 0
    n_fake: int = 0
    fid: float | None = None
    kid: float | None = None
    fid_interval: Interval | None = None
    kid_interval: Interval | None = None

    @classmethod
    def from_json(cls, values: DistancesJSON) -> Self:
        return cls(
            int(values.get("n_real", 0)),
            int(values.get("n_fake", 0)),
            values.get("fid"),
            values.get("kid"),
            _interval(values.get("fid_interval")),
            _interval(values.get("kid_interval")),
        )

    def in_words(self, name: str, digits: int, *, interval: str = "({} to {})") -> str:
        """“31.2 (28.9 to 33.0)”, or a dash where it was not measured."""
        value, ends = (self.fid, self.fid_interval) if name == "fid" else (self.kid, self.kid_interval)
        if value is None:
            return "–"
        text = f"{value:.{digits}f}"
        return text if ends is None else f"{text} {interval.format(*(f'{end:.{digits}f}' for end in ends))}"


@dataclass(frozen=True, slots=True)
class ExtractorFacts:
    """Which network the numbers are of: those of two never compare."""

    name: str
    dimensions: int
    sha256: str
    recipe_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ExtractorDistances:
    """The distances by one extractor, and those of real images to real ones."""

    distances: Distances
    floor: Distances
    extractor: ExtractorFacts | None

    @classmethod
    def from_json(cls, values: ExtractorDistancesJSON) -> Self:
        extractor = values.get("extractor")
        return cls(
            Distances.from_json(values),
            Distances.from_json(values.get("floor", {})),
            ExtractorFacts(**extractor) if extractor else None,
        )

    @property
    def name(self) -> str:
        return self.extractor.name if self.extractor else ""

    @property
    def titles(self) -> tuple[str, str]:
        return distance_titles(self.extractor)

    def as_words(self) -> list[str]:
        """“FD (DINOv2) 31.2”, and the kernel distance alike, as far as they were measured."""
        values = (self.distances.fid, self.distances.kid)
        pairs = zip(self.titles, values, strict=True)
        return [f"{title} {value:.4g}" for title, value in pairs if value is not None]


def distance_titles(extractor: ExtractorFacts | None) -> tuple[str, str]:
    """What the Fréchet and the kernel distance are called: FID and KID are those of one network alone, and not ours."""
    name = extractor.name if extractor else "no extractor"
    return f"FD ({name})", f"KD ({name})"


def metric_title(metric: str, extractor: ExtractorFacts | None) -> str:
    """What a run keeps its best checkpoint by, in words: a distance with the name of its extractor."""
    key, _, name = metric.partition(":")
    if key not in DISTANCES:
        return "the loss on held-out images"
    if name:
        return f"{'FD' if key == 'fid' else 'KD'} ({name})"
    return distance_titles(extractor)[DISTANCES.index(key)]


@dataclass(frozen=True, slots=True)
class CopyScan:
    """How many of so many generated images count as copies of training images."""

    copies: int
    of: int

    @property
    def share(self) -> float:
        return self.copies / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """How held-out images come back from the model's latents, in the mean."""

    psnr: float
    ssim: float
    images: int


@dataclass(frozen=True, slots=True)
class CheckpointMetrics:
    """The whole; `floor` is real images against real ones."""

    distances: Distances
    floor: Distances
    extractor: ExtractorFacts | None = None
    scan: CopyScan | None = None
    validation_loss: float | None = None
    reconstruction: Reconstruction | None = None
    by_class: tuple[tuple[str, Distances], ...] = ()
    further: tuple[ExtractorDistances, ...] = ()

    @property
    def by_extractor(self) -> tuple[ExtractorDistances, ...]:
        """The distances by each extractor, the site's first."""
        return ExtractorDistances(self.distances, self.floor, self.extractor), *self.further

    def by(self, name: str) -> ExtractorDistances | None:
        """Those by the extractor of this name."""
        return next((row for row in self.by_extractor if row.name == name), None)

    @classmethod
    def from_json(cls, values: MetricsJSON) -> Self:
        extractor, scan = values.get("extractor"), values.get("memorisation")
        decoded = values.get("reconstruction")
        return cls(
            Distances.from_json(values),
            Distances.from_json(values.get("floor", {})),
            ExtractorFacts(**extractor) if extractor else None,
            CopyScan(scan["copies"], scan["of"]) if scan else None,
            values.get("validation_loss"),
            Reconstruction(**decoded) if decoded else None,
            tuple((name, Distances.from_json(own)) for name, own in values.get("by_class", {}).items()),
            tuple(map(ExtractorDistances.from_json, values.get("further", []))),
        )


def _interval(ends: Any) -> Interval | None:
    return (float(ends[0]), float(ends[1])) if ends else None
