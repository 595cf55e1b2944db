"""A dataset's kept values shown in another dataset under another window, without importing anything again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction

from accounts.membership.models import Part
from audit import record
from jobs.models import JobFailedError
from pool.imports.archives import Refusal, Source
from pool.imports.labels import Facts
from pool.imports.notes import Note
from pool.imports.pipeline import OpenedFile, Pipeline, Prepared
from pool.imports.store import Duplicate, hints_of
from pool.imports.uploads import Teller, work_through
from pool.imports.volumetric.slices import STACK
from pool.imports.volumetric.stacks import why_even
from pool.models import Dataset, Image, ImportJob, Slice
from pool.storage.insertion import DuplicatePixelsError, insert, insert_stack
from pool.storage.slices import SliceFile
from pool.storage.stored_files import LostFileError, stored_bytes

AT_ONCE = 200
RANGE = "range"
NO_VALUES = "The image was imported without values to lay a window on; import its file again."
ONE_WINDOW = "A stack is shown by one window: choose lung, mediastinum, bone or CENTRE/WIDTH for it."
LEFT_OUT = "The image was left out of its dataset before it was copied."


@transaction.atomic
def submit_rewindowing(
    source: Dataset, name: str, window: str, *, by: Any, enqueue: bool = True
) -> ImportJob:
    """A new dataset of the same images under another window, waiting for a worker or for whoever performs it."""
    copied = ("origin", "modality", "description", "licence", "citation")
    target = Dataset.objects.create(
        name=name, window=window, created_by=by, **{field: getattr(source, field) for field in copied}
    )
    if by is None:  # on the command line: nobody is to see the copy who does not see the source
        for membership in source.memberships.all():
            target.share_with(membership.user or membership.group, Part(membership.part))
    else:
        target.give_to_maker(by)
    job = ImportJob(dataset=target, values_of=source, requested_by=by)
    if enqueue:
        job.submit()
    else:
        job.save()
    record(source, by, "laid another window on a dataset", window=window, dataset=target.name)
    return job


def rewindowed(
    source: Dataset, target: Dataset, *, job: ImportJob | None = None, done: Collection[str] = frozenset()
) -> Iterator[Image | Duplicate | Refusal | None]:
    """What became of each image of the source that studies may show, as it happens.

    None for those in `done`, the origins of the copies there are: a dataset may hold many images of one name.
    """
    images = source.images.shown_freely().filter(slices=1).order_by("pk").iterator(chunk_size=AT_ONCE)
    items = (None if _origin(image) in done else _item(image) for image in images)
    with Pipeline(hints_of(target)) as pipeline:
        for file in pipeline.open_all(items):
            if not isinstance(file, OpenedFile):
                yield file
            elif file.refusal is not None:
                yield file.refusal
            elif isinstance(file.source, ValueSource):
                yield _copy(file.source.image, target, file.images[0], job)
    stacks = source.images.shown_freely().filter(slices__gt=1).order_by("pk")
    with Pipeline(hints_of(target, STACK)) as pipeline:
        for image in stacks.iterator(chunk_size=AT_ONCE):
            yield None if _origin(image) in done else _copy_stack(image, target, pipeline, job)


@dataclass(frozen=True, kw_only=True)
class ValueSource(Source):
    """The kept values of an image, as a file to open."""

    image: Image


def _name(image: Image) -> str:
    return image.source_name or str(image.pk)


def _origin(image: Image) -> str:
    """What a copy's provenance says of the image it is of."""
    return f"image {image.pk}"


def _item(image: Image) -> Source | Refusal:
    if not image.values:
        return Refusal(_name(image), NO_VALUES)
    try:
        data = stored_bytes(image.values, f"the values of image {image.pk}")
    except LostFileError as error:
        return Refusal(_name(image), str(error))
    return ValueSource(_name(image), Facts(), partial(bytes, data), image=image)


