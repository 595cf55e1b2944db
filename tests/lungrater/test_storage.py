"""Files in S3 instead of a folder, against moto's server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from moto.server import ThreadedMotoServer

from lungrater.settings import storage
from pool.imports.tasks import run_import_job
from pool.imports.uploads import submit_upload
from tests.factories import make_dataset
from tests.pool.files import image_bytes
from tests.rating.cast import open_study, presentations


@pytest.fixture
def s3(monkeypatch) -> Iterator[str]:
    """A STORAGE_URL whose bucket exists."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="lungs")
    yield f"s3://lungs?endpoint={endpoint}"
    server.stop()


@pytest.mark.django_db
def test_a_study_whose_files_lie_in_s3_is_frozen_and_read(s3, settings, client_of, rater):
    settings.STORAGES = {**settings.STORAGES, "default": storage(s3)}
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]

    response = client_of(rater).get(reverse("rating:presented", args=[first.token]))

    assert type(storages["default"]).__name__ == "TimedS3Storage"
    assert response.content.startswith(b"\x89PNG")
    assert first.study_image.derivative.storage.exists(str(first.study_image.derivative.name))


@pytest.mark.django_db
def test_an_upload_that_lies_in_s3_is_imported_and_its_thumbnail_kept_there(
    s3, settings, client_of, researcher
):
    settings.STORAGES = {**settings.STORAGES, "default": storage(s3)}
    files = [SimpleUploadedFile("a.png", image_bytes())]
    job = submit_upload(make_dataset(), {"uploads": files, "labels": "none", "table": None}, by=researcher)

    run_import_job(job.pk)
    image = job.images.get()
    response = client_of(researcher).get(reverse("pool:thumbnail", args=[image.pk]))

    assert response.content.startswith(b"\x89PNG")
    assert image.file.storage.exists(image.thumbnail_path)


def test_a_folder_is_a_folder(tmp_path):
    assert storage(str(tmp_path))["OPTIONS"] == {"location": str(tmp_path)}


def test_production_refuses_to_start_on_the_development_secret(tmp_path: Path):
    environment = {"LUNGRATER_PRODUCTION": "1", "LUNGRATER_HOME": str(tmp_path / "empty"), "PATH": ""}

    ended = subprocess.run(
        [sys.executable, "-c", "import lungrater.settings"],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode != 0
    assert "Set SECRET_KEY" in ended.stderr
