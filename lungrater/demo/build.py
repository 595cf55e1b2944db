"""The demo: four made-up people, an open study, the same study finished by simulated raters, and one that its audit stops.

In the first two, the stand-ins for real images and for fakes are drawn by one program, as a perfect generator would: their
audit is green: enough images of each arm, each of an imagined person of its own, for every check to see a plain leak. In the third, the fakes are samples of the small model that ships, which a machine tells apart: it is
frozen and stays closed. Behind them a quality report, a training run and a utility experiment. Everything is made by the very jobs that people queue; a worker builds what is
missing, once.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from generation.models import Checkpoint, GenerationJob
from generation.training.bundled_checkpoints import PHANTOM_LUNGS, register_shipped
from jobs.enqueue import enqueue
from lungrater.demo import measurements
from pool.models import Dataset, Modality, Origin
from rating.models import Enrolment, Freeze, Stratum, Study
from rating.reading.simulation import Readers, simulate

STUDY, STOPPED_STUDY = "Demo reading", "Demo of a red audit"
PEOPLE = (
    ("researcher@demo.invalid", Role.RESEARCHER, "Researcher", "Dana"),
    ("rater1@demo.invalid", Role.RATER, "Rater", "Rita"),
    ("rater2@demo.invalid", Role.RATER, "Rater", "Otto"),
    ("admin@demo.invalid", Role.ADMIN, "Admin", "Ada"),
)
LABELS = ("normal", "opacity")
# 60 images of each arm: with fewer, most of the audit's checks would say that they had seen little.
PER_LABEL = 15
CANVAS, LARGE_CANVAS = 256, 512  # the drawings have 128 pixels a side
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
MEASURED = (
    DemoDataset(
        "Demo phantom X-rays (to learn from)",
        Origin.REAL,
        Modality.XRAY,
        GenerationJob.Engine.PHANTOM,
        1895,
        "Drawn by a program, for a model to learn from and for fakes to be measured against. Not real.",
        per_label=60,
    ),
    DemoDataset(
        "Demo diffusion X-rays (to measure)",
        Origin.SYNTHETIC,
        Modality.XRAY,
        GenerationJob.Engine.DIFFUSION,
        1895,
        "Sampled on this machine from the diffusion model that ships with LungRater.",
        per_label=24,
    ),
)


def load() -> None:
    """Make the people and the first jobs at once and let a worker do the rest; again is harmless."""
    _people()
    if not _is_complete():
        for job in _jobs(REAL + FAKE):
            job.resume()  # one that failed or was cancelled gets another chance
    ring_if_unfinished()


def ring_if_unfinished() -> None:
    """Ring for a worker where the demo was begun and is not complete yet."""
    if User.objects.filter(is_demo=True).exists() and not _is_complete():
        enqueue("lungrater.demo.tasks.build_demo", queue="gpu")


def _is_complete() -> bool:
    """Also where an earlier version has built its own, which had the open study alone."""
    is_earlier = not Dataset.objects.filter(name=FAKE[0].name).exists()
    if is_earlier:
        return Study.objects.exclude(state=Study.State.DRAFT).filter(name=STUDY).exists()
    return measurements.are_queued()


def build() -> bool:
    """Go on with the demo as far as it is possible now; True once there is nothing left to wait for."""
    for datasets, finish in (
        (REAL + FAKE, _open_and_rehearse),
        (REAL + SAMPLES, _freeze_the_stopped),
        (MEASURED, _measure),
    ):
        jobs = _jobs(datasets)
        for job in jobs:
            job.perform()
            job.refresh_from_db()
        if any(job.is_active for job in jobs):
            return False
        if not all(job.state == GenerationJob.State.SUCCEEDED for job in jobs):
            return True
        if not finish():
            return False
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
def _jobs(datasets: tuple[DemoDataset, ...]) -> list[GenerationJob]:
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
                    total=demo.per_label,
                    seed=demo.seed,
                    settings={"size": 128} if is_phantom else {},
                )
                job.save()
            jobs.append(job)
    return jobs


def _open_and_rehearse() -> bool:
    """False where another worker, perhaps a dead one, still freezes the study."""
    organiser, *raters, _admin = _people()
    study = _study(STUDY, REAL + FAKE, raters)
    if not _is_frozen(study):
        return False
    audit = study.blinding_audits.first()
    if study.state == Study.State.FROZEN and not (audit and audit.stops_opening):
        study.open(organiser)
    if not study.copies.filter(is_simulated=True).exists():
        simulate(study, Readers(raters=4), seed=2022, by=organiser)
    return True


def _freeze_the_stopped() -> bool:
    study = _study(STOPPED_STUDY, REAL + SAMPLES, [], per_label=SAMPLES_PER_LABEL, canvas=LARGE_CANVAS)
    return _is_frozen(study)


def _measure() -> bool:
    real, fakes = (Dataset.objects.get(name=demo.name) for demo in MEASURED)
    measurements.queue(real, fakes, by=_people()[0])
    return True


def _study(
    name: str,
    datasets: tuple[DemoDataset, ...],
    raters: list[User],
    *,
    per_label: int = PER_LABEL,
    canvas: int = CANVAS,
) -> Study:
    organiser = User.objects.get(email=PEOPLE[0][0])
    study, is_new = Study.objects.get_or_create(
        name=name, defaults={"created_by": organiser, "canvas": canvas}
    )
    if is_new:
        study.give_to_maker(organiser)
        for demo in datasets:
            dataset = Dataset.objects.get(name=demo.name)
            # An earlier version may have drawn fewer.
            count = min(per_label * len(LABELS), dataset.images.count())
            Stratum.objects.create(study=study, dataset=dataset, count=count)
        for rater in raters:
            Enrolment.enrol(study, rater, by=organiser)
    return study


def _is_frozen(study: Study) -> bool:
    """Freeze it unless that was done; False while another worker is at it."""
    if study.is_draft:
        organiser = User.objects.get(email=PEOPLE[0][0])
        freeze = study.freezes.active().first() or Freeze.objects.create(study=study, requested_by=organiser)
        freeze.perform()
        study.refresh_from_db()
    return not (study.is_draft and study.freezes.active().exists())
