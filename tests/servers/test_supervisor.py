"""The supervisor on small real processes: start, answer, crash, stop, and being killed itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lungrater.embedded.home import CannotStart
from lungrater.embedded.supervisor import Service, Supervisor, end_leftovers


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(logs=tmp_path, register=tmp_path / "processes.json")
    yield supervisor
    supervisor.stop(*supervisor.names(), seconds=0)


def script(folder: Path, name: str, body: str) -> Service:
    """A service that runs `body`, and answers once that has written the file `name`.ready."""
    ready = folder / f"{name}.ready"
    code = textwrap.dedent(body).replace("READY", f"open({str(ready)!r}, 'a').write(f'{{os.getpid()}}\\n')")
    argv = [sys.executable, "-c", f"import os, signal, subprocess, sys, time\n{code}"]
    return Service(name, argv, answers=ready.exists)


def pids(service: Service, folder: Path) -> list[int]:
    return [int(line) for line in (folder / f"{service.name}.ready").read_text().split()]


def eventually(true: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)


def mend_until(supervisor: Supervisor, true: Callable[[], bool]) -> list[str]:
    said: list[str] = []

    def mended() -> bool:
        said.extend(supervisor.mend())
        return true()

    eventually(mended)
    return said


def test_stop_lets_a_process_finish_what_it_is_doing(supervisor: Supervisor, tmp_path: Path) -> None:
    service = script(
        tmp_path,
        "polite",
        """
        def finish(*_):
            time.sleep(0.2)
            print("finished", flush=True)
            sys.exit()
        signal.signal(signal.SIGTERM, finish)
        READY
        time.sleep(60)
        """,
    )
    supervisor.start(service)
    supervisor.wait_until_answers(service, seconds=10)

    supervisor.stop("polite", seconds=5)

    assert (tmp_path / "polite.log").read_text() == "finished\n"


def test_stop_ends_a_deaf_process_and_its_children_by_force(supervisor: Supervisor, tmp_path: Path) -> None:
    service = script(
        tmp_path,
        "deaf",
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid, flush=True)
        READY
        time.sleep(60)
        """,
    )
    supervisor.start(service)
    supervisor.wait_until_answers(service, seconds=10)
    [deaf] = pids(service, tmp_path)
    grandchild = int((tmp_path / "deaf.log").read_text())

    began = time.monotonic()
    supervisor.stop("deaf", seconds=0.2)

    assert time.monotonic() - began < 2
    assert not psutil.pid_exists(deaf)
    eventually(lambda: is_gone(grandchild))


def test_a_crashed_process_is_started_again_with_growing_pauses(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    service = script(tmp_path, "fragile", "READY\ntime.sleep(60)")
    supervisor.start(service)
    supervisor.wait_until_answers(service, seconds=10)

    os.kill(pids(service, tmp_path)[-1], signal.SIGKILL)
    said = mend_until(supervisor, lambda: len(pids(service, tmp_path)) == 2)
    first, second = pids(service, tmp_path)
    os.kill(second, signal.SIGKILL)
    died = time.monotonic()
    said += mend_until(supervisor, lambda: len(pids(service, tmp_path)) == 3)

    assert first != second
    assert said == ["fragile ended with code -9; starting it again."] * 2
    assert time.monotonic() - died > 0.4  # twice the first pause


def test_a_process_that_ends_while_starting_is_named_with_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    service = script(tmp_path, "broken", "sys.exit(3)")
    supervisor.start(service)

    with pytest.raises(CannotStart, match=r"^broken ended with code 3 while starting: see .*broken\.log\.$"):
        supervisor.wait_until_answers(service, seconds=10)


def test_a_process_that_never_answers_is_named(supervisor: Supervisor, tmp_path: Path) -> None:
    service = script(tmp_path, "mute", "time.sleep(60)")
    supervisor.start(service)

    with pytest.raises(CannotStart, match="mute did not answer within 0 s"):
        supervisor.wait_until_answers(service, seconds=0.1)


def start_and_be_killed(folder: Path, *, hook: bool) -> int:
    """The pid of a service whose supervisor was killed with -9."""
    code = f"""
        import os, signal, sys, time
        from pathlib import Path
        from lungrater.embedded import supervisor as module
        if not {hook}:
            module._libc = None  # as on macOS
        folder = Path({str(folder)!r})
        supervisor = module.Supervisor(logs=folder, register=folder / "processes.json")
        ready = folder / "orphan.ready"
        argv = [sys.executable, "-c", f"import time; open({{str(ready)!r}}, 'w'); time.sleep(60)"]
        service = module.Service("orphan", argv, answers=ready.exists)
        supervisor.start(service)
        supervisor.wait_until_answers(service, seconds=10)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    [[_name, pid, _created, _signal]] = json.loads((folder / "processes.json").read_text())
    return int(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    orphan = start_and_be_killed(tmp_path, hook=True)

    eventually(lambda: is_gone(orphan))


def test_the_next_start_ends_what_a_killed_supervisor_has_left(tmp_path: Path) -> None:
    orphan = start_and_be_killed(tmp_path, hook=False)
    assert not is_gone(orphan)

    end_leftovers(tmp_path / "processes.json")

    eventually(lambda: is_gone(orphan))


def test_a_stranger_with_a_leftovers_number_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        register = tmp_path / "processes.json"
        register.write_text(json.dumps([["stranger", stranger.pid, 1.0, int(signal.SIGTERM)]]))

        end_leftovers(register)

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def is_gone(pid: int) -> bool:
    """Ended, whether or not its adopter has taken notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
