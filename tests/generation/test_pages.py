"""The room's pages: queue, new job, progress, training; who may, and what a broken wish is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from generation.models import GeneratedImage, GenerationJob, TrainingRun
from pool.models import Dataset, Origin
from pool.strips import LENGTH
from tests.factories import make_dataset, make_image
from tests.generation.makers import job_with, make_checkpoint, make_job, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(researcher: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(researcher)


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was rung for; nobody comes."""
    rung: list[Any] = []
    monkeypatch.setattr("jobs.models.enqueue", lambda *given, **where: rung.append((given[1], where)))
    return rung


def test_a_rater_sees_nothing_of_the_room(rater: User, client_of: Callable[[User], Client]) -> None:
    job, browser = make_job(), client_of(rater)
    run = make_run(make_dataset())

    for path in ("", "new/", f"jobs/{job.pk}/", "training/", f"training/{run.pk}/"):
        assert browser.get(f"/generation/{path}").status_code == 403
    assert browser.post(f"/generation/jobs/{job.pk}/cancel").status_code == 403
    job.refresh_from_db()
    assert job.state == "queued"


def test_an_empty_queue_says_what_to_do_next(browser: Client) -> None:
    assert b"Nothing has been generated yet" in browser.get("/generation/").content
    assert b"No model has been trained here yet" in browser.get("/generation/training/").content
    assert b"There is no trained model yet" in browser.get("/generation/new/").content


