"""Room on the disks that jobs fill: what makes images stops at a tenth, so that ratings are the last to go without."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from psycopg.errors import DiskFull

from jobs import site_folders

LEAST_FREE = 0.10
# A little above, so that a job does not stop and go on with every file that somebody deletes.
GOES_ON_AT = 0.12
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
# Every sentence of a job that waits for room begins so; the sweep knows it by that.
WAITS_FOR_ROOM = "Waiting for room on the disk"
NO_ROOM_LEFT = "No space left on device."


def shortage(least: float = LEAST_FREE) -> str:
    """A sentence where less than this share of a disk is free, else nothing."""
    for folder in _folders():
        disk = shutil.disk_usage(folder)
        if disk.free < disk.total * least:
            words = site_folders.as_read(str(folder))
            return f"Only {disk.free / 2**30:.1f} GB, less than a tenth, of the disk of {words} is free."
    return ""


def waiting(shortage: str) -> str:
    """What people read at a job that waits for room."""
    return f"{WAITS_FOR_ROOM}. {shortage} Free some, and it goes on by itself. What is stored stays."


def is_out_of_room(error: BaseException | None) -> bool:
    """Whether this error, or one behind it, is that of a full disk, ours or the database's."""
    while error is not None:
        if isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno in NO_ROOM):
            return True
        error = error.__cause__
    return False


def free_share() -> float:
    """The free share of the fullest of the disks."""
    disks = [shutil.disk_usage(folder) for folder in _folders()]
    return min((disk.free / disk.total for disk in disks if disk.total), default=1.0)


def _folders() -> Iterator[Path]:
    """The home, with the embedded database, and the images' folder; images in S3 fill no disk of ours."""
    for folder in (settings.HOME.root, site_folders.images()):
        if folder and folder.exists():
            yield folder
