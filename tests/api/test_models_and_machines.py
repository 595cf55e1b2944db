"""By program: checkpoints go out and come back, images of a job are reviewed, machines read, statements are written."""

from __future__ import annotations

import io
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from accounts.models import SiteSettings, User
from generation.models import Checkpoint, GenerationJob, TrainingRun
from lungrater.machines.models import MachineReading
from rating.models import Study
from tests.api.callers import act_header, caller, post
from tests.factories import make_dataset, make_image
from tests.rating.cast import draft_study, frozen_study, open_study

pytestmark = pytest.mark.django_db
AT = "/api/v1"


@pytest.fixture
def model() -> Checkpoint:
    """The last of two checkpoints of a tiny run."""
    dataset = make_dataset("Slices", modality="ct")
    for _ in range(3):
        make_image(dataset)
    tiny = ["size=16", "widths=[8, 16]", "head_dim=8", "steps=4", "batch=2", "warmup=1", "checkpoint_every=2"]
    call_command("train", "--dataset=Slices", "--name=mine", "--set", *tiny, stdout=io.StringIO())
    return Checkpoint.objects.get(name="mine@4")


def test_a_checkpoint_goes_out_as_a_pipelines_folder_and_comes_back_the_same(researcher, model):
    program = caller(researcher)

    content = pipeline(program, model.pk)
    back = program.post(
        f"{AT}/checkpoints", {"name": "theirs", "file": SimpleUploadedFile("model.zip", content)}
    )
    listed = [row["name"] for row in program.get(f"{AT}/checkpoints").json()["results"]]

    assert back.status_code == 201
    assert (back.json()["name"], back.json()["run_id"]) == ("theirs", None)
    assert weights(pipeline(program, back.json()["id"])) == weights(content)
    assert {"theirs", "mine@4", "mine@2"} <= set(listed)


def pipeline(program: Client, key: int) -> bytes:
    answer: Any = program.get(f"{AT}/checkpoints/{key}/pipeline.zip")
    return b"".join(answer.streaming_content)


def weights(content: bytes) -> dict[str, bytes]:
    """By the name inside the pipeline's folder."""
    with ZipFile(io.BytesIO(content)) as archive:
        files = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    assert "model_index.json" in files
    return {name: file for name, file in files.items() if name.endswith(".safetensors")}


def test_a_zip_that_is_no_model_is_refused_in_the_forms_words_and_a_checkpoint_takes_a_name(
    researcher,
):
    run = TrainingRun.objects.create(name="Run", dataset=make_dataset(), total=1)
    description: Any = {"format": "lungrater-diffusion-1", "step": 1, "config": {}}
    model = Checkpoint.store("Run@1", description, b"weights", run=run)
    program = caller(researcher)
    file = SimpleUploadedFile("model.zip", b"nothing")

    refused = program.post(f"{AT}/checkpoints", {"name": "theirs", "file": file})
    named = post(program, f"{AT}/checkpoints/{model.pk}/name", {"name": "Lungs at four steps"})

    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["file"])
    assert named.json()["name"] == "Lungs at four steps"


def test_an_image_of_a_job_is_left_out_and_kept_and_the_job_repeated(researcher):
    job = GenerationJob.objects.create(engine="phantom", dataset=make_dataset(), modality="xray", total=1)
    image = make_image(job.dataset)
    job.outcomes.create(index=0, outcome="made", image=image)
    program, at = caller(researcher), f"{AT}/generation-jobs/{job.pk}"

    unsaid = post(program, f"{at}/reviews", {"index": 0, "decision": "leave_out"})
    out = post(program, f"{at}/reviews", {"index": 0, "decision": "leave_out", "reason": "Text in it."})
    (row,) = program.get(f"{at}/images").json()["results"]
    again = post(program, f"{at}/again", idempotency_key="k")
    same = post(program, f"{at}/again", idempotency_key="k")
    more = post(program, f"{AT}/images/{image.pk}/more")

    assert unsaid.status_code == 422
    assert out.json()["excluded_reason"] == row["excluded_reason"] == "Text in it."
    assert again.json() == same.json()
    assert (again.status_code, again.json()["total"], more.json()["total"]) == (202, 1, 8)
    assert GenerationJob.objects.count() == 3


