"""Uploaded files on their way into a dataset, worked through by an ImportJob."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NotRequired, TypedDict

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile as SentFile
from django.db import transaction

from jobs.models import JobCancelledError, JobFailedError, JobPausedError
from outbound.fetching import FetchError, fetch
from pool.canonical.texts import file_name, plain_json
from pool.imports.archives import ImportItem, Refusal, count, from_paths
from pool.imports.labels import BadSourceError, FolderLabels, Labels, NoLabels
from pool.imports.outcomes import outcome_row
from pool.imports.public_layouts import Reading, read_layout
from pool.imports.store import Duplicate, bring_in
from pool.imports.tables import read_table
from pool.models import Dataset, HeldFile, Image, ImportJob, ResumableUpload, UploadedFile
from pool.storage.stored_files import LostFileError, opened, stored_bytes

TELL_EVERY = 1.0
CHUNK = 2**20
SENT_AND_GONE = "Some of the files that were sent are gone or not complete: choose them again."


class UploadsGoneError(Exception):
    """What was sent in pieces is no more; the message is one sentence."""


class Upload(TypedDict):
    """What the upload form is sent: the files, where their findings are, and how they were made."""

    uploads: Iterable[SentFile[bytes]]
    labels: str
    table: SentFile[bytes] | None
    url: NotRequired[str]
    slices: NotRequired[str]
    with_sex_and_age: NotRequired[bool]
    columns: NotRequired[Sequence[str]]
    layout: NotRequired[str]
    provenance: NotRequired[Mapping[str, str]]
    sent: NotRequired[Sequence[ResumableUpload]]  # in pieces, before the form


def submit_upload(dataset: Dataset, data: Upload, *, by: Any) -> ImportJob:
    """An import of it, waiting for a worker."""
    job = ImportJob(
        dataset=dataset,
        labels=data["labels"],
        table=data["table"],
        url=data.get("url", ""),
        slices=data.get("slices", ""),
        with_sex_and_age=data.get("with_sex_and_age", False),
        columns=list(data.get("columns", ())),
        layout=data.get("layout", ""),
        provenance=plain_json(data.get("provenance", {})),
        requested_by=by,
    )
    with transaction.atomic():  # the bell rings when this is committed, files and all
        job.submit()
        names: set[str] = set()
        keep_uploads(job, data["uploads"], names)
        take_over(job, data.get("sent", []), names)
    return job


def keep_uploads(job: ImportJob, files: Iterable[SentFile[bytes]], names: set[str]) -> None:
    """Store what was sent; a name that comes twice is numbered."""
    for file in files:
        UploadedFile.objects.create(job=job, name=_numbered(file.name or "unnamed", names), file=file)


def take_over(job: ImportJob, uploads: Sequence[ResumableUpload], names: set[str]) -> None:
    """Make files that were sent in pieces the job's own. Raises UploadsGoneError where one was dropped meanwhile."""
    keys = [upload.pk for upload in uploads]
    rows = ResumableUpload.objects.complete().select_for_update().in_bulk(keys)
    if len(rows) != len(keys):
        raise UploadsGoneError(SENT_AND_GONE)
    UploadedFile.objects.bulk_create(
        UploadedFile(
            job=job,
            name=_numbered(rows[key].name, names),
            file=rows[key].file.name,
            is_pack=rows[key].is_pack,
        )
        for key in keys
    )
    ResumableUpload.objects.filter(pk__in=keys).delete()


def _numbered(name: str, names: set[str]) -> str:
    """The name, with a number where it has come before; noted among the names."""
    first = name = file_name(name)
    number = 1
    while name in names:
        number += 1
        path = PurePosixPath(first)
        name = file_name(f"{path.stem} ({number}){path.suffix}")
    names.add(name)
    return name


def import_uploads(job: ImportJob) -> None:
    """Bring the job's uploads into its dataset; what an earlier attempt dealt with is left as it is."""
    with tempfile.TemporaryDirectory(prefix="lungrater-import-") as folder:
        progress = Teller(job)
        try:
            items = [_local(upload, Path(folder), progress) for upload in job.uploads.all()]
            if job.url:
                job.beat(message="Fetching…")
                path = Path(folder) / "fetched"
                name = fetch(
                    job.url,
                    path,
                    from_private_networks=settings.IMPORT_FROM_PRIVATE_NETWORKS,
                    on_progress=progress.when_due,
                )
                items.append(ImportItem(path, file_name(name)))
            if not items:
                raise JobFailedError("The uploaded files are gone; upload them again.")
            reading = _reading(job, items)
            job.total = count(items)
            ImportJob.objects.filter(pk=job.pk).update(total=job.total)
            work_through(job, _outcomes(job, items, reading, names_of(job)), progress)
        except (BadSourceError, FetchError) as error:
            raise JobFailedError(str(error)) from error


