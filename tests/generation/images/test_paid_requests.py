"""What a job costs: the cap, the pauses, and requests whose answer never came."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from django.utils import timezone

from accounts.models import User
from generation.images import rate_limit, runner, spend_ledger
from generation.images.engines.openai_images import OpenAIImagesEngine
from generation.images.tasks import run_generation
from generation.models import GenerationJob
from jobs import models as pool_jobs
from jobs import tasks
from pool.canonical.pixels import decode_png
from tests.factories import make_image
from tests.generation.images.test_openai_images import QUICK
from tests.generation.images_api import HANG_UP, Answer, ImagesAPI, error, image_answer, serving
from tests.generation.makers import make_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_rings")]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImagesAPI]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with serving() as server:
        monkeypatch.setattr(
            runner,
            "engine_of",
            lambda job: OpenAIImagesEngine(
                job.api_model, base_url=server.url, patience=QUICK, pace=rate_limit.seconds_until_turn
            ),
        )
        yield server


def paid_job(**fields: Any) -> GenerationJob:
    given = {"engine": "openai", "api_model": "dall-e-2", "prompt": "x-ray", "price": Decimal("0.016")}
    return make_job(**{**given, "settings": {"size": "256x256"}, **fields})


def test_what_was_spent_counts_images_and_what_may_have_been_billed(api: ImagesAPI) -> None:
    job = paid_job(total=3)
    api.script = [HANG_UP, HANG_UP, error(400, "moderation_blocked")]

    job.perform()

    requests = len(api.asked)
    assert job.spent == Decimal("0.016") * (requests - 1)  # all but the refused one
    assert job.estimate == Decimal("0.048")


def test_the_cap_pauses_the_job_before_it_is_passed_and_a_higher_one_lets_it_go_on(api: ImagesAPI) -> None:
    job = paid_job(total=4, spend_cap=Decimal("0.04"))

    job.perform()

    assert (job.state, job.finished_at) == ("paused", None)
    assert job.error.startswith("The cap is reached: 0.0")
    assert len(api.asked) == job.outcomes.with_image().count() == 2
    GenerationJob.objects.update(spend_cap=1)
    job.resume()
    GenerationJob.objects.get().perform()
    assert len(api.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [error(401), error(429, "insufficient_quota"), error(404, "model_not_found"), error(403)],
    ids=["key", "quota", "model", "forbidden"],
)
def test_a_job_paused_for_its_key_quota_or_model_is_sent_by_nobody_until_a_person_says_so(
    api: ImagesAPI, answer: Answer, researcher: User, client_of: Callable[[User], Client]
) -> None:
    job = paid_job(total=3)
    job.outcomes.create(index=0, outcome="refused", reason="The server's safety system refused it.")
    api.script = [answer, answer]
    job.perform()
    api.script, asked = [], len(api.asked)

    GenerationJob.objects.update(
        created_at=timezone.now() - timedelta(days=1), heartbeat_at=timezone.now() - timedelta(days=1)
    )
    tasks.sweep_jobs()
    run_generation(job.pk)
    job.refresh_from_db()
    browser = client_of(researcher)
    page = browser.get(job.get_absolute_url()).content.decode()
    queue = browser.get("/generation/").content.decode()

    assert (job.state, len(api.asked)) == ("paused", asked)
    assert job.error in unescape(page)
    assert "Go on" in page
    assert "1 job is paused" in queue

    browser.post(f"/generation/jobs/{job.pk}/resume")
    GenerationJob.objects.get().perform()
    job.refresh_from_db()
    assert job.state == "succeeded"
    assert [one.outcome for one in job.outcomes.all()] == ["refused", "made", "made"]


def test_a_paused_job_can_be_cancelled(api: ImagesAPI) -> None:
    job = paid_job(total=1, spend_cap=Decimal("0.01"))
    job.perform()

    job.request_cancel()

    job.refresh_from_db()
    assert job.state == "cancelled"


def test_a_paid_image_that_found_no_room_counts_as_spent_and_the_job_goes_on_once_there_is(
    api: ImagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = paid_job(total=3)
    save = FileSystemStorage.save

    def full(*told: Any, **named: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "save", full)
    job.perform()
    lost = len(api.asked)

    assert job.state == "paused"
    assert "No space left on device" in job.error
    monkeypatch.setattr(FileSystemStorage, "save", save)
    job.resume()
    GenerationJob.objects.get().perform()
    job.refresh_from_db()
    assert (job.state, job.outcomes.with_image().count()) == ("succeeded", 3)
    assert job.spent == Decimal("0.016") * (lost + 3)


def test_a_request_that_lost_its_worker_counts_as_spent_and_is_repeated_once(api: ImagesAPI) -> None:
    job = paid_job(total=2)
    for _ in range(2):
        GenerationJob.objects.update(state="queued")
        dead = GenerationJob.objects.get()
        dead.claim()
        book = spend_ledger.Ledger(dead)
        book.open()
        book.before_sending(0)  # and then the worker is killed

    GenerationJob.objects.update(state="queued")
    GenerationJob.objects.get().perform()

    job.refresh_from_db()
    assert len(api.asked) == 1
    assert job.outcomes.get(index=0).reason == spend_ledger.LOST_TWICE
    assert job.spent == Decimal("0.016") * 3
    assert job.unanswered["sent"] == []


def test_a_worker_that_lost_its_job_sends_no_request_that_somebody_else_sends_too() -> None:
    job = paid_job(total=2)
    job.claim()
    book = spend_ledger.Ledger(job)
    GenerationJob.objects.update(state="queued")  # the sweep took it for dead

    with pytest.raises(pool_jobs.JobLostError):
        book.before_sending(0)

    job.refresh_from_db()
    assert job.unanswered == {}


def test_a_key_is_used_no_faster_than_it_may_be_and_is_stored_as_a_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_IMAGES_PER_MINUTE", "60")

    waits = [rate_limit.seconds_until_turn("sk-one") for _ in range(3)] + [
        rate_limit.seconds_until_turn("sk-two")
    ]

    assert waits == pytest.approx([0, 1, 2, 0], abs=0.3)
    from generation.models import KeyPace

    assert all("sk-" not in row.key for row in KeyPace.objects.all())


def test_an_edit_sends_the_real_image_itself_and_says_which_it_was(api: ImagesAPI) -> None:
    real = make_image()
    job = paid_job(total=1, api_model="gpt-image-2", settings={"size": "auto", "edit_of": str(real.pk)})
    api.script = [image_answer(side=64)]

    job.perform()

    assert job.state == "succeeded", job.error
    with real.file.open("rb") as file:
        stored = decode_png(file.read())
    assert np.array_equal(decode_png(api.asked[0].pop("image")), stored)
    assert api.asked[0]["prompt"] == "x-ray"
    image = job.outcomes.with_image().get().image
    assert image is not None
    assert image.origin == "synthetic"
    assert image.provenance["edit_of"] == str(real.pk)


def test_an_excluded_image_is_sent_to_nobody(api: ImagesAPI, researcher: User) -> None:
    real = make_image()
    job = paid_job(total=1, api_model="gpt-image-2", settings={"size": "auto", "edit_of": str(real.pk)})
    real.exclude("It shows a name.", by=researcher)

    job.perform()

    assert job.state == "failed"
    assert "excluded" in job.error
    assert api.asked == []


# --- Who is there to work -----------------------------------------------------------------------------------
