"""`lungrater up` on a disk that fills up: it lives, and all of it comes back once there is room."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers.sites import Site, site

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

DISK = "400m"
FULL_FOR = 10.0
BACK_WITHIN = 150.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk; test_supervisor.py has what needs none")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Every last byte of the disk of this file."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65536)


def test_a_full_disk_does_not_end_up_and_room_brings_everything_back(disk: Path) -> None:
    with site(disk / "home") as running:
        fill(disk / "filler")
        for part in ("web", "worker-light", "worker-1", "beat", "postgres", "redis"):
            os.kill(running.pid_of(part), signal.SIGKILL)
        began = time.monotonic()
        while time.monotonic() - began < FULL_FOR:
            fill(disk / "filler-too")  # whatever a part has let go of
            assert running.process.poll() is None, "the site ended"
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(0.5)

        (disk / "filler").unlink()
        (disk / "filler-too").unlink()
        seconds = seconds_until_healthy(running)

        assert seconds < BACK_WITHIN, logs(disk / "home" / "logs")
        assert all(psutil.pid_exists(running.pid_of(part)) for part in ("web", "worker-light", "worker-1"))


def logs(folder: Path) -> str:
    """The end of each, for whoever reads why this failed."""
    ends = (f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in sorted(folder.iterdir()))
    return "\n\n".join(ends)


def seconds_until_healthy(running: Site) -> float:
    began = time.monotonic()
    while time.monotonic() - began < BACK_WITHIN:
        assert running.process.poll() is None, "the site ended"
        with contextlib.suppress(OSError, ValueError):
            if running.health()[0] == 200:
                break
        time.sleep(0.2)
    return time.monotonic() - began
