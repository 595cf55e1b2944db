"""A job whose workers go away: queued again, and given up only when nothing gets on."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs.models import MOST_DEATHS, STALE_AFTER
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

    for _ in range(MOST_DEATHS):
        assert job.state == "queued"
        its_worker_dies(job, after=0)

    assert job.state == "failed"
    assert "stopped without a word" in job.error


def test_a_job_that_gets_on_between_restarts_is_never_given_up():
    job = ImportJob.objects.create(dataset=make_dataset())

    for restart in range(1, 3 * MOST_DEATHS):
        its_worker_dies(job, after=restart)

    assert job.state == "queued"
