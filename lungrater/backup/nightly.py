"""A backup each night into the folder or bucket of BACKUP_URL, of which the newest few stay."""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from lungrater.backup import places
from lungrater.backup.backing_up import UNFINISHED, back_up, noted
from lungrater.database.alone import alone
from lungrater.embedded.urls import environment_value
from lungrater.monitoring.signs_of_life import BACKUP, SignOfLife

NAME = re.compile(r"lungrater-\d{8}T\d{6}Z\.backup")
NAME_FORMAT = "lungrater-%Y%m%dT%H%M%SZ.backup"
# Not twice in one night, and by day where the night's was missed.
SOONEST, LATEST = timedelta(hours=12), timedelta(hours=26)
# The clock looks at every hour; none lies further ahead than a missed night.
HOURS_AHEAD = 28
TRY_AGAIN_AFTER = timedelta(minutes=50)
LEFTOVER_AFTER = timedelta(days=1)


def is_due(last: SignOfLife | None, now: datetime, *, hour: int) -> bool:
    """Whether it is time: at this hour, or whenever there is none yet, the last failed, or one was missed."""
    if last is None:
        return True
    age = now - last.at
    if last.problem:
        return age > TRY_AGAIN_AFTER
    return age > LATEST or (age > SOONEST and now.hour == hour)


def next_due(last: SignOfLife | None, now: datetime, *, hour: int) -> datetime:
    """From when on the clock will make the next one."""
    full_hour = now.replace(minute=0, second=0, microsecond=0)
    times = [now, *(full_hour + timedelta(hours=hours) for hours in range(1, HOURS_AHEAD))]
    return next((at for at in times if is_due(last, at, hour=hour)), times[-1])


def back_up_if_due(now: datetime) -> bool:
    """Make tonight's backup and drop those that are more than BACKUP_KEEP. Raises BackupError."""
    with alone("backup") as is_alone:
        last = SignOfLife.objects.filter(part=BACKUP).first()
        if not is_alone or not is_due(last, now, hour=settings.BACKUP_HOUR):
            return False
        _back_up(now)
    return True


def back_up_now(now: datetime, *, asked_at: datetime | None = None) -> bool:
    """The same whatever the hour; False where one is being made or was since it was asked for. Raises BackupError.

    So a button pressed again and again makes one, and drops no older ones for the sake of twins.
    """
    with alone("backup") as is_alone:
        if not is_alone or (asked_at and SignOfLife.objects.filter(part=BACKUP, worked_at__gt=asked_at)):
            return False
        _back_up(now)
    return True


def _back_up(now: datetime) -> None:
    with noted(with_refusals=True):
        _back_up_to(settings.BACKUP_URL, now.astimezone(UTC).strftime(NAME_FORMAT))
        _drop_older(settings.BACKUP_URL, settings.BACKUP_KEEP)


def _back_up_to(url: str, name: str) -> None:
    passphrase = environment_value("BACKUP_PASSPHRASE")
    if not places.is_bucket(url):
        folder = Path(url)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _drop_unfinished(folder)
        back_up(folder / name, passphrase=passphrase)
        return
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=settings.HOME.root) as folder_here:
        _drop_unfinished(settings.HOME.root)
        back_up(Path(folder_here) / name, passphrase=passphrase)
        places.copy_to(url, Path(folder_here) / name)


def _drop_older(url: str, keep: int) -> None:
    """Of the files that carry a nightly backup's name; whatever else lies there stays."""
    place = places.place(url)
    _folders, names = place.listdir("")
    for name in sorted(filter(NAME.fullmatch, names))[: -max(1, keep)]:
        place.delete(name)


def _drop_unfinished(folder: Path) -> None:
    """What a backup that was killed half-way has left."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if datetime.now(UTC) - datetime.fromtimestamp(path.stat().st_mtime, UTC) > LEFTOVER_AFTER:
            shutil.rmtree(path, ignore_errors=True)
