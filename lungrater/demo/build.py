"""The demo: four made-up people, an open study, the same study finished by simulated raters, and one that its audit stops.

In the first two, the stand-ins for real images and for fakes are drawn by one program, as a perfect generator would: their
audit is green: enough images of each arm, each of an imagined person of its own, for every check to see a plain leak. In the third, the fakes are samples of the small model that ships, which a machine tells apart: it is
frozen and stays closed. Behind them a quality report, a training run and a utility experiment. Everything is made by the very
jobs that people queue, once, by two workers side by side: both draw, then one opens the first study while the other has it
read by simulated raters and trains; the one at last has its fakes measured, so that both have work to the end.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from generation.models import GenerationJob
from jobs.enqueue import enqueue
from lungrater.database.alone import alone
from lungrater.demo import measurements
from lungrater.demo.datasets import (
    FAKE,
    LABELS,
    LEARNED,
    MEASURED,
    PER_LABEL,
    REAL,
    SAMPLES,
    SAMPLES_PER_LABEL,
    DemoDataset,
    jobs_of,
)
from pool.models import Dataset
from rating.models import Enrolment, Freeze, Stratum, Study
from rating.reading.simulation import Readers, finish, simulate

STUDY, STOPPED_STUDY = "Demo reading", "Demo of a red audit"
PEOPLE = (
    ("researcher@demo.invalid", Role.RESEARCHER, "Researcher", "Dana"),
    ("rater1@demo.invalid", Role.RATER, "Rater", "Rita"),
    ("rater2@demo.invalid", Role.RATER, "Rater", "Otto"),
    ("admin@demo.invalid", Role.ADMIN, "Admin", "Ada"),
)
CANVAS, LARGE_CANVAS = 256, 512  # the drawings have 128 pixels a side
# Lanes that are free in a new home; trainings of the demo's own come after it.
LANES = {"lungrater.demo.tasks.build_demo": "gpu", "lungrater.demo.tasks.build_beside": "training"}


def load() -> None:
    """Make the people and the first jobs at once and let workers do the rest; again is harmless."""
    _people()
    if not is_complete():
        for job in jobs_of(REAL + FAKE):
            job.resume()  # one that failed or was cancelled gets another chance
    ring_if_unfinished()


def ring_if_unfinished() -> None:
    """Ring for the workers where the demo was begun and is not complete yet."""
    if is_begun() and not is_complete():
        for task, queue in LANES.items():
            enqueue(task, queue=queue)


def is_begun() -> bool:
    return User.objects.filter(is_demo=True).exists()


def is_of_an_earlier_version() -> bool:
    """Whether a version has built it that had the open study alone."""
    studies = Study.objects.exclude(state=Study.State.DRAFT).filter(name=STUDY)
    return studies.exists() and not Dataset.objects.filter(name=FAKE[0].name).exists()


def is_complete() -> bool:
    """Whether nothing is left to build: what is measured may still be at work."""
    stopped = Study.objects.exclude(state=Study.State.DRAFT).filter(name=STOPPED_STUDY)
    return is_of_an_earlier_version() or (measurements.are_queued() and stopped.exists())


def build() -> bool:
    """Go on as far as it is possible now, the open study first; True once there is nothing left to wait for."""
    return _go_through((REAL + FAKE, _open), (REAL + SAMPLES, _freeze_the_stopped), (MEASURED, _measure))


def build_beside() -> bool:
    """As `build`, with the simulated reading and the training."""
    return _go_through((REAL + FAKE, _rehearse), (LEARNED, _train))


def _go_through(*steps: tuple[tuple[DemoDataset, ...], Callable[[], bool]]) -> bool:
    """Each step once its images are there; False where another worker is at it, or, perhaps a dead one, still makes some of them."""
    for datasets, step in steps:
        jobs = jobs_of(datasets)
        for job in jobs:
            job.perform()
            job.refresh_from_db()
        if any(job.is_active for job in jobs):
            return False
        if not all(job.state == GenerationJob.State.SUCCEEDED for job in jobs):
            return True
        with alone(f"demo {step.__name__}") as is_alone:
            if not is_alone or not step():
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


def _open() -> bool:
    organiser, *raters, _admin = _people()
    study = _study(STUDY, REAL + FAKE, raters)
    if not _is_frozen(study):
        return False
    audit = study.blinding_audits.first()
    if study.state == Study.State.FROZEN and not (audit and audit.stops_opening):
        study.open(organiser)
    return True


def _rehearse() -> bool:
    """False while what froze the copy is still at it, or died over it and is not queued again yet."""
    organiser, *raters, _admin = _people()
    study = _study(STUDY, REAL + FAKE, raters)
    readers, copy = Readers(raters=4), study.copies.filter(is_simulated=True).order_by("pk").first()
    if copy is None:
        simulate(study, readers, seed=2022, by=organiser)
    elif copy.freezes.active().exists() or copy.blinding_audits.active().exists():
        return False
    elif not copy.is_unblinded:
        finish(copy, readers, seed=2022, by=organiser)
    return True


def _freeze_the_stopped() -> bool:
    study = _study(STOPPED_STUDY, REAL + SAMPLES, [], per_label=SAMPLES_PER_LABEL, canvas=LARGE_CANVAS)
    return _is_frozen(study)


def _train() -> bool:
    [real] = (Dataset.objects.get(name=demo.name) for demo in LEARNED)
    measurements.queue_training(real, by=_people()[0])
    return True


def _measure() -> bool:
    real, fakes = (Dataset.objects.get(name=demo.name) for demo in MEASURED)
    measurements.queue(real, fakes, by=_people()[0])
    return True


@transaction.atomic
def _study(
    name: str,
    datasets: tuple[DemoDataset, ...],
    raters: list[User],
    *,
    per_label: int = PER_LABEL,
    canvas: int = CANVAS,
) -> Study:
    """The study with its strata and raters: whoever comes second waits for the first to have made it whole."""
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