def test_a_machine_reads_an_open_study_alone_and_is_stopped(researcher, rater):
    study, frozen = open_study("Open", raters=[rater]), frozen_study("Frozen")
    program, body = caller(researcher), {"model": "gpt-4o"}

    early = post(program, f"{AT}/studies/{frozen.slug}/machine-readings", body)
    begun = post(program, f"{AT}/studies/{study.slug}/machine-readings", body)
    twice = post(program, f"{AT}/studies/{study.slug}/machine-readings", body)
    stopped = post(program, f"{AT}/machine-readings/{begun.json()['id']}/cancel")

    assert early.status_code == twice.status_code == 422
    assert "machines rate while a study is open" in early.json()["detail"]
    assert "reading the study already" in twice.json()["detail"]
    assert (begun.status_code, begun.json()["study"]) == (202, study.slug)
    assert stopped.json()["state"] == "cancelled"
    assert MachineReading.objects.get().requested_by == researcher


def test_statements_are_written_by_topic_and_the_others_stay(researcher):
    study, program = draft_study(), caller(researcher)
    at = f"{AT}/studies/{study.slug}/statements"
    study.statements.create(topic="funding", text="Nobody paid.")

    program.patch(at, {"ethics": "Approved, 12/34."}, content_type="application/json")
    program.patch(at, {"funding": None}, content_type="application/json")

    rows = {row["topic"]: row for row in program.get(at).json()}
    assert {topic for topic, row in rows.items() if row["text"]} == {"ethics"}
    assert rows["ethics"]["text"] == "Approved, 12/34."
    assert rows["ethics"]["asked_for"]


def test_a_draft_goes_with_a_reason_and_a_frozen_study_does_not(researcher):
    draft, frozen, program = draft_study("Draft"), frozen_study("Frozen"), caller(researcher)

    gone = post(program, f"{AT}/studies/{draft.slug}/remove", {"reason": "Made twice."})
    stays = post(program, f"{AT}/studies/{frozen.slug}/remove", {"reason": "Made twice."})

    assert (gone.status_code, stays.status_code) == (204, 404)
    assert list(Study.objects.all()) == [frozen]


def test_an_admin_asks_for_a_backup_where_there_is_a_place_for_it(
    admin, settings, monkeypatch, django_capture_on_commit_callbacks
):
    tasks: list[str] = []
    monkeypatch.setattr(
        "lungrater.monitoring.health_page.enqueue", lambda task, _asked_at: tasks.append(task)
    )
    settings.BACKUP_URL = ""

    nowhere = post(caller(admin), f"{AT}/backups")
    settings.BACKUP_URL = "file:///backups"
    with django_capture_on_commit_callbacks(execute=True):
        queued = post(caller(admin), f"{AT}/backups")

    assert (nowhere.status_code, queued.status_code) == (409, 202)
    assert tasks == ["lungrater.backup.tasks.make_backup_now"]


def test_settings_and_erasure_want_an_act_token(admin, rater):
    program, act = caller(admin), {"act_token": act_header(admin)["act-token"]}
    body = {"address": rater.email, "reason": "They asked for it."}

    unproven = program.patch(f"{AT}/settings", {"grace_days": 3}, content_type="application/json")
    program.patch(
        f"{AT}/settings",
        {"grace_days": 3},
        content_type="application/json",
        headers={"act-token": act["act_token"]},
    )
    without = post(program, f"{AT}/people/{rater.uuid}/erase", body)
    wrong = post(program, f"{AT}/people/{rater.uuid}/erase", body | {"address": "x@example.org"}, **act)
    done = post(program, f"{AT}/people/{rater.uuid}/erase", body, **act)

    assert (unproven.status_code, without.status_code) == (403, 403)
    assert SiteSettings.current().grace_days == 3
    assert (wrong.status_code, done.status_code) == (422, 200)
    assert User.objects.get(pk=rater.pk).erased_at is not None
