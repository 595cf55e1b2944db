"""Jobs, runs and checkpoints with few words; engines that do as they are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from generation.diffusion.sampling.seeds import seed_of
from generation.images.engines.protocol import EngineImage, GenerationRequest, Refusal
from generation.models import Checkpoint, GeneratedImage, GenerationJob, TrainingRun
from pool.models import Dataset, Origin
from tests.factories import make_dataset, make_image, make_pixels
from tests.generation.tiny import tiny_config, trained


def make_job(*, total: int = 3, dataset: Dataset | None = None, **fields: Any) -> GenerationJob:
    """A queued phantom job that nobody has rung for."""
    given = {"engine": "phantom", "modality": "xray", "label": "normal", "settings": {"size": 32}, **fields}
    dataset = dataset or make_dataset(origin=Origin.SYNTHETIC, modality=given["modality"])
    return GenerationJob.objects.create(total=total, dataset=dataset, **given)


def job_with(number: int, *, seed: int = 0) -> GenerationJob:
    """A job that has made so many images."""
    job = make_job(total=number, seed=seed)
    for index in range(number):
        image = make_image(job.dataset, label="opacity")
        GeneratedImage.objects.create(
            job=job, index=index, outcome="made", image=image, prompt=f"prompt {index}"
        )
    return job


def make_checkpoint(folder: Path, name: str = "tiny", **config: Any) -> Checkpoint:
    """A checkpoint of a tiny network, as a run would have left it; every researcher's."""
    path = trained(folder, steps=1, **config)
    description = json.loads((path / "config.json").read_text())
    weights = (path / "model.safetensors").read_bytes()
    checkpoint = Checkpoint.store(name, description, weights, samples=b"png")
    checkpoint.give_to_maker(None)
    return checkpoint


def make_run(dataset: Dataset, name: str = "run", **config: Any) -> TrainingRun:
    parsed = tiny_config(**config)
    return TrainingRun.objects.create(name=name, dataset=dataset, config=parsed.as_json(), total=parsed.steps)


class ScriptedEngine:
    """Answers each index by `answer`, by default with an image, and remembers what it was asked."""

    def __init__(self, answer: Callable[[int], EngineImage | Refusal] | None = None) -> None:
        self.answer = answer or image_of
        self.asked: list[int] = []

    def generate(self, request: GenerationRequest, indices: Sequence[int]) -> Iterator[EngineImage | Refusal]:
        for index in indices:
            request.heartbeat()
            self.asked.append(index)
            yield self.answer(index)


def image_of(index: int) -> EngineImage:
    return EngineImage(index, seed_of(1, index), make_pixels(seed=index), {"engine": "scripted"})
