"""A process that came for one job: which one, and what it leaves to others."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from django.utils import timezone

from generation.models import GenerationJob
from jobs.models import Job, JobStepsAsideError, shutting_down
from jobs.workers.next_job import perform_next_job, perform_one_job
from pool.models import ImportJob
from tests.generation.makers import make_checkpoint, make_job

pytestmark = pytest.mark.django_db
Kind = TypeVar("Kind", bound=Job)


@pytest.fixture
def performed(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs whose work was done, which is nothing here."""
    jobs: list[Job] = []
    monkeypatch.setattr("jobs.models.runner_of", lambda _kind: jobs.append)
    return jobs


def waiting_for(job: Kind, **time: float) -> Kind:
    type(job).objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(**time))
    return job


def test_the_one_that_has_waited_longest_of_all_kinds_is_done_and_no_other(performed: list[Job]) -> None:
    drawn = waiting_for(make_job(), hours=1)
    imported = waiting_for(ImportJob.objects.create(dataset=drawn.dataset), hours=2)

    done = perform_next_job(["cpu"])

    assert (done, performed) == (imported, [imported])
    assert (done.state, GenerationJob.objects.get().state) == ("succeeded", "queued")


def test_jobs_of_other_queues_are_left_to_others(performed: list[Job], tmp_path: Path) -> None:
    waiting_for(make_job(engine="diffusion", checkpoint=make_checkpoint(tmp_path)), hours=9)

    assert perform_next_job(["training", "cpu"]) is None
    assert performed == []


def test_among_images_the_more_urgent_goes_before_the_older(performed: list[Job]) -> None:
    waiting_for(make_job(), hours=2)
    urgent = make_job()
    GenerationJob.objects.filter(pk=urgent.pk).update(priority=GenerationJob.Priority.HIGH)

    assert perform_next_job(["cpu"]) == urgent


def test_one_that_another_worker_has_just_taken_is_passed_over(
    performed: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = waiting_for(make_job(), hours=1)
    waiting_for(ImportJob.objects.create(dataset=drawn.dataset), hours=2)
    monkeypatch.setattr(ImportJob, "claim", lambda _self: False)

    assert perform_next_job(["cpu"]) == drawn


def stepping_aside(monkeypatch: pytest.MonkeyPatch, times: int) -> list[Job]:
    """Jobs are begun, the first few times to step aside; which, in that order."""
    begun: list[Job] = []

    def run(job: Job) -> None:
        begun.append(job)
        if len(begun) <= times:
            raise JobStepsAsideError("Others go first.")

    monkeypatch.setattr("jobs.models.runner_of", lambda _kind: run)
    return begun


def test_whoever_came_for_one_job_goes_on_until_one_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = make_job()
    begun = stepping_aside(monkeypatch, times=2)

    done = perform_one_job(["cpu"])

    assert (done, begun) == (drawn, [drawn] * 3)
    assert done is not None
    assert (done.state, done.attempts) == ("succeeded", 3)


def test_whoever_came_for_one_job_and_is_told_to_end_leaves_it_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = make_job()
    stepping_aside(monkeypatch, times=9)
    shutting_down.set()
    try:
        left = perform_one_job(["cpu"])
    finally:
        shutting_down.clear()

    assert left == drawn
    assert left is not None
    assert (left.state, left.message) == ("queued", "Others go first.")