def _copy_stack(
    image: Image, target: Dataset, pipeline: Pipeline, job: ImportJob | None
) -> Image | Duplicate | Refusal | None:
    """The same stack under the target's window, slice by slice; all of it or nothing."""
    if target.window == RANGE:
        return Refusal(_name(image), ONE_WINDOW)
    if image.other_slices.filter(values="").exists():
        return Refusal(_name(image), NO_VALUES)
    rows = image.other_slices.order_by("number")
    try:
        [(_source, middle)] = _prepared(pipeline, [_item(image)])
        others = (
            SliceFile(row.number, each.png, each.pixel_sha256, row.source_sha256, each.decoded.values)
            for row, (_source, each) in zip(
                rows, _prepared(pipeline, (_slice_item(image, row) for row in rows)), strict=True
            )
        )
        if reason := why_even(middle):
            return Refusal(_name(image), reason)
        return _copy(image, target, middle, job, others)
    except SliceRefusedError as error:
        return Refusal(_name(image), str(error))


class SliceRefusedError(Exception):
    """A slice of a stack cannot be shown anew; the message is one sentence."""


def _prepared(pipeline: Pipeline, items: Iterable[Source | Refusal]) -> Iterator[tuple[Source, Prepared]]:
    """The only image of each, in order. Raises SliceRefusedError at one that has none."""
    for file in pipeline.open_all(items):
        refusal = file.refusal if isinstance(file, OpenedFile) else file
        if refusal is not None or not isinstance(file, OpenedFile):
            raise SliceRefusedError(refusal.reason if refusal else NO_VALUES)
        yield file.source, file.images[0]


def _slice_item(image: Image, row: Slice) -> Source | Refusal:
    try:
        data = stored_bytes(row.values, f"the values of slice {row.number} of image {image.pk}")
    except LostFileError as error:
        return Refusal(_name(image), str(error))
    return ValueSource(_name(image), Facts(), partial(bytes, data), image=image)


def _copy(
    image: Image,
    target: Dataset,
    prepared: Prepared,
    job: ImportJob | None,
    others: Iterable[SliceFile] = (),
) -> Image | Duplicate | Refusal:
    """The same image under the target's window, a row and a key of its own."""
    if not Image.objects.shown_freely().filter(pk=image.pk).exists():  # since the job began
        return Refusal(_name(image), LEFT_OUT)
    decoded = prepared.decoded
    copy = Image(
        dataset=target,
        import_job=job,
        origin=image.origin,
        modality=image.modality,
        label=image.label,
        patient_key=image.patient_key,
        split=image.split,
        series_key=image.series_key,
        slice_position=image.slice_position,
        slice_number=image.slice_number,
        slice_count=image.slice_count,
        slices=image.slices,
        source_name=_name(image),
        source_sha256=image.source_sha256,
        **prepared.columns,
        provenance={
            **image.provenance,
            "Window": decoded.tags["Window"],
            "derived_from": _origin(image),
        },
        notes=_notes(image.notes, decoded.notes),
    )
    try:
        if image.slices > 1:
            insert_stack(copy, prepared.png, others, decoded.values)
        else:
            insert(copy, prepared.png, decoded.values)
    except DuplicatePixelsError as error:
        return Duplicate(copy.source_name, _name(error.image))
    return copy


def _notes(before: Iterable[dict[str, str]], now: Iterable[Note]) -> list[dict[str, str]]:
    """What was noted of the file, but for the window, and what is to be known of the new one."""
    notes = [note for note in before if note["code"] != "window"]
    return notes + [entry for note in now if (entry := note.as_json()) not in notes]


def run_rewindowing(job: ImportJob) -> None:
    """Fill the job's dataset; what an earlier attempt dealt with is left as it is."""
    source, target = job.values_of, job.dataset
    if source is None or not source.images.shown_freely().with_values().exists():
        raise JobFailedError("No image of the dataset has values to lay a window on.")
    ImportJob.objects.filter(pk=job.pk).update(total=source.images.shown_freely().count())
    # Outcomes name a file, which may be several images': they are found out again, copies are not made again.
    job.outcomes.all().delete()
    done = set(job.images.values_list("provenance__derived_from", flat=True))
    work_through(job, rewindowed(source, target, job=job, done=done), Teller(job))
