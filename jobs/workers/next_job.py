"""One job for a process that came for one: where a cluster's own queue starts the process, no broker need ring."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import merge
from operator import attrgetter

from jobs.models import Job, shutting_down
from jobs.tasks import job_kinds


def perform_one_job(queues: Collection[str]) -> Job | None:
    """Do jobs of these queues in their turns until one of them has ended, or this process is told to end; None where none waits.

    A job that steps aside for others is no end: whoever starts a process for each job would start one too few.
    """
    job = perform_next_job(queues)
    while job and job.state == Job.State.QUEUED and not shutting_down.is_set():
        job = perform_next_job(queues)
    return job


def perform_next_job(queues: Collection[str]) -> Job | None:
    """Do the job of these queues that has waited longest, or whose turn it is before it; None where none waits for a worker.

    A job that others took meanwhile, or that waits for an earlier one itself, is passed over.
    """
    for job in _waiting(queues):
        if (in_turn := job.in_turn()) and in_turn.perform():
            in_turn.refresh_from_db()
            return in_turn
    return None


def _waiting(queues: Collection[str]) -> Iterator[Job]:
    """The longest waiting first, over all kinds."""
    kinds = [kind.objects.waiting().order_by("created_at", "pk") for kind in job_kinds()]
    for job in merge(*kinds, key=attrgetter("created_at")):
        if job.queue in queues:
            yield job
