"""Making a release: written to the disk as a zip, stored, and entered in the log."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import time
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from audit import record
from jobs.models import JobCancelledError, JobFailedError
from pool.publication.croissant import ZipFacts
from pool.publication.models import DatasetRelease, release_path
from pool.publication.slug import slug_of
from pool.publication.writer import NotReleasedError, Release
from pool.storage.measured_zip import MeasuredZip

BEAT_EVERY = 1.0


def make_release(job: DatasetRelease) -> None:
    """Make the job's zip. Raises JobFailedError."""
    try:
        release = Release(job.dataset, job.image_format)
    except NotReleasedError as error:
        raise JobFailedError(str(error)) from error
    job.total, job.marks = len(release.images), release.marks
    job.save(update_fields=["total", "marks"])
    last = 0.0

    def pulse(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > BEAT_EVERY:
            last = time.monotonic()
            job.beat(done=done, message=f"Written {done} of {total} images")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "release.zip"
        with contextlib.closing(MeasuredZip(path)) as archive:
            try:
                release.write(archive, timezone.localdate(), pulse)
            except NotReleasedError as error:
                raise JobFailedError(str(error)) from error
        _keep(job, path, release)
    record(job.dataset, job.requested_by, "released a dataset", sha256=job.sha256, images=job.total)


def _keep(job: DatasetRelease, path: Path, release: Release) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        name = default_storage.save(release_path(job, ""), File(file))
    job.slug = slug_of(job.dataset.name)
    facts = {
        "file": name,
        "slug": job.slug,
        "file_bytes": path.stat().st_size,
        "sha256": digest,
        "croissant": release.croissant_of(ZipFacts(job.zip_name, digest)),
        "done": job.total,
    }
    if not DatasetRelease.objects.owned_by(job).filter(cancel_requested=False).update(**facts):
        default_storage.delete(name)
        raise JobCancelledError
    job.refresh_from_db()
