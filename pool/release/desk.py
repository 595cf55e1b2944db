"""Holding a file back, and what a person decides of it: release, release under a mask, or discard."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit import record
from pool.canonical.pixels import (
    STORED_LEVEL,
    decode_png,
    encode_png,
    pixel_columns,
    refuse_even,
)
from pool.imports.notes import Note
from pool.models import HeldFile, Image
from pool.release.masks import Rectangle, masked
from pool.release.models import held_path, held_value_path
from pool.storage.insertion import insert
from pool.storage.stored_files import stored_bytes


class AlreadyDecidedError(Exception):
    """Somebody has decided of this file meanwhile; the message is one sentence."""

    def __init__(self, held_file: HeldFile) -> None:
        super().__init__(f"“{held_file.source_name}” has been decided already.")


def hold(held_file: HeldFile, png: bytes, values: bytes = b"") -> HeldFile | None:
    """The file on the desk: row and pixels both, or neither; None where the desk has had these pixels before."""
    held_file.file.name = held_path(held_file, "")
    held_file.values.name = held_value_path(held_file, "") if values else ""
    of_these_pixels = {"dataset": held_file.dataset, "pixel_sha256": held_file.pixel_sha256}
    try:
        with transaction.atomic():
            HeldFile.objects.filter(state=HeldFile.State.EXPIRED, **of_these_pixels).delete()
            held_file.save(force_insert=True)
            held_file.file.storage.save(str(held_file.file.name), ContentFile(png))
            if values:
                held_file.values.storage.save(str(held_file.values.name), ContentFile(values))
    except IntegrityError:
        return None
    return held_file


@transaction.atomic
def release(held_file: HeldFile, *, by: Any, reason: str, mask: Sequence[Rectangle] = ()) -> Image:
    """The image it becomes, under a new key; what a mask covers is black in it and kept nowhere.

    Raises AlreadyDecidedError, RefusedImageError for a mask that leaves nothing to be seen, DuplicatePixelsError.
    """
    files = _files(held_file)
    rectangles = list(mask)
    _decide(held_file, HeldFile.State.RELEASED, by, reason, rectangles)
    image = _image(held_file, reason, rectangles)
    HeldFile.objects.filter(pk=held_file.pk).update(image=image)
    record(held_file, by, "released a held file", reason=reason, image=str(image.pk), mask=rectangles)
    transaction.on_commit(partial(_delete, files))
    return image


@transaction.atomic
def discard(held_file: HeldFile, *, by: Any, reason: str) -> None:
    """Delete its pixels; the row remembers that they are not to come again. Raises AlreadyDecidedError."""
    files = _files(held_file)
    _decide(held_file, HeldFile.State.DISCARDED, by, reason, [])
    record(held_file, by, "discarded a held file", reason=reason)
    transaction.on_commit(partial(_delete, files))


def expire(held_file: HeldFile) -> None:
    """Delete the pixels of what nobody has decided of in time; the same file may come again. Raises AlreadyDecidedError."""
    files, days = _files(held_file), settings.HELD_FILE_DAYS
    with transaction.atomic():
        _decide(held_file, HeldFile.State.EXPIRED, None, f"Nobody decided of it within {days} days.", [])
        record(held_file, None, "let a held file expire", days=days)
        transaction.on_commit(partial(_delete, files))


def _files(held_file: HeldFile) -> list[str]:
    return [str(file.name) for file in (held_file.file, held_file.values) if file]


def _delete(files: Sequence[str]) -> None:
    for file in files:
        default_storage.delete(file)


@transaction.atomic
def readmit(held_file: HeldFile, *, by: Any) -> None:
    """Forget that it was discarded: the next import of the same pixels lays them on the desk again."""
    deleted, _ = HeldFile.objects.discarded().filter(pk=held_file.pk).delete()
    if not deleted:
        raise AlreadyDecidedError(held_file)
    record(held_file, by, "let a discarded file come again")


def _decide(held_file: HeldFile, state: str, by: Any, reason: str, mask: list[Rectangle]) -> None:
    """Claim the row, so that of two people only the first decides."""
    decision = {
        "state": state,
        "reason": reason,
        "mask": mask,
        "decided_by": by,
        "decided_at": timezone.now(),
        "file": "",
        "values": "",
    }
    if not HeldFile.objects.waiting().filter(pk=held_file.pk).update(**decision):
        raise AlreadyDecidedError(held_file)


def _image(held_file: HeldFile, reason: str, mask: list[Rectangle]) -> Image:
    owner = f"the held file “{held_file.source_name}”"
    pixels = decode_png(stored_bytes(held_file.file, owner))
    provenance, notes = dict(held_file.provenance), list(held_file.notes)
    notes.append(Note("release", f"Held: {held_file.hold_reason} Released: {reason}").as_json())
    if mask:
        pixels = masked(pixels, mask)
        refuse_even(pixels)
        provenance |= {
            "derived_from": f"held file {held_file.pk}",
            "masked": [list(rectangle) for rectangle in mask],
        }
        notes.append(Note("release", f"Masked before its release ({len(mask)} places are black).").as_json())
    dataset = held_file.dataset
    image = Image(
        dataset=dataset,
        import_job_id=held_file.import_job_id,
        origin=dataset.origin,
        modality=dataset.modality,
        label=held_file.label,
        patient_key=held_file.patient_key,
        split=held_file.split,
        source_name=held_file.source_name,
        source_sha256=held_file.source_sha256,
        **pixel_columns(pixels),
        provenance=provenance,
        notes=notes,
    )
    # The values under a mask would still show what it covers: they go.
    values = stored_bytes(held_file.values, owner) if held_file.values and not mask else b""
    insert(image, encode_png(pixels, level=STORED_LEVEL), values)
    return image
