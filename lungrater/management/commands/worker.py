"""`lungrater worker`: one more pair of hands, on this machine or another."""

import contextlib
import os
import signal
import socket
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from jobs.models import Job, shutting_down
from jobs.tasks import stay_present
from jobs.workers.next_job import perform_one_job
from lungrater.embedded import commands, redis
from lungrater.embedded.home import Home
from lungrater.embedded.migrate import refuse_newer_tables
from lungrater.embedded.urls import environment_value, redis_url


class Command(BaseCommand):
    help = (
        "Run one worker that takes jobs from the named queues: one at a time, or two where none is for a GPU."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queues",
            default=",".join(commands.QUEUES),
            help="which kinds of jobs, separated by commas (default: %(default)s)",
        )
        parser.add_argument(
            "--once",
            action="store_true",
            help="do the job that has waited longest, needing no broker, and end: with 1 where it did not succeed, with 0 where it waits again",
        )
        parser.add_argument("--name", help="a name no other worker has (default: from host and process)")

    def handle(self, *args: Any, **options: Any) -> None:
        queues = [queue.strip() for queue in options["queues"].split(",")]
        if unknown := set(queues) - set(commands.QUEUES):
            raise CommandError(
                f"There is no queue {', '.join(sorted(unknown))}: choose from {', '.join(commands.QUEUES)}.",
                returncode=2,
            )
        if options["once"]:
            self.work_once(queues)
            return
        if not environment_value("REDIS_URL") and not redis.answers(redis_url()):
            raise CommandError(
                f"No LungRater runs on {Home.from_environment().root}: start `lungrater up` there, "
                "or set DATABASE_URL and REDIS_URL to the site this worker is for."
            )
        with contextlib.suppress(DatabaseError):  # one that is away is waited for
            refuse_newer_tables()
        name = options["name"] or f"{os.getpid()}@{socket.gethostname()}"
        light = set(queues) <= set(commands.LIGHT_QUEUES)
        argv = commands.worker(name=name, queues=queues, at_once=commands.LIGHT_AT_ONCE if light else 1)
        os.execve(argv[0], argv, {**commands.WORKER_ENVIRONMENT, **os.environ})  # noqa: S606  (no shell is what is wanted)

    def work_once(self, queues: list[str]) -> None:
        refuse_newer_tables()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, leave_once)
        stay_present(queues)
        try:
            job = perform_one_job(queues)
        finally:
            shutting_down.set()
        if job is None:
            self.stdout.write(f"Nothing waits in {', '.join(queues)}.")
            return
        outcome = (
            f"{type(job)._meta.verbose_name} {job.pk}: {job.get_state_display()}. {job.error or job.message}"
        )
        if job.state not in {Job.State.SUCCEEDED, Job.State.QUEUED}:
            raise CommandError(outcome)
        self.stdout.write(outcome)


def leave_once(number: int, _frame: FrameType | None) -> None:
    """A job that can saves what it has, and waits again; a second signal ends the process as ever."""
    shutting_down.set()
    signal.signal(number, signal.SIG_DFL)
