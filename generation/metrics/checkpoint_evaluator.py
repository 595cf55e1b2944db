"""Measures a checkpoint while a run trains: Fréchet and kernel distance to held-out real images, and a scan for copies.

Plain and picklable: a run may be trained in a process of its own. What it needs lies in files beside the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.data.training_images import TrainingImages
from generation.metrics.checkpoint_metrics import (
    DistancesJSON,
    ExtractorDistancesJSON,
    MetricsJSON,
    ScanJSON,
)
from generation.metrics.distances import TooFewError, fid, kid
from generation.metrics.extractors import extractor
from generation.metrics.feature_extractor import Extractor, described, identity
from generation.metrics.image_sheets import grid, side_by_side
from generation.metrics.memorisation import Match, Views, copied, scan
from generation.metrics.reconstruction import MOST_IMAGES, reconstruction
from pool.canonical.pixels import encode_png
from pool.copies.rule import Calibration, calibrate
from pool.copies.structure import Structures, small_images, structures

if TYPE_CHECKING:
    from generation.diffusion.distributed_group import DistributedGroup
    from generation.diffusion.learner import Learner

GRID, NEIGHBOURS = "grid.png", "neighbours.png"
TRAINING, HELD_OUT, NAMES, RULE = "training.npy", "held-out.npy", "names.json", "copy-rule.json"
CLASSES = "held-out-classes.npy"
FIRST_SEED = 7_000_000  # not the seeds of the sample strip, and the same at every checkpoint
SHOWN = 36

Images = NDArray[np.uint8]
Features = NDArray[np.float32]
Heartbeat = Callable[[], None]


@dataclass
class Watch:
    """A hook of `train`: called with the learner and the step, gives the metrics of the checkpoint just written.

    Several processes draw and look at a share of the images each; the first one measures.
    """

    folder: Path
    count: int
    spec: str = ""
    further: tuple[str, ...] = ()  # extractors that give distances beside those of `spec`

    @classmethod
    def of(
        cls,
        folder: Path,
        training: Images,
        held_out: Images,
        *,
        names: Sequence[str] = (),
        patients: Sequence[str] = (),
        held_out_classes: NDArray[np.int64] | None = None,
        class_names: Sequence[str] = (),
        count: int,
        spec: str = "",
        further: Sequence[str] = (),
    ) -> Watch:
        """A watch whose images are written down in `folder`; `names` and `patients` are the training images'."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / TRAINING, training)
        np.save(folder / HELD_OUT, held_out)
        facts = {
            "classes": list(class_names),
            "names": list(names),
            "patients": list(patients) or [""] * len(training),
        }
        (folder / NAMES).write_text(json.dumps(facts))
        (folder / CLASSES).unlink(missing_ok=True)
        if held_out_classes is not None:
            np.save(folder / CLASSES, held_out_classes)
        for stale in [*folder.glob("*.npz"), folder / RULE]:
            stale.unlink(missing_ok=True)
        return cls(folder, count, spec, tuple(further))

    def __call__(self, learner: Learner[Any], step: int) -> MetricsJSON:
        images = self.samples(learner)
        group = learner.group
        metrics, sheets = self.measure(images, group, pulse=lambda: learner.tell("Measuring the images"))
        if group.rank:
            return metrics
        metrics |= self._of_held_out_images(learner)
        if learner.last_checkpoint is not None:
            for name, sheet in sheets.items():
                (learner.last_checkpoint / name).write_bytes(sheet)
        return metrics

    def _of_held_out_images(self, learner: Learner[Any]) -> MetricsJSON:
        """What the model loses on images that it does not learn from, and how they come back from its latents."""
        held_out = np.load(self.folder / HELD_OUT)
        metrics: MetricsJSON = {}
        if not len(held_out):
            return metrics
        classes = np.load(self.folder / CLASSES) if (self.folder / CLASSES).exists() else None
        loss = learner.validation_loss(TrainingImages(held_out, classes))
        if loss is not None:
            metrics["validation_loss"] = loss
        some = held_out[:MOST_IMAGES]
        decoded = learner.round_trip(some)
        if decoded is not None:
            metrics["reconstruction"] = reconstruction(list(some), list(decoded))
        return metrics

    def samples(self, learner: Learner[Any]) -> Images:
        """`count` images of fixed seeds, of every class or prompt in turn."""
        group, batches = learner.group, []
        places = range(min(group.rank, self.count - 1), self.count, group.size)
        for start in range(0, len(places), learner.drawn_at_once):
            learner.tell(f"Drawing images to measure: {start * group.size:,} of {self.count:,}")
            batches.append(learner.images(places[start : start + learner.drawn_at_once], seed=FIRST_SEED))
        return group.gathered(np.concatenate(batches)[: len(range(group.rank, self.count, group.size))])

    def measure(
        self,
        images: Images,
        group: DistributedGroup | None = None,
        *,
        pulse: Heartbeat = lambda: None,
    ) -> tuple[MetricsJSON, dict[str, bytes]]:
        """The metrics by name, and the sheets to look at as PNG; in the first process alone, by the features of all."""
        from generation.diffusion.distributed_group import DistributedGroup

        group = group or DistributedGroup()
        training, held_out = (np.load(self.folder / name, mmap_mode="r") for name in (TRAINING, HELD_OUT))
        network = extractor(self.spec)
        of_samples = _shared(network, images, group, pulse)
        of_held_out = self._stored("held-out", network, held_out, group, pulse)
        of_training = self._stored("training", network, training, group, pulse)
        places = _even_places(len(training), len(images))
        further = [
            self._further(spec, (images, training[places], held_out), group, pulse) for spec in self.further
        ]
        if group.rank:
            return {}, {}
        sampled = Views(structures(images, pulse=pulse), of_samples)
        training_views = self._training_views(training, of_training, pulse)
        rule = self._rule(training, training_views.structures, pulse)
        matches = scan(sampled, training_views, rule)
        metrics: MetricsJSON = {
            **_distances(of_held_out, of_samples),
            "floor": _distances(of_held_out, of_training[places]),
            "extractor": described(network),
            "memorisation": self._scan_as_json(matches, rule),
        }
        if further:
            metrics["further"] = further
        if by_class := self._by_class(of_held_out, of_samples):
            metrics["by_class"] = by_class
        sheets = {
            GRID: encode_png(grid(images[:SHOWN])),
            NEIGHBOURS: encode_png(side_by_side(images, training, matches)),
        }
        return metrics, sheets

    def _further(
        self, spec: str, sides: tuple[Images, Images, Images], group: DistributedGroup, pulse: Heartbeat
    ) -> ExtractorDistancesJSON:
        """The distances by an extractor beside the first, of samples, training and held-out images."""
        images, training, held_out = sides
        network = extractor(spec)
        of_held_out = self._stored("held-out", network, held_out, group, pulse)
        of_training = self._stored("floor", network, training, group, pulse)
        measured: MetricsJSON = {
            **_distances(of_held_out, _shared(network, images, group, pulse)),
            "floor": _distances(of_held_out, of_training),
            "extractor": described(network),
        }
        return cast("ExtractorDistancesJSON", measured)

    def _by_class(self, real: NDArray[np.float32], fake: NDArray[np.float32]) -> dict[str, DistancesJSON]:
        """The distances within each class that both sides have enough of; samples are of every class in turn."""
        names = json.loads((self.folder / NAMES).read_text())["classes"]
        if len(names) < 2 or not (self.folder / CLASSES).exists():
            return {}
        numbers = np.load(self.folder / CLASSES)
        distances = {
            name: _distances(real[numbers == number], fake[number :: len(names)])
            for number, name in enumerate(names)
        }
        return {name: values for name, values in distances.items() if "fid" in values}

    def _training_views(self, training: Images, features: Features, pulse: Heartbeat) -> Views:
        path = self.folder / "structures.npz"
        fine = _rows_in(path) if path.exists() else _write(path, structures(training, pulse=pulse).fine)
        return Views(Structures(fine, small_images(training)), features)

    def _stored(
        self, name: str, network: Extractor, images: Images, group: DistributedGroup, pulse: Heartbeat
    ) -> Features:
        """What is known of real images is kept beside the run, as it never changes."""
        path = self.folder / f"{name}-{identity(network)[:16]}.npz"
        if group.first(path.exists()):
            return _rows_in(path)
        rows = _shared(network, images, group, pulse)
        return rows if group.rank else _write(path, rows)

    def _rule(self, training: Images, training_structures: Structures, pulse: Heartbeat) -> Calibration:
        """From where on an image counts as a copy: measured on the training images, once for a run."""
        path = self.folder / RULE
        if path.exists():
            return Calibration(**json.loads(path.read_text()))
        patients = json.loads((self.folder / NAMES).read_text())["patients"]
        rule = calibrate(training, training_structures, patients, candidates=self.count, pulse=pulse)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(rule)))
        part.replace(path)
        return rule

    def _scan_as_json(self, matches: Sequence[Match], rule: Calibration) -> ScanJSON:
        """The scan as JSON: the copies, and the names of the training images they are copies of."""
        names = json.loads((self.folder / NAMES).read_text())["names"]
        rows: list[dict[str, str | float]] = []
        for match in matches[:SHOWN]:
            row: dict[str, str | float] = asdict(match)
            if names:
                row |= {
                    "training_by_pixels": names[match.by_pixels],
                    "training_by_features": names[match.by_features],
                }
            rows.append(row)
        return {
            "copies": len(copied(matches)),
            "of": len(matches),
            "calibration": rule.as_json(),
            "nearest": rows,
        }


def _shared(network: Extractor, images: Images, group: DistributedGroup, pulse: Heartbeat) -> Features:
    """The features of all images, of which each process looks at its share."""
    return group.gathered(network.features(images[group.rank :: group.size], heartbeat=pulse))


def _rows_in(path: Path) -> Features:
    with np.load(path) as arrays:
        return np.asarray(arrays["rows"])


def _write(path: Path, rows: Features) -> Features:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, rows=rows)
    part.replace(path)
    return rows


def _distances(real: NDArray[np.float32], fake: NDArray[np.float32]) -> MetricsJSON:
    """Both distances as numbers that a run can be steered by, with their intervals beside them."""
    n_real, n_fake = len(real), len(fake)
    try:
        frechet, kernel = fid(real, fake), kid(real, fake)
    except TooFewError:
        return {"n_real": n_real, "n_fake": n_fake}
    return {
        "n_real": n_real,
        "n_fake": n_fake,
        "fid": frechet.value,
        "fid_interval": frechet.interval,
        "kid": kernel.value,
        "kid_interval": kernel.interval,
    }


def _even_places(count: int, number: int) -> NDArray[np.int64]:
    """Places of `number` images spread evenly over `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, number)).round().astype(np.int64))
