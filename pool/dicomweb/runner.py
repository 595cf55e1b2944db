"""The series of an import fetched from their PACS, instance by instance, through the gate that files go through.

An instance goes by a keyed hash of its identifier: the same one every time, so that a resumed import and a second one
know it again, and no way back to the study. Its file lies in memory only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from functools import partial

from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from jobs.models import JobFailedError
from outbound.dicomweb import MOST_INSTANCES, AbsentError, DicomwebClient, DicomwebError, UnusableAnswerError
from outbound.retry import Patience
from pool.imports.archives import Refusal, Source, UnreadableError
from pool.imports.decoding import MAX_FILE_BYTES
from pool.imports.labels import Facts
from pool.imports.store import Duplicate, bring_in
from pool.imports.uploads import Teller, names_of, work_through
from pool.models import HeldFile, Image, ImportJob

MOST_USELESS_IN_A_ROW = 5
KEPT_AFTER_A_STOP = timedelta(days=30)
PATIENCE = Patience(attempts=4, longest_pause=30.0)
NOTHING_THERE = "The source no longer exists: choose the series anew."


def import_series(job: ImportJob) -> None:
    """Bring the job's series into its dataset; what an earlier attempt took is not fetched again.

    What an earlier attempt was refused is asked for again: it may have been the server's bad moment.
    """
    if job.dicomweb_source is None:
        raise JobFailedError(NOTHING_THERE)
    job.outcomes.refused().delete()
    progress = Teller(job)
    try:
        server = job.dicomweb_source.server
        with DicomwebClient(
            server, most_bytes=MAX_FILE_BYTES, patience=PATIENCE, on_wait=progress.when_due
        ) as client:
            job.beat(message="Asking which images the series have…")
            fetch = SeriesFetch(client, _instances(client, job.dicomweb_series))
            job.total = len(fetch.instances)
            ImportJob.objects.filter(pk=job.pk).update(total=job.total)
            job.beat(message="Fetching…")
            work_through(job, _outcomes(job, fetch), progress)
    except DicomwebError as error:
        progress.now()
        raise JobFailedError(str(error)) from error


def _instances(client: DicomwebClient, series: list[list[str]]) -> dict[str, tuple[str, str, str]]:
    """Where each instance lies, by the name it goes by."""
    instances = {}
    for study_uid, series_uid in series:
        for uid in client.instances(study_uid, series_uid):
            instances[instance_name(series_uid, uid)] = (study_uid, series_uid, uid)
        if len(instances) > MOST_INSTANCES:
            raise DicomwebError(
                f"These series have more than {MOST_INSTANCES} instances: choose fewer at once."
            )
    if not instances:
        raise DicomwebError("The series have no instances, as the server says.")
    return instances


class SeriesFetch:
    """Instances one after the other; what ends the fetch is kept until those that came are stored."""

    def __init__(self, client: DicomwebClient, instances: dict[str, tuple[str, str, str]]) -> None:
        self._client, self.instances = client, instances
        self._useless = 0
        self.error: DicomwebError | None = None

    def sources(self, names: Iterable[str], *, done: Collection[str]) -> Iterator[Source]:
        """The files of these, each fetched when its turn comes; of those done, the name alone."""
        for name in names:
            if name in done:
                yield Source(name, Facts(), bytes)
                continue
            try:
                yield Source(name, Facts(), self._fetched(name))
            except DicomwebError as error:
                self.error = error
                return

    def _fetched(self, name: str) -> Callable[[], bytes]:
        """How to read the instance; where the server answered uselessly, the reason. Raises DicomwebError."""
        try:
            data = self._client.instance(*self.instances[name])
        except UnusableAnswerError as error:
            self._useless += not isinstance(error, AbsentError)
            if self._useless >= MOST_USELESS_IN_A_ROW:
                raise DicomwebError(f"{error} So it was {self._useless} times in a row.") from error
            return partial(_refuse, str(error))
        self._useless = 0
        return [
            data
        ].pop  # once: a slice set aside to be chosen from keeps its source, and must not keep its file


def _refuse(reason: str) -> bytes:
    raise UnreadableError(reason)


def _outcomes(job: ImportJob, fetch: SeriesFetch) -> Iterator[Image | HeldFile | Duplicate | Refusal | None]:
    done = names_of(job)
    # A slice is chosen, and a stack made, among all of its series: then all of it is fetched.
    there = set() if job.slices else _names_there(job, fetch) - done
    yield from (Duplicate(name, name) for name in fetch.instances if name in there)
    missing = [name for name in fetch.instances if name not in there]
    yield from bring_in(
        job.dataset,
        fetch.sources(missing, done=frozenset() if job.slices else done),
        job=job,
        done=done,
        provenance={"fetched_from": f"DICOMweb source “{job.dicomweb_source}”"},
        slices=job.slices,
        with_sex_and_age=job.with_sex_and_age,
    )
    if fetch.error:
        raise fetch.error


def _names_there(job: ImportJob, fetch: SeriesFetch) -> set[str]:
    """The instances that an earlier import brought into the dataset."""
    images = job.dataset.images.filter(source_name__in=list(fetch.instances))
    return set(images.values_list("source_name", flat=True))


def instance_name(series: str, uid: str) -> str:
    """What an instance's file is called here."""
    folder = salted_hmac("pool.dicomweb.series", series, algorithm="sha256").hexdigest()[:12]
    name = salted_hmac("pool.dicomweb.instance", f"{series} {uid}", algorithm="sha256").hexdigest()[:24]
    return f"{folder}/{name}.dcm"


def forget_series() -> None:
    """Forget which series were imported once that is done, or long after it was stopped; the images stay."""
    ended = ImportJob.objects.exclude(dicomweb_series=[])
    long_ago = Q(finished_at__lt=timezone.now() - KEPT_AFTER_A_STOP)
    ended.filter(Q(state=ImportJob.State.SUCCEEDED) | long_ago).update(dicomweb_series=[])
