"""Every kind of job names a task that a worker has, and the task's module a runner, which its first job loads."""

import subprocess
import sys

from jobs.tasks import job_kinds
from jobs.workers.runners import runner_of
from lungrater.celery import app

START = """
import sys
from lungrater.celery import app
app.loader.import_default_modules()
print(*(name for name in {names!r} if name in sys.modules))
"""
OF_SOME_JOBS = (
    *("torch", "diffusers", "scipy.stats", "scipy.ndimage", "scipy.linalg", "statsmodels", "sklearn"),
    *("pydicom", "matplotlib", "typst", "pandas", "nibabel", "onnxruntime"),
)


def test_a_worker_knows_the_task_of_every_kind_of_job():
    app.loader.import_default_modules()

    unknown = {kind.__name__: kind.task for kind in job_kinds() if kind.task not in app.tasks}

    assert not unknown


def test_every_kind_of_job_has_a_runner():
    assert all(callable(runner_of(kind)) for kind in job_kinds())


def test_a_worker_starts_without_reading_the_pages_or_what_only_some_jobs_need():
    program = START.format(names=("jobs.tasks", "lungrater.urls", *OF_SOME_JOBS))

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["jobs.tasks"]
