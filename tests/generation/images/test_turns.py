"""Whose turn it is, what a job may cost, and what its log and its pages say of that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from generation.images import runner
from generation.images.engines.protocol import EngineImage, Refusal
from generation.images.tasks import run_generation
from generation.models import GenerationJob
from jobs import models as pool_jobs
from jobs import tasks, throttle
from jobs.workers import heartbeat
from tests.generation.makers import ScriptedEngine, image_of, make_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_rings")]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    scripted = ScriptedEngine()
    monkeypatch.setattr(runner, "engine_of", lambda _job: scripted)
    monkeypatch.setattr(throttle, "SECONDS", 0)
    return scripted


def order_of_service() -> list[int]:
    served = []
    while job := GenerationJob.objects.serve("cpu"):
        served.append(job.pk)
    return served


def test_people_take_turns_however_much_one_of_them_has_queued(
    engine: ScriptedEngine, researcher: User, admin: User
) -> None:
    first, second, third = (make_job(total=1, requested_by=researcher).pk for _ in range(3))
    late = make_job(total=1, requested_by=admin).pk

    assert order_of_service() == [first, late, second, third]


def test_whose_turn_it_is_is_found_without_reading_all_that_wait(
    researcher: User, admin: User, rater: User
) -> None:
    first = make_job(requested_by=researcher)
    wish = {name: getattr(first, name) for name in ("engine", "modality", "dataset", "total")}
    people = (researcher, admin, None)
    waiting = [GenerationJob(**wish, requested_by=people[n % 3]) for n in range(1500)]
    GenerationJob.objects.bulk_create(waiting)
    plans: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE generation_generationjob")
        # Whether the index serves, not what a planner thinks so few rows cost.
        cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as asked:
            found = GenerationJob.objects.next_in_turn("cpu")
        for query in asked.captured_queries:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plans.append("\n".join(row[0] for row in cursor.fetchall()))

    assert found == first
    assert len(plans) == 5
    people_waiting, oldest_of_one = plans[1], plans[-1]
    assert "generation_turns" in people_waiting
    assert "generation_turns" in oldest_of_one


def test_somebody_never_served_goes_before_the_command_line_and_the_last_served_after_it(
    engine: ScriptedEngine, researcher: User, admin: User
) -> None:
    ours = [make_job(total=1, requested_by=who).pk for who in (None, None, researcher, researcher, admin)]

    assert order_of_service() == [ours[2], ours[4], ours[0], ours[3], ours[1]]


def test_the_more_urgent_goes_first_and_other_queues_are_left_alone(
    engine: ScriptedEngine, researcher: User
) -> None:
    low, normal, high = (make_job(total=1, priority=priority).pk for priority in (-1, 0, 1))
    make_job(engine="openai", api_model="m", prompt="x", priority=1)

    assert order_of_service() == [high, normal, low]
    assert GenerationJob.objects.waiting().count() == 1


def test_a_bell_serves_whose_turn_it_is(engine: ScriptedEngine) -> None:
    rung, urgent = make_job(total=1), make_job(total=1, priority=1)

    run_generation(rung.pk)

    urgent.refresh_from_db()
    rung.refresh_from_db()
    assert (urgent.state, rung.state) == ("succeeded", "queued")


def test_after_its_turn_a_long_job_steps_aside_and_later_makes_only_the_rest(
    engine: ScriptedEngine, researcher: User, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "TURN_CHECK", 0)
    monkeypatch.setattr("generation.images.models.TURN", 0)
    long = make_job(total=3, requested_by=researcher)
    monkeypatch.setattr(
        engine,
        "generate",
        lambda request, indices: _polite(engine, request, indices),
    )
    other = make_job(total=1, requested_by=admin)

    assert order_of_service() == [long.pk, other.pk, long.pk]

    long.refresh_from_db()
    assert long.state == "succeeded"
    assert sorted(engine.asked) == [0, 0, 1, 2]  # the other job's only image, and each of this one's once
    assert long.worker_losses == 0


def _polite(engine: ScriptedEngine, request: Any, indices: list[int]) -> Iterator[EngineImage | Refusal]:
    for number, index in enumerate(indices):
        if number:
            request.may_stop()
        yield from ScriptedEngine.generate(engine, request, [index])


def test_a_preview_makes_four_and_then_all_the_rest_with_the_same_seeds(
    engine: ScriptedEngine, researcher: User, client_of: Callable[[User], Client]
) -> None:
    browser = client_of(researcher)
    wish = {"modality": "xray", "label": "normal", "total": 6, "new_dataset": "D", "size": 32, "seed": 3}
    browser.post("/generation/new/phantom/", {**wish, "preview": "on"})
    job = GenerationJob.objects.get()
    job.perform()

    page = browser.get(job.get_absolute_url()).content.decode()
    browser.post(f"/generation/jobs/{job.pk}/resume", {"total": 6})
    GenerationJob.objects.get().perform()

    assert "Make the other 2" in page
    assert engine.asked == [0, 1, 2, 3, 4, 5]
    job.refresh_from_db()
    assert (job.state, job.total, job.full_total) == ("succeeded", 6, None)


def test_a_preview_that_was_paused_goes_on_and_still_offers_the_rest(engine: ScriptedEngine) -> None:
    job = make_job(total=4, full_total=100)
    GenerationJob.objects.update(state="paused", error="There is no key.")

    assert job.resume()
    GenerationJob.objects.get().perform()

    job.refresh_from_db()
    assert (job.state, job.total, job.full_total) == ("succeeded", 4, 100)


def test_the_log_says_who_asked_what_happened_and_where(engine: ScriptedEngine, researcher: User) -> None:
    job = make_job(total=1)
    job.requested_by = researcher
    job.submit()
    job.perform()
    job.request_cancel(by=researcher)

    lines = [(event.text, event.by) for event in job.events.all()]

    assert lines[0] == (f"Queued: {job}.", researcher)
    assert lines[1][0].startswith("Started on ")
    assert lines[2][0] == "Succeeded. 1 made"


def test_a_database_that_went_away_sends_the_job_back_into_the_queue(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(total=2)

    def gone(index: int) -> EngineImage:
        if index:
            raise OperationalError("server closed the connection unexpectedly")
        return image_of(index)

    engine.answer = gone
    monkeypatch.setattr("jobs.models.connection.is_usable", lambda: False)
    job.perform()

    assert (job.state, job.error) == ("queued", "")
    assert job.outcomes.count() == 1


def test_a_database_that_is_there_and_refuses_ends_the_job(engine: ScriptedEngine) -> None:
    job = make_job(total=2)

    def refused(_index: int) -> EngineImage:
        raise OperationalError("could not extend file: No space left on device")

    engine.answer = refused
    with pytest.raises(OperationalError):
        job.perform()

    assert job.state == "failed"
    assert "No space left" in job.error


def test_a_worker_busy_with_one_long_thing_keeps_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[str] = []
    job = make_job()
    job.claim()
    monkeypatch.setattr(pool_jobs, "HEARTBEAT_EVERY", timedelta(milliseconds=5))

    def update(_rows: Any, **given: Any) -> int:
        beats.extend(given)
        return 1

    monkeypatch.setattr(type(GenerationJob.objects.all()), "update", update)
    monkeypatch.setattr("jobs.models.connection.close", lambda: None)

    with pool_jobs.kept_alive(job):
        deadline = time.monotonic() + 5
        while len(beats) < 2 and time.monotonic() < deadline:
            time.sleep(0.001)  # a long thing without a word

    assert set(beats) == {"heartbeat_at"}


def test_an_image_of_one_even_colour_is_filtered_and_counted(engine: ScriptedEngine) -> None:
    job = make_job(total=2)
    blank = EngineImage(0, 1, np.zeros((8, 8), np.uint8), {})
    engine.answer = lambda index: image_of(index) if index else blank

    job.perform()

    assert [one.outcome for one in job.outcomes.all()] == ["filtered", "made"]


def test_generation_stops_before_the_disk_is_full(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"total": 100 * 2**30, "free": 9 * 2**30})
    monkeypatch.setattr("jobs.disk_space.shutil.disk_usage", lambda _folder: usage)
    job = make_job()

    job.perform()

    assert job.state == "paused"
    assert "less than a tenth" in job.error
    assert engine.asked == []


def test_a_page_says_since_when_no_worker_has_been_seen(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    make_job()
    browser = client_of(researcher)
    never = browser.get("/generation/").content.decode()
    heartbeat.note_presence(["cpu"])
    present = browser.get("/generation/").content.decode()
    heartbeat.WorkerHeartbeat.objects.update(at=timezone.now() - timedelta(hours=3))
    gone = browser.get("/generation/").content.decode()

    assert "No worker for the queue “cpu” has been seen yet." in never
    assert "No worker" not in present
    assert "No worker for the queue “cpu” has been seen since" in gone


def test_the_sweep_rings_no_more_once_enough_bells_lie_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []
    make_job()
    GenerationJob.objects.update(created_at=timezone.now() - timedelta(hours=1))
    monkeypatch.setattr(GenerationJob, "enqueue", lambda job: rung.append(job.pk))

    monkeypatch.setattr(tasks, "messages_waiting", lambda _queue: 0)
    tasks.sweep_jobs()
    monkeypatch.setattr(tasks, "messages_waiting", lambda _queue: tasks.MOST_MESSAGES)
    tasks.sweep_jobs()

    assert len(rung) == 1
