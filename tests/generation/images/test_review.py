"""Looking at what was made: kept or left out by name and reason, on a sheet, beside another model."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Pillow

from accounts.models import User
from generation.models import GenerationJob
from tests.generation.makers import job_with, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(researcher: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
    return client_of(researcher)


def test_each_decision_leads_to_the_next_image_nobody_has_looked_at(
    browser: Client, researcher: User
) -> None:
    job = job_with(3)
    address = f"/generation/jobs/{job.pk}/review"

    first = browser.get(address).content.decode()
    page = browser.post(address, {"index": 0, "decision": "keep"}, follow=True).content.decode()
    why = {"index": 1, "decision": "leave_out", "reason": "broken anatomy"}
    left_out = browser.post(address, why, follow=True).content.decode()

    assert 'name="index" value="0"' in first
    assert 'name="index" value="1"' in page
    assert 'name="index" value="2"' in left_out
    assert "2 of 3 looked at" in left_out
    one, two, three = job.outcomes.with_image()
    assert one.image.excluded_reason == ""
    assert (two.image.excluded_reason, two.image.excluded_by) == ("broken anatomy", researcher)
    assert (one.reviewed_by, two.reviewed_by, three.reviewed_by) == (researcher, researcher, None)
    assert job.events.get().text == "Image 1 was left out: broken anatomy."
    assert job.dataset.images.count() == 3


def test_leaving_out_wants_a_reason_and_can_be_taken_back(browser: Client, researcher: User) -> None:
    job = job_with(1)
    address = f"/generation/jobs/{job.pk}/review"

    without = browser.post(address, {"index": 0, "decision": "leave_out"})
    browser.post(address, {"index": 0, "decision": "leave_out", "other_reason": "a ring"})
    browser.post(address, {"index": 0, "decision": "keep"})

    assert without.status_code == 422
    assert "Say why it is left out." in without.content.decode()
    assert job.outcomes.with_image().get().image.excluded_reason == ""
    assert [event.text for event in job.events.all()] == [
        "Image 0 was left out: a ring.",
        "Image 0 was taken back in (a ring).",
    ]
    assert "All 1 images have been looked at" in browser.get(address).content.decode()


def test_the_queue_and_the_job_count_what_was_left_out(browser: Client, researcher: User) -> None:
    job = job_with(2)
    job.outcomes.with_image().first().review(by=researcher, leave_out_for="text in the image")

    assert "2 made, 1 of them left out" in browser.get("/generation/").content.decode()
    assert "<dt>Left out since</dt><dd>1</dd>" in browser.get(job.get_absolute_url()).content.decode()


def test_a_contact_sheet_shows_every_image_once(browser: Client) -> None:
    job = job_with(12)

    answer = browser.get(f"/generation/jobs/{job.pk}/sheet.png")

    with Pillow.open(BytesIO(answer.content)) as sheet:
        assert sheet.format == "PNG"
        assert sheet.size == (10 * 200 + 8, 2 * 220 + 8)
        assert sheet.getpixel((8 + 96, 8 + 96)) != 255 or sheet.getpixel((8 + 90, 8 + 90)) != 255


def test_a_job_page_says_what_each_image_is_told_and_names_settings_in_words(browser: Client) -> None:
    job = job_with(1)
    specs = [{"prompt": "left plate", "label": "", "attributes": {"sex": sex}} for sex in "FM"]
    GenerationJob.objects.filter(pk=job.pk).update(
        image_specs=specs, settings={"attribute_guidance": "text:2", "priced_by": "x"}
    )

    page = browser.get(job.get_absolute_url()).content.decode()

    assert "left plate, sex F<br>left plate, sex M" in page
    assert "<dt>Attribute guidance</dt><dd>text:2</dd>" in page


def test_two_jobs_are_compared_image_by_image(browser: Client) -> None:
    left, right = job_with(3, seed=7), job_with(2, seed=7)

    page = browser.get(f"/generation/compare/?left={left.pk}&right={right.pk}").content.decode()

    assert "from the same seed: 2 pairs" in page
    shared = [one.image_id for job in (left, right) for one in job.outcomes.with_image()[:2]]
    assert all(f"/pool/images/{image}/file" in page for image in shared)


def test_more_like_this_asks_the_same_model_for_that_prompt_with_another_seed(
    browser: Client, researcher: User
) -> None:
    job = job_with(2, seed=7)

    browser.post(f"/generation/images/{job.outcomes.get(index=1).image_id}/more")

    more = GenerationJob.objects.exclude(pk=job.pk).get()
    assert (more.prompt, more.label, more.total) == ("prompt 1", "opacity", 8)
    assert more.seed != job.seed
    assert more.requested_by == researcher
    assert browser.post(f"/generation/images/{uuid.uuid4()}/more").status_code == 404


def test_the_queue_is_filtered_by_state_and_engine(browser: Client) -> None:
    make_job(total=11)
    GenerationJob.objects.update(state="failed", error="x")
    make_job(total=22)

    failed = browser.get("/generation/?state=failed").content.decode()
    none = browser.get("/generation/?engine=openai").content.decode()

    assert "11 × phantom" in failed
    assert "22 × phantom" not in failed
    assert "No job fits." in none


def wish(**changes: object) -> dict[str, object]:
    api = {"api_model": "dall-e-2", "modality": "xray", "size": "256x256", "total": 4, "new_dataset": "D"}
    return {**api, **changes}


def test_a_template_and_a_price_become_a_balanced_job_with_an_estimate(browser: Client) -> None:
    template = "chest x-ray, {finding:normal|opacity}"

    browser.post("/generation/new/openai/", wish(prompt=template, spend_cap="5"))

    job = GenerationJob.objects.get()
    assert [one["label"] for one in job.image_specs] == ["normal", "opacity"]
    assert f"{job.price} {job.spend_cap} {job.estimate}" == "0.0160 5.00 0.0640"
    assert (
        "of about US$0.06 for all; pauses at US$5.00" in browser.get(job.get_absolute_url()).content.decode()
    )


def test_prompts_come_from_a_csv_file(browser: Client) -> None:
    file = SimpleUploadedFile("list.csv", b"prompt,label\nPA,normal\nAP,opacity\n")

    browser.post("/generation/new/openai/", wish(prompt_list=file))

    job = GenerationJob.objects.get()
    assert job.prompt == "2 prompts of list.csv"
    assert [one["prompt"] for one in job.image_specs] == ["PA", "AP"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": "{view}"}, "Say what {view} may be"),
        ({"prompt": "x", "api_model": "m", "size": "", "spend_cap": "1"}, "Without a price"),
        ({"prompt": "x", "edit_of": str(uuid.uuid4())}, "does not edit images"),
    ],
)
def test_what_cannot_be_asked_of_the_api_is_said_on_the_form(
    browser: Client, changes: dict[str, object], words: str
) -> None:
    answer = browser.post("/generation/new/openai/", wish(**changes))

    assert answer.status_code == 422
    assert words in answer.content.decode()
