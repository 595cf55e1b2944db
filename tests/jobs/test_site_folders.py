"""What people read of a job names files from the site's own folder, not from the server's root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from generation.images.prices.table import PriceTableError, price_table
from generation.metrics.feature_extractor import ExtractorError
from generation.metrics.published.networks import weights_file
from generation.metrics.published.recipe import LIBRARIES, Recipe
from generation.training import pipeline_folder
from jobs import disk_space, site_folders
from jobs.models import Job, JobFailedError, as_sentence
from tests.generation.makers import make_job


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Path:
    """Three folders of a site, in different places of its server; the home's name begins another folder's."""
    settings.HOME = type("Home", (), {"root": tmp_path / "home"})()
    settings.MODELS_DIR = tmp_path / "shared" / "networks"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"OPTIONS": {"location": str(tmp_path / "disk" / "images")}},
    }
    settings.HOME.root.mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("no {0}/home/prices.toml here", "no prices.toml here"),
        ("the disk of {0}/home is full", "the disk of the site's folder is full"),
        ("'{0}/shared/networks/loras/a.safetensors'", "'models/loras/a.safetensors'"),
        ("nothing in {0}/shared/networks.", "nothing in models."),
        ("{0}/disk/images/7/a.png: lost", "media/7/a.png: lost"),
        ("{0}/home-of-another/a.png", "{0}/home-of-another/a.png"),
        ("https://example.org{0}/home/a.png", "https://example.org{0}/home/a.png"),
        ("s3:/{0}/home/a.png", "s3:/{0}/home/a.png"),  # of which the folder's first name is a bucket
        ("file://{0}/home/a.png", "file://a.png"),
        ("/mnt{0}/home/a.png, and in /mnt{0}/home", "/mnt{0}/home/a.png, and in /mnt{0}/home"),
    ],
)
def test_a_path_reads_from_the_sites_own_folders(server: Path, text: str, read: str) -> None:
    assert site_folders.as_read(text.format(server)) == read.format(server)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [FileNotFoundError, JobFailedError])
def test_neither_message_nor_error_of_a_job_says_where_the_site_lies(
    server: Path, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(job: Job) -> None:
        job.beat(message=f"Looking into {server}/shared/networks/run-7")
        raise kind(f"There is no {server}/home/cache/7.")

    monkeypatch.setattr("jobs.models.runner_of", lambda _kind: fail)
    job = make_job()
    if kind is JobFailedError:
        job.perform()
    else:
        with pytest.raises(FileNotFoundError):
            job.perform()

    job.refresh_from_db()
    assert job.message == "Looking into models/run-7"
    assert "There is no cache/7." in job.error
    assert not [event.text for event in job.events.all() if str(server) in event.text]


def test_an_error_that_is_cut_ends_in_no_part_of_a_path(server: Path) -> None:
    folder = f"{server}/home/models"

    assert str(server) not in as_sentence(OSError(f"{'x' * (486 - len(str(server)))} {folder}"))


def test_no_sentence_of_a_form_says_where_the_site_lies(server: Path) -> None:
    (server / "home" / "prices.toml").mkdir()
    recipe = Recipe("CT", "clean-fid", server / "shared" / "ct.pt", LIBRARIES["clean-fid"].preparation)
    with pytest.raises(ExtractorError) as no_weights:
        weights_file(recipe)
    with pytest.raises(PriceTableError) as no_prices:
        price_table()

    sentences = [
        *(pipeline_folder.no_such_pipeline(), pipeline_folder.no_such_lora(), disk_space.shortage(least=2.0)),
        *(str(no_weights.value), str(no_prices.value)),
    ]

    assert not [sentence for sentence in sentences if str(server) in sentence or not sentence]


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/generation/new/pipeline/", "/generation/training/fine-tune/"])
def test_pages_name_the_folder_of_pipelines_and_what_is_not_in_it(
    server: Path, client_of: Callable[[User], Client], researcher: User, page: str
) -> None:
    wish = {"api_model": "none", "pipeline": "none", "lora": "neither", "prompt": "chest", "total": 1}
    browser = client_of(researcher)

    empty = browser.get(page).content.decode()
    pipeline = pipeline_folder.folder() / "chests"
    pipeline.mkdir(parents=True)
    (pipeline / "model_index.json").write_text("{}")
    refused = browser.post(page, wish).content.decode()

    assert "<code>models/pipelines</code>" in empty
    assert "in models/pipelines; there are: chests." in refused
    assert str(server) not in empty + refused
