"""What a monitor reads at /metrics, and who may."""

from __future__ import annotations

import re

import pytest
from django.db import OperationalError
from django.test import Client

from lungrater.monitoring import metrics
from lungrater.monitoring.signs_of_life import BACKUP, SignOfLife
from tests.generation.makers import make_job

pytestmark = pytest.mark.django_db


def text(**headers: str) -> str:
    return Client().get("/metrics", headers=headers).content.decode()


def value(page: str, name: str) -> float:
    """Of the one line that begins so."""
    (line,) = [line for line in page.splitlines() if line.startswith(name)]
    return float(line.rpartition(" ")[2])


def test_requests_are_counted_by_view_and_no_token_is_in_it() -> None:
    counted = 'lungrater_request_seconds_count{method="GET",status="404",view="rating:presented"}'
    before = [value(text(), counted)] if counted in text() else [0.0]

    Client().get("/i/s3cret-token")

    assert value(text(), counted) == before[0] + 1
    assert "s3cret" not in text()


def test_what_waits_is_told_by_queue_and_state() -> None:
    make_job(engine="phantom", total=1)

    page = text()

    assert value(page, 'lungrater_queue_waiting_jobs{queue="cpu"}') == 1
    assert value(page, 'lungrater_jobs{kind="GenerationJob",state="queued"}') == 1
    assert value(page, "lungrater_database_up") == 1


def test_a_failed_backup_leaves_the_time_of_the_last_good_one() -> None:
    SignOfLife.note(BACKUP)
    good = value(text(), 'lungrater_last_success_timestamp_seconds{part="backup"}')

    SignOfLife.note(BACKUP, problem="No room.")

    page = text()
    assert value(page, 'lungrater_last_success_timestamp_seconds{part="backup"}') == good
    assert value(page, 'lungrater_last_try_timestamp_seconds{part="backup"}') > good


def test_without_a_database_the_counts_of_requests_are_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError

    monkeypatch.setattr(metrics, "site_state", gone)

    page = text()

    assert value(page, "lungrater_database_up") == 0
    assert "lungrater_request_seconds_bucket" in page


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_nobody_from_outside_sees_it(header: str) -> None:
    assert Client().get("/metrics", headers={header: "for"}).status_code == 404
    assert Client(REMOTE_ADDR="10.0.0.7").get("/metrics").status_code == 404


def test_a_token_opens_it_from_anywhere_and_nothing_else_does(settings: pytest.FixtureRequest) -> None:
    settings.METRICS_TOKEN = "a word"  # type: ignore[attr-defined]  # pytest-django's settings take any name
    far = Client(REMOTE_ADDR="10.0.0.7")

    assert far.get("/metrics", headers={"Authorization": "Bearer a word"}).status_code == 200
    assert far.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
    assert Client().get("/metrics").status_code == 404


def test_in_production_nobody_sees_it_without_a_token(settings: pytest.FixtureRequest) -> None:
    settings.PRODUCTION = True  # type: ignore[attr-defined]  # pytest-django's settings take any name

    assert Client().get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a word"  # type: ignore[attr-defined]  # as above
    assert Client().get("/metrics", headers={"Authorization": "Bearer a word"}).status_code == 200


def test_every_line_is_as_the_text_format_wants_it() -> None:
    line = re.compile(r"# (HELP|TYPE) \w+ .*|\w+(\{[^}]*\})? [-+.\deE]+|\w+\{[^}]*\} \+Inf")

    assert all(line.fullmatch(each) for each in text().splitlines())
