"""A machine asked on a page reads the study as a job: from a folder of the home, or a vision model, once each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from lungrater.machines.available_models import folders
from lungrater.machines.models import MachineReading
from rating.models import Enrolment, Rating, Study
from tests.generation.images_api import error, serving
from tests.generation.utility.datasets import fake_dataset, make_experiment, real_dataset
from tests.rating.cast import frozen_study, open_study

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any) -> Path:
    settings.MODELS_DIR = tmp_path
    return tmp_path


@pytest.fixture
def browser(researcher: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(researcher)


@pytest.fixture
def study(rater: User) -> Study:
    return open_study(raters=[rater], real=2, fake=2)


def asked(browser: Client, study: Study, **wish: Any) -> Any:
    return browser.post(reverse("machines", args=[study.slug]), {"unsure": 0, **wish})


def test_a_network_trained_by_a_utility_experiment_is_found_asked_and_reads(
    browser: Client, study: Study, django_capture_on_commit_callbacks: Any
) -> None:
    """Whoever labels images real and fake can have the experiment's networks trained to tell them apart."""
    real, fakes = real_dataset(), fake_dataset()
    for dataset in (real, fakes):
        dataset.images.filter(label="nodule").update(label="fake")
    experiment = make_experiment(real, fakes, explained=0)
    experiment.perform()
    assert experiment.state == "succeeded", experiment.error
    folder = next(name for name in folders() if "real-only" in name)

    with django_capture_on_commit_callbacks() as rung:
        asked(browser, study, folder=folder, unsure=0.1)
    reading = MachineReading.objects.get()
    reading.perform()

    assert len(rung) == 1
    assert (reading.state, reading.done, reading.total, reading.queue) == ("succeeded", 4, 4, "gpu")
    machine = Enrolment.objects.machines().get()
    assert machine.machine.startswith("classifier tiny-resnet (")
    assert Rating.objects.filter(presentation__sitting__enrolment=machine).count() == 4
    page = browser.get(reverse("machines", args=[study.slug])).content.decode()
    assert f"{machine.pseudonym} has read all its images." in page


def test_a_classifier_of_findings_is_not_offered(models_folder: Path) -> None:
    for name, classes in (("findings", '["normal", "nodule"]'), ("damaged", "")):
        (models_folder / "machines" / name).mkdir(parents=True)
        (models_folder / "machines" / name / "config.json").write_text(f'{{"classes": {classes}}}')

    assert folders() == []


def test_a_wish_that_cannot_be_is_told(browser: Client, study: Study) -> None:
    neither = asked(browser, study)
    unknown = asked(browser, study, folder="../../etc")
    shut = asked(browser, frozen_study("Frozen"), model="see-1")

    assert [answer.status_code for answer in (neither, unknown, shut)] == [422, 422, 422]
    assert "one of the two" in neither.content.decode()
    assert "machines rate while a study is open" in shut.content.decode()
    assert not MachineReading.objects.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        MachineReading.objects.create(study=study)


def test_a_machine_is_not_asked_twice_at_once(browser: Client, study: Study) -> None:
    asked(browser, study, model="see-1")
    again = asked(browser, study, model="see-1")
    another = asked(browser, study, model="see-2")

    assert (again.status_code, another.status_code) == (422, 302)
    assert "is reading the study already" in again.content.decode()
    assert MachineReading.objects.count() == 2


def test_a_refused_key_ends_the_reading_with_what_to_do(
    browser: Client, study: Study, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    with serving() as api:
        settings.OPENAI_BASE_URL = api.url
        api.script = [error(401, "invalid_api_key", "no")]
        asked(browser, study, model="see-1")
        MachineReading.objects.get().perform()

    reading = MachineReading.objects.get()
    assert (reading.state, reading.queue) == ("failed", "api")
    assert "key was not accepted" in reading.error
    assert "ask the same machine again" in reading.error


def test_a_reading_can_be_stopped(browser: Client, study: Study) -> None:
    asked(browser, study, model="see-1")
    reading = MachineReading.objects.get()

    browser.post(reverse("machine_reading_cancel", args=[reading.pk]))

    reading.refresh_from_db()
    assert reading.state == "cancelled"
