"""`python -m generation.training.phantom_checkpoint`: draw phantoms, train on them, write the demo's checkpoint."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image
from tqdm import tqdm

from generation.diffusion import checkpoint
from generation.diffusion.checkpoint_json import CheckpointFacts
from generation.diffusion.config import ImageClass, TrainingConfig
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.run import Progress, train
from generation.phantoms import draw

SHIPPED = Path(__file__).parent / "checkpoints"
# Far from any seed a person types, so that the demo's "real" phantoms are not the training images.
SEEDS_FROM = 10_000_000
PER_CLASS = 500


def draw_images(config: TrainingConfig, per_class: int, *, first_seed: int = SEEDS_FROM) -> TrainingImages:
    """`per_class` phantoms of every class of the config, drawn on all cores."""
    jobs = [(kind, seed) for seed in range(first_seed, first_seed + per_class) for kind in config.classes]
    # Not fork: its children would inherit torch's threads.
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        images = pool.imap(partial(_draw, config.size), jobs, chunksize=8)
        pixels = np.stack(list(tqdm(images, total=len(jobs), desc="Drawing phantoms", unit="image")))
    return TrainingImages(pixels, np.array([config.class_number(kind) for kind, _ in jobs]))


def _draw(size: int, job: tuple[ImageClass, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    kind, seed = job
    return draw(kind.modality, label=kind.label, seed=seed, size=size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=SHIPPED / "phantom-lungs.toml")
    parser.add_argument("--per-class", type=int, default=PER_CLASS, help="phantoms to draw of each class")
    parser.add_argument("--out", type=Path, default=SHIPPED / "phantom-lungs")
    parser.add_argument("--work", type=Path, help="keep the run here, to go on with it later")
    arguments = parser.parse_args()
    config = TrainingConfig.from_toml(arguments.config)
    work = arguments.work or Path(tempfile.mkdtemp(prefix="phantom-lungs-"))
    images = draw_images(config, arguments.per_class)
    with tqdm(total=config.steps, desc="Training", unit="step") as bar:
        last = train(config, images, work, on_progress=partial(_show, bar, work))
    facts: CheckpointFacts = {
        "name": arguments.out.name,
        "trained_on": f"{len(images.pixels)} phantoms drawn by this program (no patient's image)",
        "intended_use": "The demo and tests of LungRater; it knows nothing of medicine.",
        "licence": "Apache-2.0",
    }
    published = checkpoint.publish(last, arguments.out, facts)
    shutil.copyfile(work / f"samples-{config.steps:08d}.png", published / "samples.png")
    tqdm.write(f"Wrote {published}")


def _show(bar: tqdm[NoReturn], work: Path, progress: Progress) -> None:
    bar.update(progress.step - bar.n)
    bar.set_postfix(loss=f"{progress.loss:.4f}")
    if progress.samples is not None:
        work.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.hstack(list(progress.samples))).save(work / f"samples-{progress.step:08d}.png")


if __name__ == "__main__":
    main()
