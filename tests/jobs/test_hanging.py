"""Work that hangs: its process ends, whether or not the foreign code gives Python's lock back."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from types import SimpleNamespace

import psutil
import pytest

from jobs.models import Job, kept_alive
from jobs.workers import hang_watch, hanging
from tests.generation.makers import make_job

SILENCE = 1.0
GUARD = f"""
from datetime import timedelta
from jobs.workers import hanging
hanging.LONGEST_SILENCE, hanging.REARMED_EVERY = timedelta(seconds={SILENCE}), 0.2
hanging.guard_process()
"""
SAYS_THAT_IT_BEGINS = "print('begins', flush=True)\n"
# The matcher of regular expressions is such code: it holds the lock, for longer here than anybody waits.
HOLDS_THE_LOCK = "import re, time; time.sleep(1.5); re.match('(a|a)+$', 'a' * 60 + 'b')"
WORKS_ON = "import time; time.sleep(2.5)"
KILLS_ITS_WATCH = """
import os, psutil, time
def watch(besides=0):
    while True:
        for child in psutil.Process().children():
            if child.status() != psutil.STATUS_ZOMBIE and child.pid != besides:
                return child.pid
        time.sleep(0.02)
first = watch()
os.kill(first, 9)
print(first, watch(besides=first))
"""
ENDS_WITHIN = 60
FIRST_OF_ITS_OWN = ("unshare", "--pid", "--fork", "--kill-child")


def may_be_first() -> bool:
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run([*FIRST_OF_ITS_OWN, "true"], check=False).returncode
    )


def ended(code: str, *, inside: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*inside, sys.executable, "-c", GUARD + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=ENDS_WITHIN, check=False)


def test_foreign_code_that_keeps_pythons_lock_ends_its_process_and_its_place_is_in_the_log() -> None:
    hung = ended(HOLDS_THE_LOCK)

    assert hung.returncode == -signal.SIGKILL
    assert hung.stderr.count("Timeout") == hanging.STRIKES
    assert "re/__init__.py" in hung.stderr or "re.py" in hung.stderr


@pytest.mark.skipif(
    not may_be_first(), reason="this machine lets nobody here be the first process of their own"
)
def test_the_first_process_of_a_container_ends_too_which_nobody_in_it_can_kill() -> None:
    hung = ended(HOLDS_THE_LOCK, inside=FIRST_OF_ITS_OWN)

    assert hung.returncode == hang_watch.ENDS_ITSELF


def test_a_process_whose_threads_go_on_is_let_work() -> None:
    assert ended(WORKS_ON).returncode == 0


def test_a_process_that_was_suspended_for_longer_goes_on_when_it_is_let() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", GUARD + SAYS_THAT_IT_BEGINS + WORKS_ON], stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    worker.send_signal(signal.SIGSTOP)
    time.sleep(2 * SILENCE)
    worker.send_signal(signal.SIGCONT)
    worker.communicate(timeout=ENDS_WITHIN)

    assert worker.returncode == 0


def test_a_watch_that_was_ended_is_started_again_and_ends_with_its_worker() -> None:
    done = ended(KILLS_ITS_WATCH)
    first, second = map(int, done.stdout.split())
    deadline = time.monotonic() + ENDS_WITHIN
    while psutil.pid_exists(second) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert (done.returncode, first != second) == (0, True)
    assert not psutil.pid_exists(second)


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


@pytest.mark.django_db(transaction=True)
def test_time_in_which_its_process_was_suspended_is_no_silence_of_a_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every clock goes on meanwhile, and the heart does not beat."""
    ends: list[str] = []
    clock = SimpleNamespace(monotonic=time.monotonic)
    monkeypatch.setattr("jobs.models.HEARTBEAT_EVERY", timedelta(seconds=0.02))
    monkeypatch.setattr(hanging, "end_process", ends.append)
    monkeypatch.setattr("jobs.models.time", clock)
    job: Job = make_job()

    with kept_alive(job):
        clock.monotonic = lambda: time.monotonic() + 10 * hanging.LONGEST_SILENCE.total_seconds()
        time.sleep(0.3)

    assert ends == []
