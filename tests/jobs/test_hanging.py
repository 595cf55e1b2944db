"""Work that hangs: its process ends, whether or not the foreign code gives Python's lock back."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

import pytest

from jobs.models import Job, kept_alive
from jobs.workers import hanging
from tests.generation.makers import make_job

GUARD = """
from datetime import timedelta
from jobs.workers import hanging
hanging.LONGEST_SILENCE, hanging.REARMED_EVERY = timedelta(seconds=1), 0.2
hanging.guard_process()
"""
# The matcher of regular expressions is such code: it holds the lock, for longer here than anybody waits.
HOLDS_THE_LOCK = "import re, time; time.sleep(1.5); re.match('(a|a)+$', 'a' * 60 + 'b')"
WORKS_ON = "import time; time.sleep(2.5)"
ENDS_WITHIN = 60


def ended(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", GUARD + code], capture_output=True, text=True, timeout=ENDS_WITHIN, check=False
    )


def test_foreign_code_that_keeps_pythons_lock_ends_its_process_and_its_place_is_in_the_log() -> None:
    hung = ended(HOLDS_THE_LOCK)

    assert hung.returncode == 1
    assert "Timeout" in hung.stderr
    assert "re/__init__.py" in hung.stderr or "re.py" in hung.stderr


def test_a_process_whose_threads_go_on_is_let_work() -> None:
    assert ended(WORKS_ON).returncode == 0


def test_a_worker_ends_itself_by_its_own_hand_with_every_thread_in_the_log() -> None:
    hung = ended("hanging.end_process('TrainingRun 7')")

    assert hung.returncode == hanging.EXIT_CODE
    assert "thread" in hung.stderr


def test_elsewhere_nobody_is_ended() -> None:
    hanging.end_process("TrainingRun 7")


@pytest.mark.django_db(transaction=True)
def test_a_job_without_a_word_for_too_long_is_named_to_whoever_ends_its_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends: list[str] = []
    monkeypatch.setattr("jobs.models.HEARTBEAT_EVERY", timedelta(seconds=0.02))
    monkeypatch.setattr(hanging, "LONGEST_SILENCE", timedelta(seconds=0.3))
    monkeypatch.setattr(hanging, "end_process", ends.append)
    job: Job = make_job()

    with kept_alive(job):
        for _ in range(500):
            if ends:
                break
            time.sleep(0.02)

    assert ends == [f"GenerationJob {job.pk}"]
