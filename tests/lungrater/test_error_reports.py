"""Errors of requests and jobs are reported with where they happened, and without a word that anybody typed."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from dataclasses import replace

import pytest
import sentry_sdk
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from generation.images.tasks import run_generation
from lungrater.apps import report_errors_to
from lungrater.error_reports import sending
from rating.reading.answer_form import AnswerForm
from tests.generation.makers import make_job
from tests.lungrater.sentry_server import reporting_to, sentry_server
from tests.lungrater.test_bounded_waits import listening, silent, trickling
from tests.rating.cast import open_study, presentations

REMARK, FILE, QUERY, COOKIE = "canary-remark", "canary-scan.dcm", "canary-query", "canary-cookie"
PARAMETER, PROMPT, KEY, LOGGED = "canary-parameter", "canary-prompt", "sk-canary-key", "canary-logged"
EMAIL, NAME = "canary-mail@example.org", "Canaryname"
ALL = [REMARK, FILE, QUERY, COOKIE, PARAMETER, PROMPT, KEY, LOGGED, EMAIL, NAME]


def fail_over(*words: str) -> None:
    """An error of the database that names a parameter, and one of ours that names everything else."""
    typed = list(words)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [PARAMETER])
    except Exception as error:
        raise RuntimeError(f"went wrong over {typed}") from error


@pytest.mark.django_db(transaction=True)
def test_an_error_of_a_request_is_reported_without_what_the_rater_typed(rater, monkeypatch):
    rater.email, rater.last_name = EMAIL, NAME
    rater.save()
    study = open_study(raters=[rater])
    image = presentations(study, rater)[0]
    client = Client(raise_request_exception=False)
    client.force_login(rater, backend="accounts.sign_in.backend.SignInBackend")
    client.cookies["other"] = COOKIE
    monkeypatch.setattr(
        AnswerForm, "is_valid", lambda form: fail_over(str(form.data), FILE, str(rater), rater.email)
    )

    with sentry_server() as sentry, reporting_to(sentry.dsn):
        answer = client.post(
            f"{reverse('rating:rate', args=[study.slug, image.token])}?q={QUERY}",
            {
                "account": str(rater.pk),
                "label": "fake",
                "remark": REMARK,
                "scan": SimpleUploadedFile(FILE, b"x"),
            },
        )
        sentry_sdk.flush(10)

    [event] = sentry.events()
    assert answer.status_code == 500
    assert event["tags"]["view"] == "rating:rate"
    assert len(event["tags"]["request"]) == 16
    assert len(event["user"]["id"]) == 12
    *causes, error = event["exception"]["values"]
    assert [cause["type"] for cause in causes] == ["InvalidTextRepresentation", "DataError"]
    assert error["type"] == "RuntimeError"
    assert error["stacktrace"]["frames"][-1]["function"] == "fail_over"
    assert leaks(sentry.bodies, image.token) == []


def leaks(bodies: list[bytes], *more: str) -> list[str]:
    return [word for word in [*ALL, *more] if any(word.encode() in body for body in bodies)]


@pytest.mark.django_db(transaction=True)
def test_an_error_of_a_job_is_reported_without_its_prompt_and_its_keys(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(
        "generation.images.runner.fill",
        lambda job: fail_over(str(job.settings), os.environ["OPENAI_API_KEY"]),
    )
    job = make_job(settings={"size": 32, "prompt": PROMPT})

    with sentry_server() as sentry, reporting_to(sentry.dsn):
        run_generation.apply(args=(job.pk,))
        sentry_sdk.flush(10)

    [event] = sentry.events()
    assert event["tags"]["job"] == str(job.pk)
    assert event["tags"]["name"] == "generation.images.tasks.run_generation"
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert leaks(sentry.bodies) == []


def test_of_a_logged_error_its_place_is_reported_and_not_its_words():
    with sentry_server() as sentry, reporting_to(sentry.dsn):
        logging.getLogger("a.room").error("no mail to %s of %s", EMAIL, LOGGED, extra={"remark": REMARK})
        logging.getLogger("a.room").warning(LOGGED)
        sentry_sdk.flush(10)

    [event] = sentry.events()
    assert event["logentry"]["formatted"].startswith("An error is logged by a.room, line ")
    assert leaks(sentry.bodies) == []


def test_neither_traces_nor_breadcrumbs_are_sent():
    with sentry_server() as sentry, reporting_to(sentry.dsn):
        with sentry_sdk.start_transaction(name=QUERY, sampled=True):
            sentry_sdk.add_breadcrumb(message=REMARK)
        logging.getLogger("a.room").error("broken")
        sentry_sdk.flush(10)

    assert len(sentry.events()) == len(sentry.bodies) == 1
    assert leaks(sentry.bodies) == []


@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [("nonsense", "SENTRY_DSN is an address like"), ("https://sentry.example.org/1", "SENTRY_DSN")],
)
def test_an_address_that_is_none_stops_the_start(dsn, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        report_errors_to(dsn)


def test_without_the_library_the_start_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    monkeypatch.delitem(sys.modules, "lungrater.error_reports.sending")

    with pytest.raises(ImproperlyConfigured, match=r"lungrater\[observe\]"):
        report_errors_to("https://key@sentry.example.org/1")


def test_a_report_has_an_end_however_slowly_the_server_answers(monkeypatch):
    monkeypatch.setattr(sending, "SENDING", replace(sending.SENDING, total_seconds=0.5))
    with listening(trickling) as port, reporting_to(f"http://key@127.0.0.1:{port}/1"):
        logging.getLogger("a.room").error("broken")
        began = time.monotonic()
        sentry_sdk.flush(10)

    assert time.monotonic() - began < 5


def nobody() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_frozen_or_dead_sentry_holds_up_nobody_and_its_queue_has_an_end():
    with listening(silent) as frozen:
        for port in (frozen, nobody()):
            with reporting_to(f"http://key@127.0.0.1:{port}/1"):
                began = time.monotonic()
                for number in range(3 * sending.QUEUE_LENGTH):
                    logging.getLogger("a.room").error("broken %s", number)
                waited = time.monotonic() - began

                assert waited < 3
                assert sentry_sdk.get_client().transport._worker._queue.qsize() <= sending.QUEUE_LENGTH
