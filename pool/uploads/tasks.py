"""What the clock does for uploads."""

from __future__ import annotations

import time
from contextlib import suppress

from celery import shared_task

from pool.uploads import staging
from pool.uploads.models import ResumableUpload

STRAY_AFTER = 3600.0


@shared_task
def drop_abandoned_uploads() -> None:
    """Delete what nobody goes on with, and bytes that no row names."""
    for upload in ResumableUpload.objects.abandoned():
        staging.drop(upload)
    rows = {pk.hex for pk in ResumableUpload.objects.values_list("pk", flat=True)}
    for path in staging.folder().iterdir():
        with suppress(FileNotFoundError):
            if path.name not in rows and time.time() - path.stat().st_mtime > STRAY_AFTER:
                path.unlink()
