"""What a job's bookkeeping adds to each image, and how a queue of thousands answers, on servers of its own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any


def with_database(jobs: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    from lungrater.embedded.running import running

    with running(who="bench"):
        call_command("migrate", verbosity=0)
        return {"bookkeeping_ms_per_image": bookkeeping(), **queue_of(jobs)}


def bookkeeping(images: int = 200, rounds: int = 5) -> float:
    """What a job adds to each image beyond storing it: outcome, progress, heartbeat, cancel and turn.

    Storing alone and a whole job take turns; the first turn of each only warms, of the rest it is the median.
    """
    from pool.models import Dataset

    def dataset(name: str) -> Dataset:
        return Dataset.objects.create(name=name, origin="synthetic", modality="xray")

    added = []
    for turn in range(rounds + 1):
        alone = _seconds_to_store(dataset(f"stored {turn}"), images)
        job_seconds = _seconds_of_a_job(dataset(f"job {turn}"), images)
        if turn:
            added.append((job_seconds - alone) / images * 1000)
    return round(statistics.median(added), 2)


def _seconds_to_store(dataset: Any, images: int) -> float:
    from pool.imports.store import add_image
    from tests.factories import make_pixels

    pixels = [make_pixels(side=128) for _ in range(images)]
    began = time.perf_counter()
    for each in pixels:
        add_image(dataset, each, provenance={})
    return time.perf_counter() - began


def _seconds_of_a_job(dataset: Any, images: int) -> float:
    from generation.images.engines.protocol import Answers, EngineImage
    from generation.images.runner import fill
    from generation.models import GenerationJob
    from tests.factories import make_pixels

    pixels = [make_pixels(side=128) for _ in range(images)]

    class Instant:
        def generate(self, request: Any, indices: Sequence[int]) -> Answers:
            for index in indices:
                request.heartbeat()
                request.may_stop()
                yield EngineImage(index, index, pixels[index], {})

    job = GenerationJob(engine="phantom", modality="xray", dataset=dataset, total=images)
    job.save()
    job.claim()
    began = time.perf_counter()
    fill(job, Instant())
    return time.perf_counter() - began


def queue_of(number: int) -> dict[str, float]:
    """Milliseconds to find and claim the next job, and for the queue's page, with so many waiting."""
    from django.db import connection
    from django.test import Client

    from accounts.models import User
    from accounts.roles import Role
    from generation.models import GenerationJob
    from pool.models import Dataset

    people = [User.objects.create_user(f"p{n}@bench.invalid", role=Role.RESEARCHER) for n in range(5)]
    dataset = Dataset.objects.get(name="job 1")
    GenerationJob.objects.bulk_create(
        (
            GenerationJob(
                engine="phantom", modality="xray", dataset=dataset, total=10, requested_by=people[n % 5]
            )
            for n in range(number)
        ),
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE generation_generationjob")
    claims = []
    for _ in range(50):
        began = time.perf_counter()
        job = GenerationJob.objects.next_in_turn("cpu")
        if job is None or not job.claim():
            raise SystemExit("No job was claimed.")
        claims.append((time.perf_counter() - began) * 1000)
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(people[0], backend="accounts.sign_in.backend.SignInBackend")
    pages = []
    for _ in range(6):
        began = time.perf_counter()
        answer = browser.get("/generation/")
        pages.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"The page answered {answer.status_code}.")
    return {
        "jobs": number,
        "claim_ms_median": round(statistics.median(claims), 2),
        "claim_ms_worst": round(max(claims), 2),
        "page_ms_median": round(statistics.median(pages[1:]), 1),
    }
