"""A machine whose clock is days behind: every stamp of an answer is the database's."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import Room
from tests.servers.sites import REPOSITORY, environment

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
SKEW = {"LD_PRELOAD": str(LIBRARY), "FAKETIME": "-3d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
STAMPS = """
    SELECT extract(epoch FROM now() - rating.rated_at), extract(epoch FROM now() - revision.saved_at),
        extract(epoch FROM now() - sitting.ended_at)
    FROM rating_presentation presentation
    JOIN rating_rating rating ON rating.presentation_id = presentation.id
    JOIN rating_ratingrevision revision ON revision.rating_id = rating.id
    JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id
    WHERE presentation.token = %s
"""

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed here.")


SAVE = """
from django.conf import settings
from django.test import Client
browser = Client(HTTP_HOST="localhost", HTTP_ACCEPT="application/json")
browser.cookies[settings.SESSION_COOKIE_NAME] = {session!r}
answer = {{"label": "real", "client_key": "{key}", "account": {account!r}}}
print("STATUS", browser.post({path!r}, answer).status_code)
"""


def test_an_answer_through_a_process_three_days_behind_is_of_now(room: Room) -> None:
    path = room.next_path()
    words = {"session": room.reader.session, "account": room.reader.account, "key": uuid.uuid4()}
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", SAVE.format(path=path, **words)]

    saved = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**environment(room.site.home), **SKEW},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "STATUS 200" in saved.stdout, saved.stderr
    with psycopg.connect(room.database, connect_timeout=10) as connection:
        ages = connection.execute(STAMPS, [path.split("/")[-2]]).fetchone()
    assert ages is not None
    assert all(0 <= float(age) < 120 for age in ages), ages


def test_the_clock_of_that_process_is_three_days_behind() -> None:
    """The control: what a process under the same library takes for now."""
    words = [sys.executable, "-c", "import time; print(time.time())"]
    skewed = subprocess.run(words, env={**os.environ, **SKEW}, capture_output=True, text=True, check=True)
    real = subprocess.run(words, capture_output=True, text=True, check=True)

    assert float(real.stdout) - float(skewed.stdout) == pytest.approx(3 * 86_400, abs=60)