def test_a_phantom_job_is_queued_into_a_new_dataset(
    browser: Client, researcher: User, no_worker: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    wish = {"modality": "ct", "label": "opacity", "total": 4, "new_dataset": "Drawn", "size": 64, "seed": ""}

    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post("/generation/new/phantom/", wish)

    job = GenerationJob.objects.get()
    assert answer.status_code == 302
    assert answer.headers["Location"] == job.get_absolute_url()
    assert (job.total, job.modality, job.label, job.settings) == (4, "ct", "opacity", {"size": 64})
    assert job.requested_by == researcher
    assert job.dataset.origin == Origin.SYNTHETIC
    assert no_worker == [(job.pk, {"queue": "cpu"})]


def test_a_diffusion_job_takes_modality_and_finding_from_what_the_model_knows(
    browser: Client, tmp_path: Path, no_worker: list[Any]
) -> None:
    from tests.generation.tiny import CLASSES

    checkpoint = make_checkpoint(tmp_path, "mine", classes=CLASSES)
    wish = {
        "what": f"{checkpoint.pk}:1",
        "total": 2,
        "new_dataset": "F",
        "steps": 5,
        "guidance": 1,
        "seed": 9,
        "compile": "off",
    }

    assert browser.post("/generation/new/diffusion/", wish).status_code == 302

    job = GenerationJob.objects.get()
    assert (job.checkpoint, job.modality, job.label, job.seed) == (checkpoint, "xray", "opacity", 9)
    assert job.settings == {"steps": 5, "guidance": 1.0, "compile": "off"}


def test_an_api_job_keeps_the_prompt_word_for_word(browser: Client, no_worker: list[Any]) -> None:
    wish = {
        "api_model": "dall-e-2",
        "prompt": "lung x-ray of a covid patient",
        "modality": "xray",
        "size": "256x256",
        "total": 1,
        "new_dataset": "DALL-E",
    }

    assert browser.post("/generation/new/openai/", wish).status_code == 302

    job = GenerationJob.objects.get()
    assert (job.api_model, job.prompt) == ("dall-e-2", "lung x-ray of a covid patient")
    priced_by = job.settings.pop("priced_by")
    assert priced_by.startswith("by the price table of 2026-05-12")
    assert job.settings == {"size": "256x256"}


@pytest.mark.parametrize(
    ("engine", "changes", "words"),
    [
        ("phantom", {"new_dataset": ""}, "Name the new dataset"),
        ("phantom", {"new_dataset": "Taken"}, "There is a dataset of this name"),
        ("phantom", {"total": 0}, "from 1 to 100,000 images"),
        ("phantom", {"size": 5}, "greater than or equal to 32"),
        ("openai", {"size": "300x300"}, "does not make images of size 300x300"),
        ("openai", {"prompt": ""}, "required"),
    ],
)
def test_a_wish_that_cannot_be_is_answered_on_the_form(
    browser: Client, engine: str, changes: dict[str, Any], words: str
) -> None:
    make_dataset("Taken")
    wish: dict[str, Any] = {
        "modality": "xray",
        "label": "normal",
        "total": 1,
        "new_dataset": "New",
        "size": 64,
    }
    if engine == "openai":
        wish |= {"api_model": "dall-e-2", "prompt": "x", "size": "256x256"}

    answer = browser.post(f"/generation/new/{engine}/", wish | changes)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not GenerationJob.objects.exists()
    assert not Dataset.objects.filter(name="New").exists()


def test_a_waiting_job_says_what_it_waits_for(browser: Client) -> None:
    job = make_job()

    page = browser.get(job.get_absolute_url()).content.decode()

    assert "Waiting for a worker" in page
    assert "lungrater worker --queues cpu" in page
    assert f'hx-get="/generation/jobs/{job.pk}/progress"' in page


def test_thumbnails_and_failures_appear_as_they_come_and_polling_stops_at_the_end(browser: Client) -> None:
    job = make_job(total=2)
    image = make_image(job.dataset)
    GeneratedImage.objects.create(job=job, index=0, outcome="made", image=image)
    GeneratedImage.objects.create(job=job, index=1, outcome="refused", reason="The safety system refused.")
    job.claim()

    moving = browser.get(f"/generation/jobs/{job.pk}/progress")
    GenerationJob.objects.update(state="succeeded", message="1 made, 1 refused")
    ended = browser.get(f"/generation/jobs/{job.pk}/progress")

    assert f"/pool/images/{image.pk}/thumbnail" in moving.content.decode()
    assert "The safety system refused." in moving.content.decode()
    assert "HX-Refresh" not in moving.headers
    assert ended.headers["HX-Refresh"] == "true"
    assert "hx-get" not in ended.content.decode()


def test_a_failed_job_shows_its_sentence_and_a_way_on(browser: Client, no_worker: list[Any]) -> None:
    job = make_job()
    GenerationJob.objects.update(state="failed", error="The API account has run out of quota.")

    page = browser.get(job.get_absolute_url()).content.decode()
    browser.post(f"/generation/jobs/{job.pk}/resume")

    assert "The API account has run out of quota." in page
    assert "Make the rest" in page
    job.refresh_from_db()
    assert (job.state, job.error) == ("queued", "")


def test_what_was_tried_again_stays_on_the_page_with_its_reason(
    browser: Client, no_worker: list[Any]
) -> None:
    job = make_job(total=2, state="failed")
    for index in (0, 1):
        GeneratedImage.objects.create(job=job, index=index, outcome="refused", reason="Moderated.")

    browser.post(f"/generation/jobs/{job.pk}/resume")

    page = browser.get(job.get_absolute_url()).content.decode()
    assert '<td>refused, tried again since</td><td>Moderated.</td><td class="number">2</td>' in page
    assert "<dt>Refused</dt><dd>0</dd>" in page


def test_a_job_is_cancelled_and_repeated_with_another_seed(
    browser: Client, researcher: User, no_worker: list[Any]
) -> None:
    job = make_job(seed=11)

    browser.post(f"/generation/jobs/{job.pk}/cancel")
    browser.post(f"/generation/jobs/{job.pk}/again")

    job.refresh_from_db()
    repeat = GenerationJob.objects.exclude(pk=job.pk).get()
    assert job.state == "cancelled"
    assert repeat.state == "queued"
    assert repeat.seed != job.seed
    assert (repeat.total, repeat.dataset, repeat.settings) == (job.total, job.dataset, job.settings)
    assert repeat.requested_by == researcher


def test_the_queue_asks_as_much_of_the_database_for_ten_jobs_as_for_one(
    browser: Client,
) -> None:
    job_with(1)
    browser.get("/generation/")  # the first request also notes when the session began
    with CaptureQueriesContext(connection) as one:
        browser.get("/generation/")

    for _ in range(9):
        job_with(6)
    with CaptureQueriesContext(connection) as ten:
        page = browser.get("/generation/").content.decode()

    assert len(ten) == len(one)
    assert page.count("× phantom") == 10
    assert page.count("/thumbnail") == 1 + 9 * LENGTH
    assert 'hx-trigger="every 2s"' in page


def test_a_job_asks_as_much_of_the_database_for_ten_images_as_for_one(browser: Client) -> None:
    few, many = job_with(1), job_with(10)
    browser.get(few.get_absolute_url())
    with CaptureQueriesContext(connection) as of_few:
        browser.get(few.get_absolute_url())

    with CaptureQueriesContext(connection) as of_many:
        page = browser.get(many.get_absolute_url()).content.decode()

    assert len(of_many) == len(of_few)
    assert page.count("/thumbnail") == 10
    assert "<dt>Near-copies</dt><dd>0</dd>" in page


def test_no_list_shows_an_image_of_a_dataset_that_the_person_may_not_see(
    browser: Client, researcher: User, admin: User
) -> None:
    job = job_with(2)
    GenerationJob.objects.filter(pk=job.pk).update(requested_by=researcher)
    job.dataset.memberships.all().delete()

    page = browser.get("/generation/").content.decode()

    assert job.get_absolute_url() in page
    assert "/thumbnail" not in page


def test_a_training_is_queued_from_a_preset_and_shows_its_curve(
    browser: Client, tmp_path: Path, no_worker: list[Any]
) -> None:
    dataset = make_dataset("Chests")
    make_image(dataset, label="normal")
    wish = {
        "name": "mine",
        "dataset": dataset.pk,
        "preset": "tiny",
        "by_finding": "on",
        "steps": 50,
        "seed": 1,
        "settings": 'objective = "v_prediction"\nsteps = 7',
    }

    assert browser.post("/generation/training/new/", wish).status_code == 302

    run = TrainingRun.objects.get()
    assert run.config["objective"] == "v_prediction"
    assert run.total == run.config["steps"] == 50
    assert [dict(kind) for kind in run.config["classes"]] == [{"modality": "xray", "label": "normal"}]
    TrainingRun.objects.update(state="running", curve=[[1, 1.0], [25, 0.4]], done=25)
    page = browser.get(run.get_absolute_url()).content.decode()
    assert reverse("generation:loss_figure", args=[run.pk]) in page
    assert "hx-get" in browser.get("/generation/training/").content.decode()


def test_a_training_that_waits_says_that_no_worker_serves_its_queue(browser: Client) -> None:
    dataset = make_dataset("Chests")
    make_image(dataset)
    preset = {"name": "mine", "dataset": dataset.pk, "preset": "tiny", "seed": 1}
    browser.post("/generation/training/new/", preset)

    run = TrainingRun.objects.get()
    page = browser.get(run.get_absolute_url()).content.decode()

    assert f"No worker for the queue “{run.queue}” has been seen yet." in page


def test_a_training_that_cannot_be_is_answered_on_the_form(browser: Client) -> None:
    dataset = make_dataset()
    make_run(dataset, "taken")
    wish = {"name": "taken", "dataset": dataset.pk, "preset": "tiny", "seed": 1}

    taken = browser.post("/generation/training/new/", wish)
    odd = browser.post("/generation/training/new/", {**wish, "name": "new", "size": 50})
    torn = browser.post("/generation/training/new/", {**wish, "name": "new", "settings": "steps ="})

    assert "There is a model of this name" in taken.content.decode()
    assert "size must be a multiple" in odd.content.decode()
    assert "cannot be read" in torn.content.decode()
    assert TrainingRun.objects.count() == 1


def test_a_run_is_stopped_and_goes_on(browser: Client, no_worker: list[Any]) -> None:
    run = make_run(make_dataset())

    browser.post(f"/generation/training/{run.pk}/cancel")
    run.refresh_from_db()
    assert run.state == "cancelled"
    browser.post(f"/generation/training/{run.pk}/resume")

    run.refresh_from_db()
    assert run.state == "queued"


def test_the_sample_strip_of_a_checkpoint_is_served(browser: Client, tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path)

    strip = browser.get(f"/generation/checkpoints/{checkpoint.pk}/samples.png")

    assert b"".join(strip) == b"png"
    assert strip.headers["Content-Type"] == "image/png"


def test_no_page_has_inline_script_or_style(browser: Client, tmp_path: Path) -> None:
    job, run = make_job(), make_run(make_dataset())
    make_checkpoint(tmp_path)

    for path in (
        "",
        "new/",
        "new/openai/",
        f"jobs/{job.pk}/",
        "training/",
        "training/new/",
        f"training/{run.pk}/",
    ):
        page = browser.get(f"/generation/{path}").content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert "<script>" not in page


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [({"total": 0}, False), ({"size": 5}, True), ({"total": 0, "seed": 3}, True)],
    ids=["fault of a first field", "fault of a folded field", "value in a folded field"],
)
def test_a_forms_folded_fields_are_open_where_one_has_a_fault_or_a_value(
    browser: Client, changes: dict[str, Any], is_open: bool
) -> None:
    wish = {
        "modality": "xray",
        "label": "normal",
        "total": 1,
        "new_dataset": "New",
        "size": 256,
        "priority": 0,
    }

    answer = browser.post("/generation/new/phantom/", wish | changes)

    assert answer.status_code == 422
    assert ('<details class="rare" open>' in answer.content.decode()) is is_open
    assert '<details class="rare">' in browser.get("/generation/new/phantom/").content.decode()
