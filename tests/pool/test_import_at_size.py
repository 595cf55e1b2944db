"""An import of any length costs the same by file: counted at two sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from pool.imports import uploads
from pool.imports.uploads import submit_upload
from pool.models import ImportJob
from tests.factories import make_dataset
from tests.pool.files import image_bytes, zipped

pytestmark = pytest.mark.django_db


def queries_of(files: int, researcher: User, folder: Path) -> int:
    """How often the database is asked by an import of so many images, a quarter of them broken."""
    members = {f"{n}.png": image_bytes(seed=n) if n % 4 else b"broken" for n in range(files)}
    archive = zipped(members, folder / f"{files}.zip")
    sent = SimpleUploadedFile(archive.name, archive.read_bytes())
    job = submit_upload(make_dataset(), {"uploads": [sent], "labels": "none", "table": None}, by=researcher)
    with CaptureQueriesContext(connection) as captured:
        job.perform()
    assert ImportJob.objects.get(pk=job.pk).images.count() == files * 3 // 4
    return len(captured)


def test_the_database_is_asked_as_often_for_each_file_however_many_there_are(
    researcher: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TELL_EVERY", 3600.0)  # what is told by the clock is no cost of a file

    few, some, many = (queries_of(files, researcher, tmp_path) for files in (8, 16, 48))

    assert (many - some) == 4 * (some - few)
