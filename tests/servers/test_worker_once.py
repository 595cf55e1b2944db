"""`lungrater worker --once`: the job that has waited longest, done where no broker answers, and the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from generation.models import GenerationJob
from lungrater.embedded.urls import database_url
from tests.generation.makers import make_job
from tests.servers.sites import COMMAND_ENDS_WITHIN, REPOSITORY

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def once(home: Path) -> subprocess.CompletedProcess[str]:
    ours = urlsplit(database_url())._replace(path=f"/{connection.settings_dict['NAME']}")
    nobody = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    return subprocess.run(
        [sys.executable, "manage.py", "worker", "--once", "--queues", "cpu"],
        cwd=REPOSITORY,
        env={**os.environ, **nobody, "DATABASE_URL": urlunsplit(ours), "LUNGRATER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=COMMAND_ENDS_WITHIN,
        check=False,
    )


def test_one_job_is_done_whole_the_next_fails_in_words_and_then_nothing_waits(tmp_path: Path) -> None:
    drawn, broken = make_job(total=2), make_job(total=2)
    GenerationJob.objects.filter(pk=broken.pk).update(settings={"size": -1})

    ends = [once(tmp_path / "home") for _ in range(3)]

    assert [end.returncode for end in ends] == [0, 1, 0], ends
    assert f"{drawn.pk}: Succeeded." in ends[0].stdout
    assert f"{broken.pk}: Failed." in ends[1].stderr
    assert "Traceback" not in ends[1].stderr.splitlines()[-1]
    assert ends[2].stdout == "Nothing waits in cpu.\n"
    drawn.refresh_from_db()
    assert (drawn.state, drawn.done) == ("succeeded", 2)
