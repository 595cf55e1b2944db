"""A worker that may have no more memory: the job fails in words, the worker lives and does the next."""

from __future__ import annotations

import json
import resource

import psutil

from tests.faults.conftest import Room
from tests.servers.sites import Table, lungrater

ENDS_WITHIN = 90.0
ROOM = 8 * 2**20  # beyond what it has; one of the arrays of a large drawing is four times that
QUEUE = """
import json
from generation.models import GenerationJob
from pool.models import Dataset
dataset, _ = Dataset.objects.get_or_create(
    name="Narrow", defaults={{"origin": "synthetic", "modality": "xray"}})
job = GenerationJob(dataset=dataset, modality="xray", engine="phantom", total=2, seed={seed}, settings={{"size": {size}}})
job.submit()
print("JOB", json.dumps(job.pk))
"""


def queued(room: Room, *, size: int, seed: int) -> int:
    done = lungrater(room.site.home, "shell", "-v", "0", "-c", QUEUE.format(size=size, seed=seed))
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout.split("JOB")[1]))


def test_a_job_without_memory_fails_in_words_and_the_same_worker_makes_the_next(room: Room) -> None:
    table, pid = Table(room.site), room.site.pid_of("worker-light")
    worker = psutil.Process(pid)
    before = queued(room, size=2048, seed=1)
    table.wait(before, lambda job: job[0] == "succeeded", ENDS_WITHIN)  # the control: there is memory for it

    worker.rlimit(resource.RLIMIT_AS, (worker.memory_info().vms + ROOM, -1))
    try:
        narrow = queued(room, size=2048, seed=2)
        table.wait(narrow, lambda job: job[0] == "failed", ENDS_WITHIN)
    finally:
        worker.rlimit(resource.RLIMIT_AS, (-1, -1))
    small = queued(room, size=64, seed=3)
    table.wait(small, lambda job: job[0] == "succeeded", ENDS_WITHIN)

    assert "memory" in table.job(narrow)[3].lower()
    assert room.site.pid_of("worker-light") == pid
