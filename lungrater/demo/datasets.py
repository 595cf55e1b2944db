"""The demo's datasets, and the jobs that draw and sample their images."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from generation.images.engines.protocol import EngineSettings
from generation.models import Checkpoint, GenerationJob
from generation.training.bundled_checkpoints import PHANTOM_LUNGS, register_shipped
from pool.models import Dataset, Modality, Origin

LABELS = ("normal", "opacity")
# 60 images of each arm: with fewer, most of the audit's checks would say that they had seen little.
PER_LABEL = 15
SAMPLES_PER_LABEL = 5  # they take longer, and what a machine tells of them shows in a few


@dataclass(frozen=True)
class DemoDataset:
    name: str
    origin: str
    modality: str
    engine: str
    seed: int
    description: str
    per_label: int = PER_LABEL
    settings: EngineSettings = field(default_factory=EngineSettings)


KINDS = ((Modality.XRAY, "X-rays"), (Modality.CT, "CT slices"))
REAL = tuple(
    DemoDataset(
        f"Demo phantom {what} (stand-ins for real)",
        Origin.REAL,
        modality,
        GenerationJob.Engine.PHANTOM,
        2022,
        "Drawn by a program so that the demo needs no patient's image. Not real; they only play the part.",
    )
    for modality, what in KINDS
)
FAKE = tuple(
    DemoDataset(
        f"Demo phantom {what} (stand-ins for fakes)",
        Origin.SYNTHETIC,
        modality,
        GenerationJob.Engine.PHANTOM,
        4711,
        "Drawn by the same program as the stand-ins for real images, as a perfect generator would: nobody can tell them apart.",
    )
    for modality, what in KINDS
)
SAMPLES = tuple(
    DemoDataset(
        f"Demo diffusion {what}",
        Origin.SYNTHETIC,
        modality,
        GenerationJob.Engine.DIFFUSION,
        2022,
        "Sampled on this machine from the diffusion model that ships with LungRater.",
        per_label=SAMPLES_PER_LABEL,
    )
    for modality, what in KINDS
)
# Enough for some to be held out, and to measure on.
LEARNED = (
    DemoDataset(
        "Demo phantom X-rays (to learn from)",
        Origin.REAL,
        Modality.XRAY,
        GenerationJob.Engine.PHANTOM,
        1895,
        "Drawn by a program, for a model to learn from and for fakes to be measured against. Not real.",
        per_label=50,  # of fewer than 100 none is held out
        settings={"size": 64},  # the model's own, and a quarter of the work
    ),
)
MEASURED = (
    *LEARNED,
    DemoDataset(
        "Demo diffusion X-rays (to measure)",
        Origin.SYNTHETIC,
        Modality.XRAY,
        GenerationJob.Engine.DIFFUSION,
        1895,
        "Sampled on this machine from the diffusion model that ships with LungRater.",
        per_label=20,
        settings={"steps": 8},  # of 20, as they are many
    ),
)


@transaction.atomic
def jobs_of(datasets: tuple[DemoDataset, ...]) -> list[GenerationJob]:
    """One job per dataset and label, queued unless it is there already."""
    register_shipped()
    checkpoint = Checkpoint.objects.newest_by_name(PHANTOM_LUNGS)
    jobs: list[GenerationJob] = []
    for demo in datasets:
        dataset, is_new = Dataset.objects.get_or_create(
            name=demo.name,
            defaults={
                "origin": demo.origin,
                "modality": demo.modality,
                "description": demo.description,
                "licence": "CC0 1.0",
            },
        )
        if is_new:
            dataset.give_to_maker(User.objects.filter(is_demo=True, role=Role.RESEARCHER).first())
        for number, label in enumerate(LABELS):
            queued = GenerationJob.objects.filter(dataset=dataset, label=label).order_by("pk").first()
            job = queued
            if job is None:
                is_phantom = demo.engine == GenerationJob.Engine.PHANTOM
                job = GenerationJob(
                    engine=demo.engine,
                    checkpoint=None if is_phantom else checkpoint,
                    dataset=dataset,
                    modality=demo.modality,
                    label=label,
                    total=demo.per_label,
                    # A model makes of one noise the same chest with and without the finding.
                    seed=demo.seed if is_phantom else demo.seed + number,
                    settings={**({"size": 128} if is_phantom else {}), **demo.settings},
                )
                job.save()
            jobs.append(job)
    return jobs
