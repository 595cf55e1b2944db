"""`lungrater jobs …`: what is queued, running, paused or done, and the same words to it that the pages have."""

from __future__ import annotations

import argparse
import json
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.images.forms.base import random_seed
from generation.images.forms.queue import STATES
from generation.models import GenerationJob
from jobs.command_line.options import Options
from jobs.workers.heartbeat import absent_workers
from pool.models import Dataset

BAD_ARGUMENT = 2
PRIORITIES = {priority.name.lower(): priority for priority in GenerationJob.Priority}
SHOWN = 50


class Command(BaseCommand):
    """Lists generation jobs, or does one thing to one of them."""

    help = "List generation jobs, or cancel one, let it go on, ask for it again, or change its priority."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="action", metavar="list|cancel|go-on|again|priority")
        listing = kinds.add_parser("list", help="the newest first (what you get without any word)")
        listing.add_argument("--state", choices=[state for state, _ in STATES if state])
        listing.add_argument("--engine", choices=GenerationJob.Engine.values)
        listing.add_argument("--dataset", metavar="NAME")
        listing.add_argument("--limit", type=int, default=SHOWN, metavar="N")
        cancel = kinds.add_parser("cancel", help="stop it; what is made stays")
        go_on = kinds.add_parser("go-on", help="let a paused, failed or cancelled job make what it lacks")
        go_on.add_argument("--spend-cap", type=_dollars, metavar="USD", help="pause at this many instead")
        again = kinds.add_parser("again", help="queue the same with another seed")
        again.add_argument("--seed", type=int, help="drawn where none is given")
        priority = kinds.add_parser("priority", help="who goes first among those that wait")
        for subparser in (cancel, go_on, again, priority):
            subparser.add_argument("job", type=int, metavar="JOB")
        priority.add_argument("priority", choices=PRIORITIES)
        for subparser in (parser, listing, cancel, go_on, again, priority):
            subparser.add_argument(
                "--json", action="store_true", help="print JSON", default=argparse.SUPPRESS
            )

    def handle(self, *args: Any, **options: Any) -> None:
        as_json, action = options.get("json", False), options["action"] or "list"
        if action == "list":
            self._list(options, as_json=as_json)
            return
        job = _job(options["job"])
        done = {"cancel": _cancel, "go-on": _resume, "again": _duplicate, "priority": _prioritise}[action](
            job, options
        )
        done.refresh_from_db()
        text = json.dumps(_row(done)) if as_json else f"Job {done.pk} is {done.state}: {done}."
        self.stdout.write(text)

    def _list(self, options: Options, *, as_json: bool) -> None:
        jobs = GenerationJob.objects.with_counts()
        if options.get("state"):
            jobs = jobs.active() if options["state"] == "active" else jobs.filter(state=options["state"])
        if options.get("engine"):
            jobs = jobs.filter(engine=options["engine"])
        if options.get("dataset"):
            if not Dataset.objects.filter(name=options["dataset"]).exists():
                raise CommandError(f"There is no dataset {options['dataset']!r}.", returncode=BAD_ARGUMENT)
            jobs = jobs.filter(dataset__name=options["dataset"])
        listed = jobs[: options.get("limit", SHOWN)]
        if as_json:
            self.stdout.write(json.dumps([_row(job) for job in listed]))
            return
        self.stdout.write("\n".join(map(_in_words, listed)) or "No job fits.")
        for sentence in absent_workers(GenerationJob.objects.queues_waiting()):
            self.stderr.write(sentence)


def _dollars(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError("an amount in US dollars, like 12.50") from None


def _job(pk: int) -> GenerationJob:
    job = GenerationJob.objects.with_counts().filter(pk=pk).first()
    if job is None:
        raise CommandError(f"There is no job {pk}.", returncode=BAD_ARGUMENT)
    return job


def _cancel(job: GenerationJob, _options: Options) -> GenerationJob:
    if not job.is_active and job.state != job.State.PAUSED:
        raise CommandError(f"Job {job.pk} is {job.state}; there is nothing to stop.")
    job.request_cancel()
    return job


def _resume(job: GenerationJob, options: Options) -> GenerationJob:
    if not job.resume(spend_cap=options["spend_cap"]):
        raise CommandError(f"Job {job.pk} is {job.state}; it needs no second start.")
    return job


def _duplicate(job: GenerationJob, options: Options) -> GenerationJob:
    repeat = job.duplicate(seed=random_seed() if options["seed"] is None else options["seed"])
    repeat.submit()
    return repeat


def _prioritise(job: GenerationJob, options: Options) -> GenerationJob:
    if not job.prioritise(PRIORITIES[options["priority"]]):
        raise CommandError(f"Job {job.pk} is {job.state}; its priority changes nothing any more.")
    return job


def _row(job: GenerationJob) -> dict[str, object]:
    counts = {name: getattr(job, f"{name}_count", None) for name in ("made", "failed", "refused")}
    return {
        "job": job.pk,
        "state": job.state,
        "priority": job.Priority(job.priority).name.lower(),
        "engine": job.engine,
        "model": job.model_name,
        "dataset": job.dataset.name,
        "total": job.total,
        "done": job.done,
        **{name: number for name, number in counts.items() if number is not None},
        "seed": job.seed,
        "spent": str(job.spent),
        "error": job.error,
        "asked_by": str(job.requested_by or ""),
        "asked_at": job.created_at.isoformat(timespec="seconds"),
    }


def _in_words(job: GenerationJob) -> str:
    line = f"{job.pk:>6}  {job.state:<9}  {job.done}/{job.total} × {job.model_name} into {job.dataset}"
    return f"{line}  ({job.error})" if job.error else line
