"""A small world of chest images without chests: two findings, patients, a split, fakes that resemble them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from django.core.files.base import ContentFile

from generation.models import UtilityExperiment, UtilityExplanation
from generation.utility.config import UtilityConfig
from generation.utility.report import Fitted, HeldOut, Measured
from generation.utility.results import ExplanationOverlap
from pool.canonical.pixels import Pixels, encode_png
from pool.canonical.typed_json import as_json
from pool.models import Dataset, Image, Modality, Origin
from tests.factories import make_dataset, make_image
from tests.generation.classifiers.image_samples import marked

QUICK = {
    "preset": "tiny",
    "architectures": ["tiny-resnet"],
    "seeds": 1,
    "steps": 12,
    "resamples": 200,
    "explained": 2,
    "lime_samples": 20,
}
LABELS = ("normal", "nodule")


def real_dataset(*, patients: int = 24, modality: str = Modality.XRAY, **fields: Any) -> Dataset:
    """A patient an image, the last third of them for testing."""
    dataset = make_dataset(modality=modality, **fields)
    for place, chest in enumerate(chests(patients, modality=modality)):
        split = Image.Split.TEST if place >= patients * 2 // 3 else Image.Split.TRAIN
        label = LABELS[place % 2]
        make_image(dataset, pixels=chest, label=label, patient=f"{dataset.pk}-{place}", split=split)
    return dataset


def fake_dataset(*, images: int = 16, modality: str = Modality.XRAY, seed: int = 50) -> Dataset:
    dataset = make_dataset(origin=Origin.SYNTHETIC, modality=modality)
    for place, chest in enumerate(chests(images, seed=seed, modality=modality)):
        make_image(dataset, pixels=chest, label=LABELS[place % 2])
    return dataset


def chests(count: int, *, seed: int = 0, modality: str = Modality.XRAY) -> list[Pixels]:
    return list(marked(count, seed=seed, colour=modality == Modality.MICROSCOPY).squares)


def make_experiment(
    real: Dataset | None = None, *synthetic: Dataset, name: str = "Trial", **config: Any
) -> UtilityExperiment:
    """A queued experiment that nobody has rung for."""
    settings = UtilityConfig.from_mapping({**QUICK, **config})
    experiment = UtilityExperiment.objects.create(
        name=name, real=real or real_dataset(), config=settings.as_json()
    )
    experiment.synthetic.set(synthetic or [fake_dataset()])
    return experiment


def noise(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 255, (48, 48), dtype=np.uint8)


def reported_experiment(name: str = "Reported") -> UtilityExperiment:
    """An experiment that ended with a report of made-up classifiers on eight images, one of which is explained."""
    real, classes = make_dataset(), ("nodule", "normal")
    experiment = make_experiment(real, make_dataset(origin=Origin.SYNTHETIC), name=name)
    truth = np.arange(8) % 2
    sure = np.eye(2)[truth] * 0.6 + 0.2
    sure[0] = sure[0][::-1]  # one is wrong
    even = np.full_like(sure, 0.5)
    fitted = [
        Fitted("real only", "tiny-resnet", 16, 0, np.stack([sure])),
        Fitted("synthetic only", "tiny-resnet", 0, 16, np.stack([even])),
        Fitted("0.5 of synthetic", "tiny-resnet", 0, 8, np.stack([even])),
    ]
    held_out = HeldOut(truth, [str(place) for place in range(8)], classes)
    results = replace(
        Measured.of(fitted, held_out, resamples=200, seed=0).report(),
        images={"real": {"nodule": 8, "normal": 8}, "synthetic": {"nodule": 8, "normal": 8}},
        models={"real only, tiny-resnet": "real-only-tiny-resnet-seed0"},
        explanations=[ExplanationOverlap("tiny-resnet", "lime", 1, 0.25, None)],
    )
    experiment.report = as_json(results)
    experiment.state = "succeeded"
    experiment.save()
    image = make_image(real, label="nodule", split="test")
    for arm in ("synthetic only", "real only"):
        row = UtilityExplanation(
            experiment=experiment,
            image=image,
            arm=arm,
            architecture="tiny-resnet",
            method="lime",
            probability=0.5,
        )
        row.saliency_map.save("", ContentFile(encode_png(noise(0))))
    return experiment