class Teller:
    """Writes down now and then how far the job is, which is also its heartbeat."""

    def __init__(self, job: ImportJob) -> None:
        self.job, self.seen, self._last = job, 0, time.monotonic()

    def when_due(self) -> None:
        if time.monotonic() - self._last > TELL_EVERY:
            self.now()

    def now(self) -> None:
        # First the heartbeat: when the job is another worker's by now, it raises and nothing is overwritten.
        try:
            # What was set aside or holds several images comes more than once; a bar ends where it ends.
            self.job.beat(done=min(self.seen, self.job.total or self.seen))
        except (JobCancelledError, JobPausedError):
            self._write()
            raise
        self._write()
        self._last = time.monotonic()

    def _write(self) -> None:
        self.job.save(update_fields=["imported"])


def names_of(job: ImportJob) -> set[str]:
    """The files that an earlier attempt dealt with."""
    names = set(job.images.values_list("source_name", flat=True))
    names |= set(job.outcomes.values_list("file", flat=True))
    return names | set(job.held_files.values_list("source_name", flat=True))


def work_through(
    job: ImportJob, outcomes: Iterable[Image | HeldFile | Duplicate | Refusal | None], progress: Teller
) -> None:
    """Write down what becomes of each file; None stands for those an earlier attempt dealt with."""
    job.imported = job.images.count()
    for outcome in outcomes:
        progress.seen += 1
        if isinstance(outcome, Image):
            job.imported += 1
        elif isinstance(outcome, Duplicate | Refusal):
            outcome_row(job, outcome).save()
        progress.when_due()
    progress.now()
    if not (job.imported or job.outcomes.duplicates().exists() or job.held_files.exists()):
        raise JobFailedError("No image was imported; the reason for each file stands below.")


def _outcomes(
    job: ImportJob, items: list[ImportItem], reading: Reading, done: set[str]
) -> Iterator[Image | HeldFile | Duplicate | Refusal | None]:
    provenance = {**job.provenance, "fetched_from": job.source_url}
    sources = from_paths(items, reading.labels, tables=reading.tables)
    return bring_in(
        job.dataset,
        sources,
        job=job,
        done=done,
        provenance=provenance,
        slices=job.slices,
        with_sex_and_age=job.with_sex_and_age,
    )


def _local(upload: UploadedFile, folder: Path, progress: Teller) -> ImportItem:
    """Where its bytes lie on this machine: where storage is a folder there, else a copy, since archives are read more than once."""
    try:
        path = Path(upload.file.path)
    except NotImplementedError:
        path = folder / str(upload.pk)
        with opened(upload.file, f"the upload “{upload.name}”") as source, path.open("wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
                progress.when_due()
    if not path.is_file():
        raise LostFileError(f"the upload “{upload.name}”")
    return ImportItem(path, upload.name, is_pack=upload.is_pack)


def _reading(job: ImportJob, items: list[ImportItem]) -> Reading:
    """How the files are described, by a public data set's layout where one is named."""
    if not job.layout:
        return Reading(_labels(job), "", frozenset())
    reading = read_layout(job.layout, items, job.columns)
    ImportJob.objects.filter(pk=job.pk).update(layout=reading.layout)
    return reading


def _labels(job: ImportJob) -> Labels:
    if job.labels == ImportJob.Labels.FOLDER:
        return FolderLabels()
    if job.labels == ImportJob.Labels.TABLE:
        return read_table(stored_bytes(job.table, "the CSV"), "the CSV", columns=job.columns)
    return NoLabels()


def drop_finished_uploads() -> None:
    """Delete the uploads of imports that have ended; the images they became stay.

    The CSV goes too: it may name patients, of whom nothing but a keyed hash is kept.
    """
    unfinished = ImportJob.objects.unfinished()
    for upload in UploadedFile.objects.exclude(job__in=unfinished):
        upload.file.delete(save=False)
        upload.delete()
    for ended in ImportJob.objects.exclude(table="").exclude(pk__in=unfinished).only("table"):
        ended.table.delete(save=False)
        ImportJob.objects.filter(pk=ended.pk).update(table="")
