"""Every kind of job names a task that a worker has."""

from jobs.tasks import job_kinds
from lungrater.celery import app


def test_a_worker_knows_the_task_of_every_kind_of_job():
    app.loader.import_default_modules()

    unknown = {kind.__name__: kind.task for kind in job_kinds() if kind.task not in app.tasks}

    assert not unknown
