"""Whether the model that ships gives back what it learned from: by the site's own rule, beside drawings that cannot be copies.

    python bench/shipped_copies.py [--model FOLDER] [--learned 500] [--others 100] [--samples 256] [--json]

The model's training set is drawn again from its seeds. Samples of the model, and as many drawings of seeds that it never
saw, are searched for copies of it, each modality by itself as an audit does, each drawing being of an imagined person of
its own. A copied image is nearer to some training images than to as many other drawings; of images that owe them nothing
half are. FD (phantom-64) is to those other drawings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generation.diffusion.checkpoint import Description
from generation.diffusion.checkpoint_source import CheckpointSource
from generation.diffusion.config import TrainingConfig
from generation.diffusion.data.training_images import TrainingImages
from generation.images.engines.diffusion import DiffusionEngine
from generation.images.engines.protocol import EngineImage, GenerationRequest
from generation.metrics.distances import fid
from generation.metrics.extractors import extractor
from generation.training.phantom_checkpoint import PER_CLASS, SEEDS_FROM, SHIPPED, draw_images
from pool.copies.rule import Likeness, likeness_of
from pool.copies.search import nearest
from pool.copies.structure import Structures, structures
from rating.statistics.proportions import exact_interval

OTHERS_FROM, CONTROL_FROM = 2 * SEEDS_FROM, 3 * SEEDS_FROM
QUANTILES = (0.05, 0.5, 0.95, 1.0)
SAMPLING_SEED = 0

Bytes = NDArray[np.uint8]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """What the rule says of some images of one modality, and how alike each is to the likest training image."""

    modality: str
    images: str
    n: int
    threshold: float
    copies: int
    copies_interval: Interval
    likest: tuple[float, ...]  # by QUANTILES
    nearer: float  # the share that is nearer to some training images than to as many other drawings
    nearer_interval: Interval
    fd: float
    fd_interval: Interval | None


@dataclass(frozen=True, slots=True)
class Phantoms:
    """What a model learned of one modality, and drawings that it never saw, of each class in turn."""

    learned: Structures
    others: Structures
    features_of_others: NDArray[np.float32]
    likeness: Likeness

    @classmethod
    def of(cls, learned: Bytes, others: Bytes) -> Phantoms:
        fine = structures(learned)
        people = [str(place) for place in range(len(learned))]
        likeness = likeness_of(learned, fine, people, tried=False)
        return cls(fine, structures(others), extractor().features(others), likeness)

    def row(self, modality: str, name: str, images: Bytes) -> Row:
        fine, n = structures(images), len(images)
        threshold = self.likeness.rule(n * len(self.learned)).threshold
        similarity = nearest(fine, self.learned).similarity
        copies = int((similarity >= threshold).sum())
        of_some = nearest(fine, self.learned[: len(self.others)]).similarity
        nearer = int((of_some > nearest(fine, self.others).similarity).sum())
        distance = fid(self.features_of_others, extractor().features(images))
        return Row(
            *(modality, name, n, threshold, copies, exact_interval(copies, n)),
            tuple(float(value) for value in np.quantile(similarity, QUANTILES)),
            *(nearer / n, exact_interval(nearer, n), distance.value, distance.interval),
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", type=Path, default=SHIPPED / "phantom-lungs", help="folder of a checkpoint"
    )
    parser.add_argument("--learned", type=int, default=PER_CLASS, help="training images of each class")
    parser.add_argument("--others", type=int, default=100, help="other drawings of each class")
    parser.add_argument("--samples", type=int, default=256, help="samples, and drawings beside them")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for row in rows(options.model, options.learned, options.others, options.samples):
        print(json.dumps(asdict(row)) if options.json else in_words(row), flush=True)


def rows(model: Path, learned: int, others: int, samples: int) -> Iterator[Row]:
    source = CheckpointSource.from_path(model)
    config = Description.from_json(source.description).config
    each = samples // len(config.classes)
    of_training, of_others = draw_images(config, learned), draw_images(config, others, first_seed=OTHERS_FROM)
    arms = {
        "samples": sampled(source, config, each),
        "drawings": draw_images(config, each, first_seed=CONTROL_FROM),
    }
    for modality in dict.fromkeys(kind.modality for kind in config.classes):
        phantoms = Phantoms.of(
            *(of_modality(images, config, modality) for images in (of_training, of_others))
        )
        for name, images in arms.items():
            yield phantoms.row(modality, name, of_modality(images, config, modality))


def sampled(source: CheckpointSource, config: TrainingConfig, each: int) -> TrainingImages:
    """So many samples of every class, as a job of the site asks for them."""
    engine, pixels, classes = DiffusionEngine(source), [], []
    for number, kind in enumerate(config.classes):
        request = GenerationRequest(kind.modality, kind.label, seed=SAMPLING_SEED + number)
        for answer in engine.generate(request, range(each)):
            assert isinstance(answer, EngineImage)
            pixels.append(answer.pixels.astype(np.uint8))
            classes.append(number)
    return TrainingImages(np.stack(pixels), np.array(classes))


def of_modality(images: TrainingImages, config: TrainingConfig, modality: str) -> Bytes:
    numbers = [number for number, kind in enumerate(config.classes) if kind.modality == modality]
    assert images.classes is not None
    pixels: Bytes = images.pixels[np.isin(images.classes, numbers)]
    return pixels


def in_words(row: Row) -> str:
    likest = " ".join(f"{value:.3f}" for value in row.likest)
    fd = f"{row.fd:.1f}" + ("" if row.fd_interval is None else " [{:.1f}, {:.1f}]".format(*row.fd_interval))
    return (
        f"{row.modality:<5} {row.images:<9} copies {row.copies}/{row.n} [{row.copies_interval[0]:.3f}, "
        f"{row.copies_interval[1]:.3f}] from {row.threshold:.3f} on; likest (5 %, median, 95 %, most) {likest}; nearer to what "
        f"was learned {row.nearer:.2f} [{row.nearer_interval[0]:.2f}, {row.nearer_interval[1]:.2f}]; FD {fd}"
    )


if __name__ == "__main__":
    main()
