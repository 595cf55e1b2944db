"""Uploaded files on their way into a dataset, worked through by an ImportJob."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile as SentFile
from django.db import transaction

from pool.importing import Duplicate, bring_in
from pool.jobs import JobFailed
from pool.labels import BadSource, FolderLabels, Labels, NoLabels, read_table
from pool.models import Dataset, Image, ImportJob, UploadedFile
from pool.sources import Given, Refusal, count, from_paths, tidy_name

TELL_EVERY = 1.0


def submit_upload(dataset: Dataset, sent: dict[str, Any], *, by: Any) -> ImportJob:
    """An import of what the upload form was sent, waiting for a worker."""
    job = ImportJob(dataset=dataset, labels=sent["labels"], table=sent["table"], requested_by=by)
    with transaction.atomic():  # the bell rings when this is committed, files and all
        job.submit()
        keep_uploads(job, sent["pictures"])
    return job


def keep_uploads(job: ImportJob, files: Iterable[SentFile[bytes]]) -> None:
    """Store what was sent; a name that comes twice is numbered."""
    names: set[str] = set()
    for file in files:
        name = tidy_name(file.name or "unnamed")
        stem, dot, end = name.rpartition(".")
        number = 1
        while name in names:
            number += 1
            name = f"{stem} ({number}){dot}{end}"
        names.add(name)
        UploadedFile.objects.create(job=job, name=name, file=file)


def import_uploads(job: ImportJob) -> None:
    """Bring the job's uploads into its dataset; what an earlier attempt dealt with is left as it is."""
    with tempfile.TemporaryDirectory(prefix="lungrater-import-") as folder:
        given = [_fetched(upload, Path(folder)) for upload in job.uploads.all()]
        if not given:
            raise JobFailed("The uploaded files are gone; upload them again.")
        try:
            labels = _labels(job)
            total = count(given)
            ImportJob.objects.filter(pk=job.pk).update(total=total)
            _work_through(job, given, labels)
        except BadSource as error:
            raise JobFailed(str(error)) from error


def _work_through(job: ImportJob, given: list[Given], labels: Labels) -> None:
    names = job.images.values_list("source_name", flat=True)
    done = {*names, *(entry["file"] for entry in [*job.refused, *job.duplicates])}
    job.imported = len(names)
    told = time.monotonic()
    seen = 0
    for outcome in bring_in(job.dataset, from_paths(given, labels), job=job, done=done):
        seen += 1
        if isinstance(outcome, Image):
            job.imported += 1
        elif isinstance(outcome, Duplicate):
            job.duplicates.append(outcome.as_json())
        elif isinstance(outcome, Refusal):
            job.refused.append(outcome.as_json())
        if time.monotonic() - told > TELL_EVERY:
            _tell(job, seen)
            told = time.monotonic()
    _tell(job, seen)


def _tell(job: ImportJob, seen: int) -> None:
    # First the heartbeat: when the job is another worker's by now, it raises and nothing is overwritten.
    job.beat(done=seen)
    job.save(update_fields=["imported", "duplicates", "refused"])


def _fetched(upload: UploadedFile, folder: Path) -> Given:
    """A local copy, since zips are read from several places and storage may be far away."""
    path = folder / str(upload.pk)
    with upload.file.open("rb") as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return Given(path, upload.name)


def _labels(job: ImportJob) -> Labels:
    if job.labels == ImportJob.Labels.FOLDER:
        return FolderLabels()
    if job.labels == ImportJob.Labels.TABLE:
        with job.table.open("rb") as table:
            return read_table(table.read(), "the CSV")
    return NoLabels()


def drop_finished_uploads() -> None:
    """Delete the uploads of imports that have ended; the images they became stay."""
    for upload in UploadedFile.objects.exclude(job__in=ImportJob.objects.active()):
        upload.file.delete(save=False)
        upload.delete()
