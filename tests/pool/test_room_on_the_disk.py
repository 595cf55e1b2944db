"""Imports and generation stop while a tenth of the disk is still free, and go on by themselves once there is room."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from jobs import disk_space, tasks
from jobs.models import JobNeedsRoomError
from pool.imports.tasks import drop_finished_uploads, run_import_job
from pool.imports.uploads import submit_upload
from pool.models import Image, ImportJob
from tests.factories import make_dataset
from tests.pool.files import image_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The disk of images and database: a hundred bytes, of which `free` are free."""
    usage = SimpleNamespace(total=100, free=50)
    monkeypatch.setattr("jobs.disk_space.shutil.disk_usage", lambda _folder: usage)
    return usage


def submitted(by: User, *names: str) -> ImportJob:
    files = [SimpleUploadedFile(name, image_bytes()) for name in names]
    return submit_upload(make_dataset(), {"uploads": files, "labels": "none", "table": None}, by=by)


def test_an_import_waits_for_room_keeps_its_files_and_goes_on_by_itself(
    disk: SimpleNamespace, researcher: User
) -> None:
    job = submitted(researcher, "a.png")

    disk.free = 9
    run_import_job(job.pk)
    job.refresh_from_db()
    paused = (job.state, job.error)
    drop_finished_uploads()
    tasks.sweep_jobs()
    job.refresh_from_db()
    still = job.state
    disk.free = 12
    tasks.sweep_jobs()
    run_import_job(job.pk)
    job.refresh_from_db()

    assert paused[0] == still == "paused"
    assert paused[1].startswith(
        "Waiting for room on the disk. Only 0.0 GB, less than a tenth, of the disk of "
    )
    assert (job.state, job.imported, job.error) == ("succeeded", 1, "")


def test_a_job_does_not_go_on_before_there_is_a_little_more_than_a_tenth(
    disk: SimpleNamespace, researcher: User
) -> None:
    job = submitted(researcher, "a.png")
    disk.free = 9
    run_import_job(job.pk)

    disk.free = 11

    assert ImportJob.objects.resume_with_room() == 0


def test_a_job_that_waits_for_a_person_is_left_to_that_person(
    disk: SimpleNamespace, researcher: User
) -> None:
    job = submitted(researcher, "a.png")
    ImportJob.objects.filter(pk=job.pk).update(state="paused", error="The API key was not accepted.")

    assert ImportJob.objects.resume_with_room() == 0


def test_a_file_that_found_no_room_is_not_refused_for_good(
    researcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submitted(researcher, "a.png")

    def full(*_args: Any, **_options: Any) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "_save", full)
        run_import_job(job.pk)
    job.refresh_from_db()
    paused = (job.state, job.error, job.outcomes.count())
    tasks.sweep_jobs()
    run_import_job(job.pk)
    job.refresh_from_db()

    assert paused == ("paused", str(JobNeedsRoomError()), 0)
    assert (job.state, job.imported) == ("succeeded", 1)


def test_the_page_takes_no_files_while_the_disk_is_nearly_full(
    disk: SimpleNamespace, researcher: User, client_of: Callable[[User], Client]
) -> None:
    disk.free = 9
    wish = {"name": "D", "origin": "real", "modality": "xray", "labels": "none"}

    page = client_of(researcher).post(
        "/pool/import/", {**wish, "uploads": SimpleUploadedFile("a.png", image_bytes())}
    )

    assert page.status_code == 422
    assert "Nothing can be imported now. Only 0.0 GB, less than a tenth" in page.content.decode()
    assert not ImportJob.objects.exists()


def test_the_command_stops_with_a_sentence_and_goes_on_when_given_again(
    disk: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(image_bytes())
    words = ("import", str(tmp_path), "--dataset=D", "--modality=xray", "--origin=real")
    disk.free = 9

    with pytest.raises(CommandError, match=r"less than a tenth.*give the same command again"):
        call_command(*words, stdout=StringIO())
    disk.free = 50
    call_command(*words, stdout=StringIO())

    assert Image.objects.count() == 1


def test_only_what_makes_images_stops() -> None:
    stopping = {kind.__name__ for kind in tasks.job_kinds() if kind.fills_the_disk}

    assert stopping == {
        *("ImportJob", "GenerationJob", "TrainingRun", "UtilityExperiment"),
        *("BundleJob", "DatasetRelease"),
    }


def test_the_fullest_of_the_disks_counts(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    settings.STORAGES = {**settings.STORAGES, "default": {"OPTIONS": {"location": str(images)}}}
    free = {str(images): 5, str(settings.HOME.root): 80}
    monkeypatch.setattr(
        "jobs.disk_space.shutil.disk_usage", lambda folder: SimpleNamespace(total=100, free=free[str(folder)])
    )

    assert "of the disk of media is free" in disk_space.shortage()
    assert disk_space.free_share() == 0.05
