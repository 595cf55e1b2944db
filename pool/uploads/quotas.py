"""How much may be sent: by file, by person, and by what the disk has room for."""

from __future__ import annotations

import shutil
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Sum

from jobs.disk_space import LEAST_FREE, shortage
from pool.canonical.texts import file_name
from pool.uploads import staging
from pool.uploads.models import ResumableUpload
from pool.uploads.protocol import Metadata, ProtocolError

GIB = 2**30
MOST_AT_ONCE = 2000  # files of a person that are not imported yet
UNNAMED = "unnamed"


def largest() -> int:
    return int(settings.UPLOAD_MOST_GB) * GIB


def check_room() -> None:
    """Raises ProtocolError where the disk has none."""
    if sentence := shortage():
        raise ProtocolError(
            507, f"Nothing can be sent now. {sentence.split(' of the disk')[0]} of the disk is free."
        )


def create(person: Any, length: int, metadata: Metadata) -> ResumableUpload:
    """A new upload within all bounds. Raises ProtocolError with a sentence."""
    if length > largest():
        raise ProtocolError(413, f"A file may have {settings.UPLOAD_MOST_GB} GB; this one is larger.")
    check_room()
    with transaction.atomic():
        # One after another, so that two at once cannot both take the last of what is allowed.
        get_user_model().objects.select_for_update(no_key=True).get(pk=person.pk)
        _check_person(person, length)
        _check_disk(length)
        upload = ResumableUpload.objects.create(
            owner=person,
            name=file_name(metadata.name or UNNAMED),
            is_pack=metadata.is_pack,
            fingerprint=metadata.fingerprint,
            length=length,
        )
        upload.refresh_from_db()
        staging.begin(upload)
    return upload


def _check_person(person: Any, length: int) -> None:
    own = ResumableUpload.objects.owned_by(person).aggregate(number=Count("pk"), bytes=Sum("length"))
    if own["number"] >= MOST_AT_ONCE or (own["bytes"] or 0) + length > settings.UPLOAD_MOST_GB_PERSON * GIB:
        raise ProtocolError(
            413,
            f"You may have {MOST_AT_ONCE:,} files and {settings.UPLOAD_MOST_GB_PERSON} GB here that are not imported yet: "
            "import them, or drop them on the page of imports.",
        )


def _check_disk(length: int) -> None:
    """What all unfinished uploads still announce must fit above the tenth that stays free."""
    staged = staging.sizes()
    unfinished = ResumableUpload.objects.filter(is_complete=False).values_list("pk", "length")
    announced = sum(max(0, size - staged.get(pk.hex, 0)) for pk, size in unfinished)
    disk = shutil.disk_usage(staging.folder())
    if disk.free - announced - length < disk.total * LEAST_FREE:
        raise ProtocolError(507, "The disk of this site has no room for this file. Ask who runs this site.")
