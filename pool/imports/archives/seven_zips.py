"""The members of a 7z, unpacked by a child process of little memory into a folder of its own.

A 7z says itself how much memory its unpacking takes, up to gigabytes; a child that is refused it harms nobody.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pool.confinement.child import bare_environment
from pool.imports.archives.members import Member, Refusal, is_litter

SECONDS = 1800


def seven_zip_members(path: Path, title: str) -> Iterator[Member | Refusal]:
    with tempfile.TemporaryDirectory(prefix="lungrater-7z-") as folder:
        command = [sys.executable, "-m", "pool.imports.archives.seven_zip_child", str(path), folder]
        try:
            done = subprocess.run(
                command, env=bare_environment(), capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            yield Refusal(title, f"Unpacking the 7z took longer than {SECONDS // 60} minutes.")
            return
        if done.returncode:
            reason = (done.stdout.strip().splitlines() or ["its unpacking was stopped"])[-1][:200]
            yield Refusal(title, f"The 7z cannot be opened: {reason}.")
            return
        for place, _, files in sorted(os.walk(folder)):
            for name in sorted(files):
                file = Path(place) / name
                inside = file.relative_to(folder).as_posix()
                if is_litter(inside):
                    continue
                if file.is_symlink() or not file.is_file():
                    yield Refusal(inside, "Not a regular file.")
                else:
                    yield Member(inside, partial(_read_and_drop, file))


def _read_and_drop(file: Path) -> bytes:
    """The bytes, while the file is dropped, so that a large archive does not lie on the disk twice for long."""
    data = file.read_bytes()
    file.unlink()
    return data
