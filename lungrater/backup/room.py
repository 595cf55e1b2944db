"""Room on the disk, asked before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path

from lungrater.backup.errors import RefusedError

# Above what is written: file systems and PostgreSQL take some for themselves.
MARGIN = 1.05


def require(folder: Path, byte_count: int) -> None:
    """Raises RefusedError where the disk of this folder, or of the first above it that exists, has too little."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < byte_count * MARGIN:
        raise RefusedError(
            f"The disk of {folder} has {_size(free)} free, and {_size(byte_count * MARGIN)} are needed: "
            "free some, or name another place."
        )


def _size(byte_count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if byte_count < 1000:
            return f"{byte_count:.3g} {unit}"
        byte_count /= 1000
    return f"{byte_count:.3g} GB"
