"""Where the web processes of a machine count their requests together."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

PREFIX = "lungrater-metrics-"


def shared_metrics_folder(in_memory: str | None) -> str | None:
    """A new folder of this process there; those of processes that were killed go. None where none can be made."""
    if in_memory is None:
        return None
    for folder in Path(in_memory).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    try:
        return tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=in_memory)
    except OSError:
        return None
