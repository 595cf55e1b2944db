"""A job whose workers go away: queued again, and given up only when nothing gets on."""

import threading
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs.models import MOST_WORKER_LOSSES, STALE_AFTER, JobLostError
from pool.models import ImportJob
from tests.factories import make_dataset

pytestmark = pytest.mark.django_db


def its_worker_dies(job: ImportJob, *, after: int) -> None:
    assert job.claim()
    job.beat(done=after)
    ImportJob.objects.filter(pk=job.pk).update(heartbeat_at=Now() - STALE_AFTER - timedelta(seconds=1))
    ImportJob.objects.requeue_stale()
    job.refresh_from_db()


def test_a_job_that_kills_every_worker_is_given_up():
    job = ImportJob.objects.create(dataset=make_dataset())

    for _ in range(MOST_WORKER_LOSSES):
        assert job.state == "queued"
        its_worker_dies(job, after=0)

    assert job.state == "failed"
    assert "stopped without a word" in job.error


def test_a_job_that_gets_on_between_restarts_is_never_given_up():
    job = ImportJob.objects.create(dataset=make_dataset())

    for restart in range(1, 3 * MOST_WORKER_LOSSES):
        its_worker_dies(job, after=restart)

    assert job.state == "queued"


def test_of_two_workers_one_gets_the_job():
    job = ImportJob.objects.create(dataset=make_dataset())
    first, second = (ImportJob.objects.get(pk=job.pk) for _ in range(2))

    won = [first.claim(), second.claim()]

    assert won == [True, False]
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("running", 1)


def test_a_worker_whose_job_was_taken_over_is_told_at_its_next_heartbeat():
    job = ImportJob.objects.create(dataset=make_dataset())
    slow, fast = (ImportJob.objects.get(pk=job.pk) for _ in range(2))
    its_worker_dies(slow, after=3)
    assert fast.claim()

    slow.attempts = 1  # what the slow worker still believes
    with pytest.raises(JobLostError):
        slow.beat(done=4, message="of the first worker")

    fast.beat(done=5)
    job.refresh_from_db()
    assert (job.attempts, job.done) == (2, 5)
    assert job.message != "of the first worker"


@pytest.mark.parametrize("early", [True, False])
def test_when_its_worker_is_told_to_end_a_job_that_can_leave_waits_for_the_next(monkeypatch, early):
    job = ImportJob.objects.create(dataset=make_dataset())
    monkeypatch.setattr(ImportJob, "leaves_early", early)
    monkeypatch.setattr("jobs.models.runner_of", lambda _kind: lambda job: job.beat(done=1))
    over = threading.Event()
    monkeypatch.setattr("jobs.models.shutting_down", over)
    over.set()

    job.perform()

    job.refresh_from_db()
    assert (job.state, job.done) == ("queued" if early else "succeeded", 1)
