"""Every kind of job names a task that a worker has."""

import subprocess
import sys

from jobs.tasks import job_kinds
from lungrater.celery import app

START = """
import sys
from lungrater.celery import app
app.loader.import_default_modules()
print("jobs.tasks" in sys.modules, "lungrater.urls" in sys.modules)
"""


def test_a_worker_knows_the_task_of_every_kind_of_job():
    app.loader.import_default_modules()

    unknown = {kind.__name__: kind.task for kind in job_kinds() if kind.task not in app.tasks}

    assert not unknown


def test_a_worker_starts_without_reading_the_pages():
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "False"]
