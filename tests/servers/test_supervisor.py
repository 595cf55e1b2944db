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

from lungrater.embedded.home import CannotStartError
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
    return Service(name, argv, answers=lambda: ready.exists() and bool(ready.read_text()))


def pids(service: Service, folder: Path) -> list[int]:
    return [int(line) for line in (folder / f"{service.name}.ready").read_text().split()]


def eventually(true: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)


def mend_until(supervisor: Supervisor, true: Callable[[], bool]) -> list[str]:
    sentences: list[str] = []

    def mended() -> bool:
        sentences.extend(supervisor.mend())
        return true()

    eventually(mended)
    return sentences


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
    sentences = mend_until(supervisor, lambda: len(pids(service, tmp_path)) == 2)
    first, second = pids(service, tmp_path)
    os.kill(second, signal.SIGKILL)
    died = time.monotonic()
    sentences += mend_until(supervisor, lambda: len(pids(service, tmp_path)) == 3)

    assert first != second
    assert sentences == ["fragile ended with code -9; starting it again."] * 2
    assert time.monotonic() - died > 0.4  # twice the first pause


def test_a_process_that_ends_while_starting_is_named_with_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    service = script(tmp_path, "broken", "sys.exit(3)")
    supervisor.start(service)

    with pytest.raises(
        CannotStartError, match=r"^broken ended with code 3 while starting: see .*broken\.log\.$"
    ):
        supervisor.wait_until_answers(service, seconds=10)


def test_a_process_that_never_answers_is_named(supervisor: Supervisor, tmp_path: Path) -> None:
    service = script(tmp_path, "mute", "time.sleep(60)")
    supervisor.start(service)

    with pytest.raises(CannotStartError, match="mute did not answer within 0 s"):
        supervisor.wait_until_answers(service, seconds=0.1)


# No file may grow in this process and its children: what a full disk does, where nobody may mount one.
ON_A_FULL_DISK = """
    import json, os, resource, signal, sys, time
    from pathlib import Path
    from lungrater.embedded.supervisor import Service, Supervisor
    folder = Path(sys.argv[1])
    supervisor = Supervisor(logs=folder, register=folder / "processes.json")
    service = Service("part", [sys.executable, "-c", "import time; time.sleep(60)"], answers=lambda: True)
    supervisor.start(service)
    first = supervisor._children["part"].process.pid
    before = (folder / "processes.json").read_text()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while supervisor._children["part"].process.pid == first and time.monotonic() < deadline:
        supervisor.mend()
    second = supervisor._children["part"].process
    is_back = second.pid != first and second.poll() is None
    is_unwritten = (folder / "processes.json").read_text() == before
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    supervisor.mend()
    [[_name, registered, _created, _signal]] = json.loads((folder / "processes.json").read_text())
    supervisor.stop("part", seconds=0)
    print(json.dumps([is_back, is_unwritten, registered == second.pid]))
"""


def test_a_full_disk_stops_neither_the_supervisor_nor_what_it_starts_again(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ON_A_FULL_DISK), str(tmp_path)],
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, True, True]


def test_a_log_that_cannot_be_opened_keeps_no_part_from_starting(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    service = script(tmp_path, "mute", "READY; print('to nobody'); time.sleep(60)")
    (tmp_path / "mute.log").mkdir()

    supervisor.start(service)

    supervisor.wait_until_answers(service, seconds=10)


def test_a_log_is_set_aside_while_its_part_writes_on(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lungrater.embedded.supervisor.LARGEST_LOG", 1000)
    monkeypatch.setattr("lungrater.embedded.supervisor.LOOK_AT_LOGS_EVERY", 0)
    body = """
        READY
        for number in range(100000):
            print(f"line {number:>100}", flush=True)
            time.sleep(0.002)
    """
    service = script(tmp_path, "chatty", body)
    log, older = tmp_path / "chatty.log", tmp_path / "chatty.log.1"
    supervisor.start(service)
    supervisor.wait_until_answers(service, seconds=10)
    [first] = pids(service, tmp_path)

    mend_until(supervisor, lambda: older.exists() and 0 < log.stat().st_size < 1000)

    assert older.read_text().startswith("line ")
    assert log.read_bytes()[:1] != b"\0", "it appends: no hole is left where it was"
    assert pids(service, tmp_path) == [first]


def test_where_there_is_no_room_for_the_old_log_it_goes(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lungrater.embedded.supervisor.LARGEST_LOG", 10)
    monkeypatch.setattr("lungrater.embedded.supervisor.LOOK_AT_LOGS_EVERY", 0)
    service = script(tmp_path, "chatty", "print('x' * 100, flush=True); READY; time.sleep(60)")
    (tmp_path / "chatty.log.1").write_text("older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lungrater.embedded.supervisor.shutil.copyfile", full)
    supervisor.start(service)
    supervisor.wait_until_answers(service, seconds=10)

    supervisor.mend()

    assert (tmp_path / "chatty.log").stat().st_size == 0
    assert not (tmp_path / "chatty.log.1").exists()


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
