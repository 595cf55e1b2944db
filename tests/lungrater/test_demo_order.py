"""In which order the demo comes, by count of what each part waits for, and what its people are told meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from generation.models import GenerationJob, QualityReport, TrainingRun, UtilityExperiment
from lungrater.demo import build, measurements
from lungrater.demo.datasets import FAKE, MEASURED, REAL, SAMPLES, jobs_of
from lungrater.demo.progress import progress
from pool.models import Dataset
from rating.models import Study

pytestmark = pytest.mark.django_db

State = GenerationJob.State
STEPS = ("_open", "_rehearse", "_freeze_the_stopped", "_train", "_measure")
DRAWINGS = [("phantom", 15)] * 8


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    bells: list[tuple[str, str]] = []
    monkeypatch.setattr(build, "enqueue", lambda task, *_, queue: bells.append((task, queue)))
    return bells


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, rung: list[tuple[str, str]]) -> list[tuple[str, int] | str]:
    """What was made, in its order: of images the engine and how many, of the rest the step; nothing is really made."""
    log: list[tuple[str, int] | str] = []

    def perform(job: GenerationJob) -> bool:
        won = bool(GenerationJob.objects.filter(pk=job.pk, state=State.QUEUED).update(state=State.SUCCEEDED))
        if won:
            log.append((job.engine, job.total))
        return won

    def step(name: str) -> bool:
        log.append(name)
        return True

    monkeypatch.setattr(GenerationJob, "perform", perform)
    for name in STEPS:
        monkeypatch.setattr(build, name, lambda name=name: step(name))
    return log


def test_the_open_study_waits_for_its_120_drawings_and_nothing_else(
    events: list[tuple[str, int] | str],
) -> None:
    build.load()

    assert build.build()

    stopped = [*[("diffusion", 5)] * 4, "_freeze_the_stopped"]
    measured = [("phantom", 50)] * 2 + [("diffusion", 20)] * 2
    assert events == [*DRAWINGS, "_open", *stopped, *measured, "_measure"]


def test_the_simulated_reading_waits_for_the_same_drawings_and_then_a_model_learns(
    events: list[tuple[str, int] | str],
) -> None:
    build.load()

    assert build.build_beside()

    assert events == [*DRAWINGS, "_rehearse", *[("phantom", 50)] * 2, "_train"]


def test_two_workers_share_the_drawings_and_make_none_twice(events: list[tuple[str, int] | str]) -> None:
    build.load()
    at_another = [job.pk for job in jobs_of(REAL + FAKE)[::2]]
    GenerationJob.objects.filter(pk__in=at_another).update(state=State.RUNNING)

    assert not build.build()
    assert events == DRAWINGS[::2]

    GenerationJob.objects.filter(pk__in=at_another).update(state=State.SUCCEEDED)
    assert build.build_beside()
    assert events == [*DRAWINGS[::2], "_rehearse", *[("phantom", 50)] * 2, "_train"]


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_of_a_lane_one_makes_the_simulated_reading_and_the_other_comes_back(
    events: list[tuple[str, int] | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build.load()
    begun, go_on = threading.Event(), threading.Event()

    def rehearse() -> bool:
        events.append("_rehearse")
        if not begun.is_set():
            begun.set()
            assert go_on.wait(60)
        return True

    def build_beside() -> bool:
        try:
            return build.build_beside()
        finally:
            connections.close_all()

    monkeypatch.setattr(build, "_rehearse", rehearse)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(build_beside)
        assert begun.wait(60)
        is_built_by_the_second = build.build_beside()
        go_on.set()
        is_built_by_the_first = first.result(60)

    assert (is_built_by_the_first, is_built_by_the_second) == (True, False)
    assert events.count("_rehearse") == 1
    assert build.build_beside()  # comes back, and finds whatever the first has left


def test_the_forms_that_people_fill_in_queue_what_machines_measure(
    monkeypatch: pytest.MonkeyPatch, rung: list[tuple[str, str]]
) -> None:
    forms: list[str] = []
    monkeypatch.setattr(measurements, "_submit", lambda form, *_: forms.append(form.__name__))
    build.load()
    jobs_of(MEASURED)
    real, fakes = (Dataset.objects.get(name=demo.name) for demo in MEASURED)

    dana = User.objects.get(email="researcher@demo.invalid")

    measurements.queue_training(real, by=dana)
    measurements.queue(real, fakes, by=dana)

    assert forms == ["TrainingForm", "QualityForm", "UtilityForm"]
    assert not measurements.are_queued()


def test_both_lanes_are_rung_for_until_nothing_is_left_to_build(rung: list[tuple[str, str]]) -> None:
    build.load()

    assert rung == [
        ("lungrater.demo.tasks.build_demo", "gpu"),
        ("lungrater.demo.tasks.build_beside", "training"),
    ]

    rung.clear()
    _all_there()
    build.load()

    assert rung == []


def test_a_model_draws_no_chest_twice_and_the_program_draws_the_same_people_as_ever(
    rung: list[tuple[str, str]],
) -> None:
    build.load()

    seeds = [{job.seed for job in jobs_of((dataset,))} for dataset in (REAL[0], SAMPLES[0], MEASURED[1])]

    assert seeds == [{2022}, {2022, 2023}, {1895, 1896}]


def test_a_study_that_both_workers_want_is_made_once_and_whole(rung: list[tuple[str, str]]) -> None:
    build.load()
    raters = list(User.objects.filter(email__startswith="rater"))

    first, second = (build._study(build.STUDY, (), raters) for _ in range(2))

    assert first == second
    assert first.enrolments.count() == len(raters) == 2


def test_a_home_without_the_demo_says_nothing_of_it() -> None:
    assert progress() is None


def test_what_is_there_and_what_is_not_yet_is_told_until_all_is_there(rung: list[tuple[str, str]]) -> None:
    build.load()
    assert states() == ["queued"] * 6

    Study.objects.create(name=build.STUDY)
    assert states() == ["running", *["queued"] * 5]

    _move(build.STUDY, Study.State.OPEN)
    assert states() == ["succeeded", *["queued"] * 5]

    _all_there()
    UtilityExperiment.objects.update(state=State.RUNNING)
    assert states() == [*["succeeded"] * 5, "running"]

    UtilityExperiment.objects.update(state=State.CANCELLED)
    assert progress() is None


def test_a_demo_that_is_built_waits_for_nothing_of_a_dataset_that_was_renamed_since(
    rung: list[tuple[str, str]],
) -> None:
    build.load()
    _all_there()
    Dataset.objects.filter(name=MEASURED[1].name).update(name="Ours")

    assert progress() is None


def test_a_demo_whose_images_could_not_be_made_says_how_it_goes_on(rung: list[tuple[str, str]]) -> None:
    build.load()
    GenerationJob.objects.filter(pk=jobs_of(REAL)[0].pk).update(state=State.FAILED)

    now = progress()

    assert now is not None
    assert now.sentence.endswith("The next start of the site makes them again.")
    build.load()
    again = progress()
    assert again is not None
    assert not again.is_stopped


def test_only_the_people_of_the_demo_see_how_far_it_is(client_of, researcher, rung) -> None:
    build.load()
    dana = User.objects.get(email="researcher@demo.invalid")

    page = client_of(dana).get(reverse("home")).content.decode()

    assert "0 of 6 parts are there" in page
    assert page.count("there after about") == 6
    assert "parts are there" not in client_of(researcher).get(reverse("home")).content.decode()


def test_a_rater_of_the_demo_is_told_that_the_study_opens_by_itself(client_of, rater, rung) -> None:
    build.load()
    rita = User.objects.get(email="rater1@demo.invalid")

    pages = [
        client_of(person).get(reverse("rating:reading_list")).content.decode() for person in (rita, rater)
    ]

    assert ["opens by itself" in page for page in pages] == [True, False]


def states() -> list[str]:
    now = progress()
    assert now is not None
    return [str(part.state) for part in now.parts]


def _all_there() -> None:
    """Rows as a demo leaves them that is built."""
    study, _ = Study.objects.get_or_create(name=build.STUDY)
    Study.objects.create(name=build.STOPPED_STUDY)
    Study.objects.create(name="Read", copy_of=study, is_simulated=True)
    _move(build.STUDY, Study.State.OPEN)
    _move(build.STOPPED_STUDY, Study.State.FROZEN)
    _move("Read", Study.State.UNBLINDED)
    jobs_of(SAMPLES + MEASURED)
    real, fakes = (Dataset.objects.get(name=demo.name) for demo in MEASURED)
    QualityReport.objects.create(candidate=fakes, reference=real)
    TrainingRun.objects.create(name=measurements.MODEL, dataset=real, total=1)
    UtilityExperiment.objects.create(name=measurements.EXPERIMENT, real=real)
    for kind in (QualityReport, TrainingRun, UtilityExperiment):
        kind.objects.update(state=State.SUCCEEDED)


def _move(name: str, state: str) -> None:
    Study.objects.filter(name=name).update(
        state=state, manifest_sha256="0" * 64, closed_at=timezone.now() if state == "unblinded" else None
    )
