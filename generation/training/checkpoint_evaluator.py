"""A run under watch: the images it is measured against, and the facts its model cards will state."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from generation.declared_extractors import specs
from generation.diffusion.config import ImageClass, TrainingConfig
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.finetuning.pipelines import PipelineSource
from generation.diffusion.run_config import ConfigError, RunConfig
from generation.metrics.checkpoint_evaluator import Watch
from generation.metrics.extractors import extractor
from generation.metrics.feature_extractor import ExtractorError, described
from generation.training import pipeline_folder
from generation.training.models import TrainingRun
from generation.training.run_facts import DataFacts, ImageCounts, MachineFacts, PipelineFacts, RunFacts
from generation.training.warm_starts import facts_of
from pool.canonical.previews import deep_squares, squares
from pool.models import Dataset, Image
from pool.splits import held_out_images, split_in_words, training_images

# Sampling is what costs; the number stays the same for a whole run, as FID depends on it.
FEWEST, MOST_ON_CPU, MOST_ON_GPU = 16, 96, 512
SLOWER = 4  # a Stable Diffusion takes seconds for an image


def watch_for(
    run: TrainingRun, config: RunConfig, images: TrainingImages, *, pulse: Callable[[], None]
) -> Watch:
    """The hook that measures this run's checkpoints. Raises ConfigError where an extractor cannot be used."""
    further = specs(config.extractors) if config.extractors else []
    try:  # now, not at the first checkpoint hours from here
        description, *further_descriptions = [
            described(extractor(spec)) for spec in (settings.EXTRACTOR, *further)
        ]
    except ExtractorError as error:
        raise ConfigError(str(error)) from error
    test_images = list(held_out_images(run.dataset))
    if isinstance(config, TrainingConfig) and config.bits == 16:
        held_out = TrainingImages(deep_squares(test_images, side=config.size, pulse=pulse)).in_eight_bits
    else:
        held_out = squares(test_images, side=config.size, colour=config.channels == 3, pulse=pulse)
    trained_on = list(training_images(run.dataset).values_list("pk", "patient_key"))
    if not run.facts:
        facts: RunFacts = {
            **_data(run.dataset),
            **_machine(),
            **_started_from(config),
            **facts_of(run),
            "extractor": description,
            "further_extractors": further_descriptions,
            "samples_measured": _count(len(held_out), config),
            "data_changes": [],
        }
        run.facts = facts
        run.save(update_fields=["facts"])
    else:
        _note_changed_data(run)
    return Watch.of(
        run.folder / "watch",
        images.in_eight_bits,
        held_out,
        names=[str(pk) for pk, _ in trained_on],
        patients=[patient for _, patient in trained_on],
        held_out_classes=_classes(test_images, config),
        class_names=[str(kind) for kind in config.classes] if isinstance(config, TrainingConfig) else [],
        count=run.facts["samples_measured"],
        spec=settings.EXTRACTOR,
        further=further,
    )


def _classes(images: Sequence[Image], config: RunConfig) -> NDArray[np.int64] | None:
    """The class of each, or that none is told where the model does not know it."""
    if not isinstance(config, TrainingConfig) or not config.classes:
        return None
    kinds = [ImageClass(image.modality, image.label) for image in images]
    return np.array(
        [config.classes.index(kind) if kind in config.classes else config.null_class for kind in kinds],
        dtype=np.int64,
    )


def _note_changed_data(run: TrainingRun) -> None:
    """Where the dataset is not what it was, write down from which step on the run has learned from other images."""
    data = _data(run.dataset)
    changes = run.facts.setdefault("data_changes", [])
    before = changes[-1]["training_sha256"] if changes else run.facts.get("training_sha256")
    if data["training_sha256"] != before:
        images = data["training"]["images"]
        changes.append({"step": run.done, "images": images, "training_sha256": data["training_sha256"]})
        run.save(update_fields=["facts"])


def _count(held_out: int, config: RunConfig) -> int:
    import torch

    most = MOST_ON_GPU if torch.cuda.is_available() else MOST_ON_CPU
    return min(max(held_out, FEWEST), most // SLOWER if isinstance(config, FineTuneConfig) else most)


def _started_from(config: RunConfig) -> PipelineFacts:
    """Which pipeline a fine-tuning began with, as it was then."""
    if not isinstance(config, FineTuneConfig):
        return {}
    fingerprint = PipelineSource(pipeline_folder.folder() / config.pipeline).fingerprint()
    return {"pipeline": config.pipeline, "pipeline_sha256": fingerprint}


def _data(dataset: Dataset) -> DataFacts:
    """What was learned from, as it was that day: numbers, patients, and a hash that names these very pixels."""
    training, held_out = training_images(dataset), held_out_images(dataset)
    pixels = "\n".join(training.values_list("pixel_sha256", flat=True))
    return {
        "dataset": dataset.name,
        "modality": dataset.modality,
        "licence": dataset.licence,
        "citation": dataset.citation,
        "split": split_in_words(dataset),
        "training": _counted(training),
        "held_out": _counted(held_out),
        "training_sha256": hashlib.sha256(pixels.encode()).hexdigest(),
    }


def _counted(images: Any) -> ImageCounts:
    labels = images.order_by("label").values_list("label", flat=True)
    patients: set[str] = set(images.order_by().exclude(patient_key="").values_list("patient_key", flat=True))
    names = list(labels)
    return {
        "images": len(names),
        "patients": len(patients),
        "labels": {name: names.count(name) for name in dict.fromkeys(names) if name},
    }


def _machine() -> MachineFacts:
    """The hardware and the programs."""
    import torch

    device = "cpu"
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    return {
        "device": device,
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "versions": {name: _version(name) for name in ("lungrater", "torch", "diffusers")}
        | {"python": platform.python_version()},
        "git": git_version(),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def git_version() -> str:
    """The commit this program was started from, with a + where files were changed; "" outside a checkout."""
    if not (settings.BASE_DIR / ".git").exists():
        return ""  # installed somewhere inside another repository, whose commit says nothing of this program
    outputs = []
    for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        try:
            done = subprocess.run(
                ["git", *words],  # noqa: S607  whichever git is there
                cwd=settings.BASE_DIR,
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        outputs.append(done.stdout.strip())
    return outputs[0] + ("+" if outputs[1] else "")
