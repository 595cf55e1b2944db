"""The demo: four made-up people, drawn stand-ins for real images, fakes of the shipped model, an open study.

Everything is made by the very jobs that people queue; a worker builds what is missing, once.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from generation.models import Checkpoint, GenerationJob
from generation.training.bundled_checkpoints import PHANTOM_LUNGS, register_shipped
from jobs.enqueue import enqueue
from pool.models import Dataset, Modality, Origin
from rating.models import Enrolment, Freeze, Stratum, Study

STUDY = "Demo reading"
PEOPLE = (
    ("researcher@demo.invalid", Role.RESEARCHER, "Researcher", "Dana"),
    ("rater1@demo.invalid", Role.RATER, "Rater", "Rita"),
    ("rater2@demo.invalid", Role.RATER, "Rater", "Otto"),
    ("admin@demo.invalid", Role.ADMIN, "Admin", "Ada"),
)
LABELS = ("normal", "opacity")
RED_AUDIT = (
    "The demo shows drawings and what a small model made of such drawings; a machine tells the two apart. "
    "A study to be published would not be opened like this."
)
PER_LABEL = 8
SHOWN = 10  # of each dataset: 20 X-rays and 20 CT slices, as in "Spot the fake lungs"


@dataclass(frozen=True)
class DemoDataset:
    name: str
    origin: str
    modality: str
    engine: str
    description: str


DATASETS = tuple(
    dataset
    for modality, what in ((Modality.XRAY, "X-rays"), (Modality.CT, "CT slices"))
    for dataset in (
        DemoDataset(
            f"Demo phantom {what} (stand-ins for real)",
            Origin.REAL,
            modality,
            GenerationJob.Engine.PHANTOM,
            "Drawn by a program so that the demo needs no patient's image. Not real; they only play the part.",
        ),
        DemoDataset(
            f"Demo diffusion {what}",
            Origin.SYNTHETIC,
            modality,
            GenerationJob.Engine.DIFFUSION,
            "Sampled on this machine from the diffusion model that ships with LungRater.",
        ),
    )
)


def load() -> None:
    """Make the people and the jobs at once and let a worker do the rest; again is harmless."""
    _people()
    if not _is_open():
        for job in _jobs():
            job.resume()  # one that failed or was cancelled gets another chance
    ring_if_unfinished()


def ring_if_unfinished() -> None:
    """Ring for a worker where the demo was begun and its study is not open yet."""
    if User.objects.filter(is_demo=True).exists() and not _is_open():
        enqueue("lungrater.demo.tasks.build_demo", queue="gpu")


def _is_open() -> bool:
    return Study.objects.filter(name=STUDY, opened_at__isnull=False).exists()


def build() -> bool:
    """Go on with the demo as far as it is possible now; True once there is nothing left to wait for."""
    jobs = _jobs()
    for job in jobs:
        job.perform()
        job.refresh_from_db()
    if any(job.is_active for job in jobs):
        return False
    if all(job.state == GenerationJob.State.SUCCEEDED for job in jobs):
        return _open_study()
    return True


def _people() -> list[User]:
    people = []
    for email, role, last_name, first_name in PEOPLE:
        person = User.objects.filter(email=email).first() or User.objects.create_user(
            email, role=role, first_name=first_name, last_name=last_name, is_demo=True
        )
        people.append(person)
    return people


@transaction.atomic
def _jobs() -> list[GenerationJob]:
    """One job per dataset and label, queued unless it is there already."""
    register_shipped()
    checkpoint = Checkpoint.objects.newest_by_name(PHANTOM_LUNGS)
    jobs: list[GenerationJob] = []
    for demo in DATASETS:
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
        for label in LABELS:
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
                    total=PER_LABEL,
                    seed=2022,
                    settings={"size": 128} if is_phantom else {},
                )
                job.save()
            jobs.append(job)
    return jobs


def _open_study() -> bool:
    """True unless another worker, perhaps a dead one, still freezes the study."""
    organiser, *raters, _admin = _people()
    study, is_new = Study.objects.get_or_create(name=STUDY, defaults={"created_by": organiser, "canvas": 512})
    if is_new:
        study.give_to_maker(organiser)
        for demo in DATASETS:
            Stratum.objects.create(study=study, dataset=Dataset.objects.get(name=demo.name), count=SHOWN)
        for rater in raters:
            Enrolment.enrol(study, rater, by=organiser)
    if study.is_draft:
        freeze = study.freezes.active().first() or Freeze.objects.create(study=study, requested_by=organiser)
        freeze.perform()
        study.refresh_from_db()
    if study.state == Study.State.FROZEN:
        audit = study.blinding_audits.first()
        if audit and audit.stops_opening:
            audit.override(organiser, RED_AUDIT)
        study.open(organiser)
    return not (study.is_draft and study.freezes.active().exists())
