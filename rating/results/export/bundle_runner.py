"""Making a bundle: all of it read in one snapshot, written to the disk, stored, and entered in the study's log."""

from __future__ import annotations

import hashlib
import tempfile
import time
from functools import partial
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from audit import record
from jobs.models import JobCancelledError, JobFailedError
from jobs.snapshot import Snapshot, one_snapshot
from rating.reading.revision_chain import RatingsDifferError
from rating.results.computation.bundle_job import BundleJob, bundle_path
from rating.results.export.bundle import write_bundle
from rating.results.verification import verify_study
from rating.studies.study import Study

BEAT_EVERY = 1.0


def make_bundle(job: BundleJob) -> None:
    """Make the job's bundle. Raises JobFailedError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        with one_snapshot() as snapshot:
            study = Study.objects.get(pk=job.study_id)
            if not study.is_over:
                raise JobFailedError(f"“{study}” is {study.state}: close it before its ratings are exported.")
            _write(job, study, path, snapshot)
        _keep(job, path)
    record(
        job.study,
        job.requested_by,
        "exported ratings",
        bundle=True,
        with_truth=job.with_truth,
        verified=job.verified,
        sha256=job.sha256,
    )


def _write(job: BundleJob, study: Study, path: Path, snapshot: Snapshot) -> None:
    job.total = 30 + (study.images.count() if job.with_images else 0)  # about so many files
    snapshot.outside(partial(job.save, update_fields=["total"]))
    last = 0.0
    names = 0

    def pulse(name: str) -> None:
        nonlocal last, names
        names += 1
        if time.monotonic() - last > BEAT_EVERY:
            last = time.monotonic()
            snapshot.outside(partial(job.beat, done=min(names, job.total), message=f"Writing {name}"))

    job.with_truth = study.is_unblinded
    pulse("the verification of log and ratings")
    job.verified = verify_study(study).is_whole
    try:
        write_bundle(study, f"{timezone.now():%Y-%m-%d}", path, with_images=job.with_images, pulse=pulse)
    except RatingsDifferError as error:
        raise JobFailedError(str(error)) from error


def _keep(job: BundleJob, path: Path) -> None:
    """Store the file and name it in the row, unless the job was stopped meanwhile: a text may have been taken away."""
    with path.open("rb") as file:
        job.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        job.file_bytes = path.stat().st_size
        file.seek(0)
        name = default_storage.save(bundle_path(job, ""), File(file))
    facts = {
        "file": name,
        "file_bytes": job.file_bytes,
        "sha256": job.sha256,
        "with_truth": job.with_truth,
        "verified": job.verified,
        "done": job.total,
    }
    if not BundleJob.objects.owned_by(job).filter(cancel_requested=False).update(**facts):
        default_storage.delete(name)
        raise JobCancelledError
    job.refresh_from_db()
