"""A job fills the pool image by image, resumes with what is missing, and keeps the full denominator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from psycopg.errors import DiskFull

from generation.images import runner
from generation.images.engines.protocol import EngineError, EngineImage, Refusal
from generation.images.image_flow import generated
from generation.images.spend_ledger import Ledger
from generation.models import GeneratedImage, GenerationJob
from jobs import sender, throttle
from jobs.models import JobLostError, JobNeedsRoomError
from pool.models import Origin
from pool.registers.image_flow import Flow
from tests.factories import make_dataset, make_image, make_pixels
from tests.generation.makers import ScriptedEngine, image_of, make_checkpoint, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedEngine]:
    """Let every job meet this engine."""

    def met(answer: Callable[[int], EngineImage | Refusal] | None = None) -> ScriptedEngine:
        scripted = ScriptedEngine(answer)
        monkeypatch.setattr(runner, "engine_of", lambda _job: scripted)
        monkeypatch.setattr(throttle, "SECONDS", 0)
        return scripted

    return met


def test_a_job_makes_its_images_with_seed_label_and_provenance() -> None:
    job = make_job(total=3, label="opacity", seed=4)

    job.perform()

    assert job.state == "succeeded"
    assert job.done == 3
    images = [one.image for one in job.outcomes.all()]
    assert len(images) == job.dataset.images.count() == 3
    for index, image in enumerate(images):
        assert image is not None
        assert image.label == "opacity"
        assert image.origin == Origin.SYNTHETIC
        assert image.provenance["engine"] == "phantom"
        assert image.provenance["job"] == job.pk
        assert image.provenance["index"] == index
        assert image.provenance["seed"] == str(job.outcomes.get(index=index).seed)


def test_a_drawing_is_of_an_imagined_patient_of_its_own_and_the_same_again_of_the_same() -> None:
    drawn, again = make_job(total=3, seed=7), make_job(total=3, seed=7)

    for job in (drawn, again):
        job.perform()

    patients = [
        list(job.dataset.images.order_by("pk").values_list("patient_key", flat=True))
        for job in (drawn, again)
    ]
    assert len(set(patients[0])) == 3
    assert all(patients[0])
    assert set(patients[0]) == set(patients[1])


def test_a_job_that_lost_its_worker_makes_only_what_is_missing(engine: Callable[..., ScriptedEngine]) -> None:
    job = make_job(total=5)

    def dies_at_three(index: int) -> EngineImage:
        if index == 3:
            raise KeyboardInterrupt  # as abrupt as a kill: nothing is tidied up
        return image_of(index)

    engine(dies_at_three)
    with pytest.raises(KeyboardInterrupt):
        job.perform()
    GenerationJob.objects.filter(pk=job.pk).update(state="queued")
    second = engine()
    GenerationJob.objects.get(pk=job.pk).perform()

    assert second.asked == [3, 4]
    job.refresh_from_db()
    assert job.state == "succeeded"
    assert job.attempts == 2
    assert list(job.outcomes.values_list("index", flat=True)) == [0, 1, 2, 3, 4]


def test_refused_failed_and_repeated_images_are_counted_with_their_reason(
    engine: Callable[..., ScriptedEngine],
) -> None:
    job = make_job(total=4)
    make_image(job.dataset, pixels=make_pixels(seed=77), source_name="there already")
    answers = {
        0: image_of(0),
        1: Refusal(1, None, "The safety system refused."),
        2: Refusal(2, None, "Cut short.", "failed"),
        3: EngineImage(3, 9, make_pixels(seed=77), {}),
    }
    engine(answers.__getitem__)

    job.perform()

    assert job.state == "succeeded"
    assert job.message == "1 duplicate, 1 failed, 1 made, 1 refused"
    assert [one.outcome for one in job.outcomes.all()] == ["made", "refused", "failed", "duplicate"]
    assert "there already" in job.outcomes.get(index=3).reason


def test_a_job_that_made_nothing_has_failed_and_says_why(engine: Callable[..., ScriptedEngine]) -> None:
    job = make_job(total=2)
    engine(lambda index: Refusal(index, None, "The safety system refused."))

    job.perform()

    assert job.state == "failed"
    assert job.error == "None of the 2 images was made. The safety system refused."


def test_an_engine_error_becomes_the_jobs_one_sentence(engine: Callable[..., ScriptedEngine]) -> None:
    job = make_job()

    def no_memory(_index: int) -> EngineImage:
        raise EngineError("One image at a time still needs more memory than there is.")

    engine(no_memory)

    job.perform()

    assert job.state == "failed"
    assert job.error == "One image at a time still needs more memory than there is."


def test_cancelling_stops_between_two_images_and_keeps_what_was_made(
    engine: Callable[..., ScriptedEngine],
) -> None:
    job = make_job(total=5)

    def cancel_at_one(index: int) -> EngineImage:
        if index == 1:
            GenerationJob.objects.get(pk=job.pk).request_cancel()
        return image_of(index)

    scripted = engine(cancel_at_one)
    job.perform()

    assert job.state == "cancelled"
    assert scripted.asked == [0, 1]
    assert job.outcomes.count() == job.dataset.images.count() == 2


def test_what_is_tried_again_stays_counted_with_its_reason(engine: Callable[..., ScriptedEngine]) -> None:
    job = make_job(total=4)
    answers: list[dict[int, EngineImage | Refusal]] = [
        {
            0: image_of(0),
            **{k: Refusal(k, None, "Moderated.") for k in (1, 2)},
            3: Refusal(3, None, "Busy.", "failed"),
        },
        {1: image_of(1), 2: Refusal(2, None, "Moderated."), 3: Refusal(3, None, "Busy.", "failed")},
        {2: image_of(2), 3: Refusal(3, None, "Moderated.")},
    ]
    flows = []
    for answer in answers:
        engine(answer.__getitem__)
        GenerationJob.objects.get().perform()
        flows.append(generated(job.dataset))
        GenerationJob.objects.update(state="failed")
        GenerationJob.objects.get().resume()

    assert flows == [
        Flow(4, refused=2, failed=1),
        Flow(7, refused=3, failed=2),
        Flow(9, refused=4, failed=2),
    ]
    for made, flow in enumerate(flows, start=1):
        assert flow.requested == made + flow.refused + flow.failed
    assert "To be tried again: 2 refused. Moderated." in [event.text for event in job.events.all()]


def test_a_worker_that_lost_the_job_writes_no_more(engine: Callable[..., ScriptedEngine]) -> None:
    job = make_job(total=3)
    job.claim()
    GenerationJob.objects.filter(pk=job.pk).update(attempts=2)

    with pytest.raises(JobLostError):
        runner._settle(job, image_of(0), Ledger(job))

    assert job.dataset.images.count() == 0


def test_a_full_disk_pauses_the_job_and_leaves_no_row_without_a_file(
    engine: Callable[..., ScriptedEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job()
    engine()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("django.core.files.storage.Storage.save", full)
    job.perform()

    assert (job.state, job.error) == ("paused", str(JobNeedsRoomError()))
    assert job.dataset.images.count() == job.outcomes.count() == 0


def test_a_full_disk_of_the_database_pauses_the_job_too(engine: Callable[..., ScriptedEngine]) -> None:
    job = make_job()

    def full(_index: int) -> EngineImage:
        raise OperationalError("could not extend file") from DiskFull()

    engine(full)
    job.perform()

    assert (job.state, job.error) == ("paused", str(JobNeedsRoomError()))


def test_a_failed_job_can_be_queued_again_for_what_it_lacks(
    engine: Callable[..., ScriptedEngine], django_capture_on_commit_callbacks: Any
) -> None:
    job = make_job(total=3)
    engine(lambda index: image_of(index) if index == 0 else Refusal(index, None, "Busy.", "failed"))
    job.perform()
    GenerationJob.objects.filter(pk=job.pk).update(state="failed")

    assert job.resume()
    assert not job.resume()
    second = engine()
    GenerationJob.objects.get(pk=job.pk).perform()

    assert second.asked == [1, 2]
    assert job.outcomes.filter(outcome="made").count() == 3


def test_what_failed_in_a_job_that_succeeded_can_be_tried_again_and_what_was_refused_stays(
    engine: Callable[..., ScriptedEngine],
) -> None:
    job = make_job(total=3)
    answers = {
        0: image_of(0),
        1: Refusal(1, None, "Moderated."),
        2: Refusal(2, None, "Busy.", "failed"),
    }
    engine(answers.__getitem__)
    job.perform()
    second = engine()

    assert job.resume()
    GenerationJob.objects.get().perform()

    assert second.asked == [2]
    assert [one.outcome for one in job.outcomes.all()] == ["made", "refused", "made"]
    assert not job.resume()


def test_a_diffusion_job_samples_its_checkpoint_and_names_it(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path)
    job = make_job(total=2, engine="diffusion", checkpoint=checkpoint, label="", settings={"steps": 2})

    job.perform()

    assert job.state == "succeeded"
    image = job.dataset.images.first()
    assert image is not None
    assert image.provenance["model"] == "tiny"
    assert image.provenance["checkpoint_sha256"] == checkpoint.sha256
    assert (image.width, image.height) == (16, 16)


def test_each_engine_waits_in_the_queue_of_its_hardware(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path)
    diffusion = make_job(engine="diffusion", checkpoint=checkpoint)
    api = make_job(engine="openai", api_model="dall-e-2", prompt="x-ray")

    assert [make_job().queue, diffusion.queue, api.queue] == ["cpu", "gpu", "api"]


def test_enqueueing_names_the_task_the_job_and_its_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, tuple[int], str]] = []
    monkeypatch.setattr(
        "jobs.enqueue.current_app.send_task",
        lambda task, args, queue, **_: sent.append((task, args, queue)),
    )
    job = make_job()

    job.enqueue()

    assert sender.drain(10)
    assert sent == [("generation.images.tasks.run_generation", (job.pk,), "cpu")]


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"engine": "diffusion"}, "generation_diffusion_has_checkpoint"),
        ({"engine": "openai", "prompt": "x"}, "generation_api_has_model_and_prompt"),
        ({"engine": "gan"}, "generation_engine_known"),
        ({"total": 0}, "generation_count_in_range"),
    ],
)
def test_the_database_refuses_a_job_that_cannot_be(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        make_job(**fields)


def test_the_database_refuses_a_second_outcome_and_one_without_image_or_reason() -> None:
    job = make_job()
    GeneratedImage.objects.create(job=job, index=0, outcome="failed", reason="Busy.")

    with pytest.raises(IntegrityError, match="once_per_index"), transaction.atomic():
        GeneratedImage.objects.create(job=job, index=0, outcome="failed", reason="Busy.")
    with pytest.raises(IntegrityError, match="image_or_reason"), transaction.atomic():
        GeneratedImage.objects.create(job=job, index=1, outcome="made")


def test_nothing_but_a_drawing_is_filed_as_real(tmp_path: Path) -> None:
    real = make_dataset(origin=Origin.REAL)

    make_job(dataset=real).full_clean()
    with pytest.raises(Exception, match="holds real images"):
        make_job(dataset=real, engine="openai", api_model="dall-e-2", prompt="x").full_clean()


def test_no_drawing_is_filed_among_patients_images() -> None:
    real = make_dataset(origin=Origin.REAL)
    make_image(real)

    with pytest.raises(Exception, match="holds patients' images"):
        make_job(dataset=real).full_clean()


def test_a_throttle_calls_no_more_often_than_it_must() -> None:
    beats: list[int] = []
    beat = throttle.Throttle(lambda: beats.append(1), seconds=60)

    for _ in range(5):
        beat()

    assert len(beats) == 1


def test_a_nul_from_a_server_ends_no_paid_job(engine: Callable[..., ScriptedEngine]) -> None:
    def answer(index: int) -> EngineImage | Refusal:
        if index == 0:
            return Refusal(0, None, "no\x00 \ud83d")
        facts = {"revised_prompt": "a chest\x00 x-ray \ud83d", "size": float("nan")}
        return EngineImage(index, None, make_pixels(), facts)

    engine(answer)
    job = make_job(total=3)

    job.perform()

    assert job.state == "succeeded"
    reasons = {one.index: one.reason for one in job.outcomes.all()}
    assert reasons == {0: "no \ufffd", 1: "", 2: ""}
    image = job.outcomes.get(index=1).image
    assert image is not None
    assert image.provenance["revised_prompt"] == "a chest x-ray \ufffd"
