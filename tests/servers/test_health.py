"""What /healthz says when a part is missing; that it is 200 on a whole site, test_up.py shows."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from generation.models import GenerationJob
from jobs.workers.heartbeat import WorkerHeartbeat, note_presence
from lungrater.deadlines.file_storage import StorageSilentError
from lungrater.deadlines.mail import MailSilentError
from lungrater.embedded.home import CannotStartError
from lungrater.embedded.migrate import migrate_if_needed
from lungrater.monitoring.health import _some_worker_answers, _state
from lungrater.monitoring.signs_of_life import BEAT, MAIL, SignOfLife
from pool.storage import durability
from tests.generation.makers import make_checkpoint, make_job


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    _some_worker_answers.cache_clear()
    _state.cache_clear()
    durability._reason.cache_clear()
    yield
    durability._reason.cache_clear()


@pytest.fixture
def everything_works(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers for every queue and the clock gave a sign just now."""
    monkeypatch.setattr("lungrater.monitoring.health._some_worker_answers", lambda _second: True)
    note_presence(["cpu", "api", "gpu"])
    SignOfLife.note(BEAT)


def backdate(model: type[WorkerHeartbeat] | type[SignOfLife], name: str, **ago: float) -> None:
    assert model.objects.filter(pk=name).update(at=timezone.now() - timedelta(**ago))


def test_a_missing_worker_is_named(client: Client, db: None) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["missing"] == ["worker", "worker for cpu", "beat"]


def test_health_is_told_in_numbers(client: Client, everything_works: None) -> None:
    SignOfLife.note(MAIL, problem="SMTPAuthenticationError")
    old = make_job()
    GenerationJob.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=1))
    make_job()

    answer = client.get("/healthz")
    told = answer.json()

    assert (answer.status_code, told["missing"]) == (200, [])
    assert told["queues"]["cpu"]["waiting"] == 2
    assert told["queues"]["gpu"] == {
        "waiting": 0,
        "oldest_seconds": None,
        "worker_seconds": pytest.approx(0, abs=9),
    }
    assert told["oldest_job_seconds"] == pytest.approx(3600, abs=9)
    assert told["beat_seconds"] < 9
    assert 0 < told["disk_free"] < 1
    assert told["last_mail"]["ok"] is False
    assert told["last_backup"] is None
    assert told["trail_guarded"] is False  # tests run as the owner of the tables


def test_a_light_worker_and_a_clock_that_are_gone_are_named(client: Client, everything_works: None) -> None:
    backdate(WorkerHeartbeat, "cpu", seconds=40)
    backdate(SignOfLife, BEAT, seconds=70)

    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["missing"] == ["worker for cpu", "beat"]


def test_a_worker_for_a_gpu_is_missed_only_where_jobs_wait_for_it(
    client: Client, everything_works: None, tmp_path: Path
) -> None:
    backdate(WorkerHeartbeat, "gpu", seconds=40)
    without_jobs = client.get("/healthz").json()["missing"]
    make_job(engine="diffusion", checkpoint=make_checkpoint(tmp_path))
    _state.cache_clear()

    assert (without_jobs, client.get("/healthz").json()["missing"]) == ([], ["worker for gpu"])


def test_a_job_that_waits_for_days_is_told(client: Client, everything_works: None) -> None:
    job = make_job()
    GenerationJob.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(days=3))

    assert client.get("/healthz").json()["missing"] == ["progress: a job has waited for more than a day"]


def test_a_disk_nearly_full_is_told(
    client: Client, everything_works: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "jobs.disk_space.shutil.disk_usage", lambda _folder: SimpleNamespace(total=100, free=9)
    )

    told = client.get("/healthz").json()

    assert (told["missing"], told["disk_free"]) == (["disk"], 0.09)


@override_settings(CELERY_BROKER_URL="redis+socket:///nowhere/redis.sock")
def test_ratings_are_taken_without_a_broker_and_without_workers(client: Client, db: None) -> None:
    ready = client.get("/readyz")

    assert (ready.status_code, ready.json()) == (200, {"ok": True, "missing": []})


def test_the_process_that_serves_lives_without_a_database(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OperationalError("no such server")

    with monkeypatch.context() as without_database:
        without_database.setattr(connection, "_cursor", refuse)
        alive, ready = client.get("/livez"), client.get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["missing"] == ["database"]


def test_no_rating_is_taken_by_a_database_that_may_lose_it(client: Client, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "synchronous_commit=off" in answer.json()["missing"][0]


def test_code_older_than_its_tables_refuses(client: Client, db: None) -> None:
    MigrationRecorder(connection).record_applied("rating", "9999_of_the_future")

    answer = client.get("/readyz")

    assert answer.json()["missing"] == ["code as new as the database"]
    with pytest.raises(CannotStartError, match=r"by a newer LungRater \(it has rating\.9999_of_the_future"):
        migrate_if_needed()


def test_tables_that_are_not_up_to_date_take_no_ratings(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lungrater.monitoring.health._tables_were_up_to_date", False)
    newest = MigrationLoader(connection).graph.leaf_nodes("lungrater")[0]
    MigrationRecorder(connection).record_unapplied(*newest)

    assert client.get("/readyz").json()["missing"] == ["tables up to date"]


def test_a_database_that_is_away_is_told_in_one_sentence(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32

    def refuse() -> None:
        raise OperationalError("no such server")

    with monkeypatch.context() as without_database:
        without_database.setattr(connection, "_cursor", refuse)
        page = client.get("/reading/")
        data = client.get("/reading/", headers={"accept": "application/json"})

    assert (page.status_code, page["Retry-After"]) == (503, "30")
    assert "The database does not answer just now." in page.content.decode()
    assert (data.status_code, data.json()["error"].split(".")[0]) == (
        503,
        "The database does not answer just now",
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 507),
        (StorageSilentError(), 503),
        (MailSilentError(), 503),
        (KeyError("a fault of ours"), 500),
    ],
)
def test_an_outage_is_told_apart_from_a_fault(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    client.raise_request_exception = False

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("lungrater.monitoring.health.missing_parts", broken)

    assert client.get("/healthz").status_code == status


@override_settings(CELERY_BROKER_URL="redis+socket:///nowhere/redis.sock")
def test_a_missing_broker_is_named_with_the_worker_it_hides(client: Client, db: None) -> None:
    answer = client.get("/healthz")

    assert answer.json()["missing"][:2] == ["broker", "worker"]


def test_a_missing_database_is_named(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("no such server")

    with monkeypatch.context() as without_database:
        without_database.setattr(connection, "_cursor", refuse)
        answer = client.get("/healthz")

    assert answer.status_code == 503
    assert "database" in answer.json()["missing"]


def test_our_own_database_keeps_what_it_acknowledges(db: None) -> None:
    assert durability.why_not_durable() is None


def test_a_database_that_may_lose_ratings_is_named_with_the_setting(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")

    reason = durability.why_not_durable()

    assert reason == (
        "Ratings cannot be taken: the database runs with synchronous_commit=off, so it may lose what it has "
        "acknowledged. Switch that on in PostgreSQL and try again."
    )


def test_the_database_is_not_asked_before_every_rating(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            durability.why_not_durable()

    assert len(asked) <= 2  # two, where the ten seconds end between the calls
