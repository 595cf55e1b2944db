"""What people see of the pool, and what raters do not."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from django.urls import reverse
from PIL import Image as Pillow
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from pool.canonical.previews import thumbnail_png
from pool.dataset_removal import StillNeededError, remove
from pool.imports import tasks as import_tasks
from pool.imports.labels import ROW_WITHOUT_FILE
from pool.models import Dataset, Image, ImportJob
from tests.factories import make_dataset, make_image, make_pixels
from tests.generation.utility.datasets import make_experiment
from tests.pool.files import image_bytes, zipped
from tests.rating.cast import draft_study

pytestmark = pytest.mark.django_db

ClientOf = Callable[[User], Client]


@pytest.fixture
def browser(client_of: ClientOf, researcher: User) -> Client:
    return client_of(researcher)


def upload(browser: Client, *files: tuple[str, bytes], **fields: Any) -> Any:
    form = {"name": "New", "origin": "real", "modality": "xray", "labels": "none", **fields}
    images = [SimpleUploadedFile(name, data) for name, data in files]
    return browser.post(reverse("pool:upload"), {**form, "uploads": images}, follow=True)


def pages(image: Image, job: ImportJob) -> list[str]:
    plain = [reverse(f"pool:{name}") for name in ("datasets", "gallery", "upload")]
    of_image = [reverse(f"pool:{name}", args=[image.pk]) for name in ("image", "thumbnail", "image")]
    return [
        *plain,
        *of_image,
        *(reverse(f"pool:{name}", args=[job.pk]) for name in ("import", "import_progress")),
    ]


def actions(image: Image, job: ImportJob) -> list[str]:
    return [
        reverse("pool:exclude", args=[image.pk]),
        reverse("pool:include", args=[image.pk]),
        reverse("pool:import_cancel", args=[job.pk]),
        reverse("pool:upload"),
    ]


def test_raters_see_nothing_of_the_pool(client_of: ClientOf, rater: User) -> None:
    image = make_image()
    job = ImportJob.objects.create(dataset=image.dataset)
    browser = client_of(rater)

    assert {browser.get(page).status_code for page in pages(image, job)} == {403}
    assert {browser.post(page).status_code for page in actions(image, job)} == {403}
    image.refresh_from_db()
    assert image.excluded_reason == ""


@pytest.mark.parametrize("who", ["researcher", "admin"])
def test_researchers_and_admins_see_every_page(
    client_of: ClientOf, who: str, request: pytest.FixtureRequest
) -> None:
    image = make_image()
    job = ImportJob.objects.create(dataset=image.dataset)
    browser = client_of(request.getfixturevalue(who))

    assert {browser.get(page).status_code for page in pages(image, job)} == {200}


def test_strangers_are_asked_to_sign_in(client: Client) -> None:
    answer = client.get(reverse("pool:gallery"))

    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_no_page_has_inline_styles_or_scripts(browser: Client) -> None:
    image = make_image(label="covid")
    job = ImportJob.objects.create(dataset=image.dataset)

    for page in pages(image, job):
        answer = browser.get(page)
        if answer["Content-Type"].startswith("text/html"):
            assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", answer.text), page


@pytest.mark.parametrize("page", ["gallery", "datasets"])
def test_an_empty_pool_says_what_to_do(browser: Client, page: str) -> None:
    shown = browser.get(reverse(f"pool:{page}")).text

    assert "The pool is empty" in shown
    assert reverse("pool:upload") in shown


def test_upload_goes_into_a_new_dataset_and_lists_what_was_refused(browser: Client, tmp_path: Any) -> None:
    archive = zipped(
        {"covid/a.png": image_bytes(seed=1), "copy.png": image_bytes(seed=1)}, tmp_path / "z.zip"
    ).read_bytes()

    answer = upload(browser, ("z.zip", archive), ("bad.png", b"x"), licence="CC BY", labels="folder")
    job = ImportJob.objects.get()
    assert "Waiting for a worker" in answer.text
    assert '<noscript><meta http-equiv="refresh"' in answer.text
    import_tasks.run_import_job(job.pk)
    result = browser.get(job.get_absolute_url()).text

    assert "1 imported, 1 there already, 1 refused." in result
    assert "Not an allowed image type" in result
    assert "z.zip/copy.png" in result
    assert "refresh" not in result
    assert Dataset.objects.get().licence == "CC BY"
    assert Image.objects.get().label == "covid"


def test_upload_into_a_dataset_there_is(browser: Client) -> None:
    dataset = make_dataset(origin="synthetic", modality="ct")

    upload(browser, ("a.png", image_bytes()), dataset=dataset.pk, name="")
    import_tasks.run_import_job(ImportJob.objects.get().pk)

    assert dataset.images.get().origin == "synthetic"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name": ""}, "Name the new dataset"),
        ({"name": "Taken"}, "There is a dataset of this name"),
        ({"labels": "table"}, "Choose the CSV"),
        ({"labels": "folder"}, "Single files are sent without the folders they lie in"),
        ({"labels": "table", "table": SimpleUploadedFile("t.csv", b"a,b\n")}, "t.csv has no column file"),
    ],
)
def test_upload_form_says_what_is_missing(browser: Client, fields: dict[str, Any], why: str) -> None:
    make_dataset("Taken")

    answer = upload(browser, ("a.png", image_bytes()), **fields)

    assert answer.status_code == 422
    assert why in answer.text
    assert not ImportJob.objects.exists()


def test_an_upload_without_files_is_turned_away(browser: Client) -> None:
    assert upload(browser).status_code == 422


def test_progress_moves_and_then_asks_for_the_whole_page(browser: Client) -> None:
    job = ImportJob.objects.create(dataset=make_dataset(), state="running", done=3, total=9)
    page = reverse("pool:import_progress", args=[job.pk])

    running = browser.get(page, headers={"HX-Request": "true"})
    ImportJob.objects.update(state="succeeded")
    ended = browser.get(page, headers={"HX-Request": "true"})

    assert "3 of about 9 files" in running.text
    assert 'hx-trigger="every 1s"' in running.text
    assert ended["HX-Refresh"] == "true"


def test_cancel_stops_a_waiting_import(browser: Client) -> None:
    job = ImportJob.objects.create(dataset=make_dataset())

    answer = browser.post(reverse("pool:import_cancel", args=[job.pk]), follow=True)

    assert "Cancelled" in answer.text


def test_the_list_of_imports_says_of_each_what_became_of_its_files(browser: Client) -> None:
    job = ImportJob.objects.create(dataset=make_dataset("Chests"), state="succeeded", imported=4)
    job.outcomes.create(kind="refused", file="a.txt", reason="No image.")
    job.outcomes.create(kind="refused", file="b.png", reason=ROW_WITHOUT_FILE)

    page = browser.get(reverse("pool:import_list")).text

    assert "Chests" in page
    assert "4 imported, 1 refused" in page
    assert "1 refused, 1 row of the table without a file" in browser.get(job.get_absolute_url()).text


def test_a_stopped_import_goes_on_while_its_files_are_there(browser: Client) -> None:
    upload(browser, ("a.png", image_bytes()))
    job = ImportJob.objects.get()
    browser.post(reverse("pool:import_cancel", args=[job.pk]))

    browser.post(reverse("pool:import_resume", args=[job.pk]))

    job.refresh_from_db()
    assert job.state == "queued"


def test_an_import_whose_files_are_deleted_asks_for_them_again(browser: Client) -> None:
    job = ImportJob.objects.create(dataset=make_dataset(), state="failed", error="No.")

    page = browser.post(reverse("pool:import_resume", args=[job.pk]), follow=True)

    job.refresh_from_db()
    assert job.state == "failed"
    assert "send them again" in page.text
    assert "Go on" not in page.text


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"real covid", "real normal", "fake covid"}),
        ({"origin": "synthetic"}, {"fake covid"}),
        ({"label": "covid"}, {"real covid", "fake covid"}),
        ({"modality": "ct"}, {"fake covid"}),
        ({"origin": "real", "label": "normal"}, {"real normal"}),
        ({"origin": "nonsense"}, {"real covid", "real normal", "fake covid"}),
    ],
)
def test_gallery_filters(browser: Client, filters: dict[str, str], expected: set[str]) -> None:
    real, fake = make_dataset(), make_dataset(origin="synthetic", modality="ct")
    there = {
        "real covid": make_image(real, label="covid"),
        "real normal": make_image(real, label="normal"),
        "fake covid": make_image(fake, label="covid"),
    }

    shown = browser.get(reverse("pool:gallery"), filters).text

    assert {name for name, image in there.items() if image.get_absolute_url() in shown} == expected


def test_gallery_of_one_dataset_turns_pages_and_keeps_its_filter(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pool.views.images.PER_PAGE", 2)
    dataset, other = make_dataset(), make_dataset()
    mine = [make_image(dataset) for _ in range(3)]
    make_image(other)

    first, second = (
        browser.get(reverse("pool:gallery"), {"dataset": dataset.pk, "page": page}).text for page in (1, 2)
    )

    assert f"?dataset={dataset.pk}&amp;page=2" in first
    assert [image.get_absolute_url() in second for image in mine] == [False, False, True]


def test_gallery_asks_the_database_no_more_for_more_images(
    browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        make_image()
    browser.get(reverse("pool:gallery"))  # the first look of an hour is written into the log

    with django_assert_max_num_queries(11):
        assert browser.get(reverse("pool:gallery")).text.count("<figure>") == 12


def test_thumbnail_is_made_once_and_kept_by_the_browser(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make_image(pixels=make_pixels(side=400, bits=16))
    page = reverse("pool:thumbnail", args=[image.pk])

    first = browser.get(page)
    monkeypatch.setattr("pool.canonical.previews.thumbnail", None)  # would fail if it were made again
    second = browser.get(page)

    assert default_storage.exists(image.thumbnail_path)
    assert first.content == second.content
    assert Pillow.open(io.BytesIO(first.content)).size == (192, 192)
    assert first["Cache-Control"] == "private, max-age=31536000, immutable"


def test_a_deep_image_is_shown_in_eight_bits(browser: Client) -> None:
    faint = np.linspace(1000, 3000, 32 * 32).reshape(32, 32).astype(np.uint16)
    image = make_image(pixels=faint)

    shown = Pillow.open(io.BytesIO(browser.get(reverse("pool:image_file", args=[image.pk])).content))

    assert shown.mode == "L"
    assert shown.getextrema() == (0, 255)


def test_image_page_tells_where_it_comes_from(browser: Client) -> None:
    image = make_image(label="covid", source_name="set/a.dcm", provenance={"Modality": "CR", "view": "PA"})

    shown = browser.get(image.get_absolute_url()).text

    assert [text for text in ("covid", "set/a.dcm", "CR", "PA", "32 × 32, 8 bits") if text not in shown] == []


def test_an_image_is_left_out_with_a_reason_and_taken_back(browser: Client, researcher: User) -> None:
    image = make_image()

    nameless = browser.post(reverse("pool:exclude", args=[image.pk]), {"reason": " "})
    assert nameless.status_code == 422
    assert Image.objects.usable().get() == image
    out = browser.post(reverse("pool:exclude", args=[image.pk]), {"reason": "Rotated"}, follow=True)
    assert "Rotated" in out.text
    assert str(researcher) in out.text
    assert not Image.objects.usable().exists()
    browser.post(reverse("pool:include", args=[image.pk]))
    assert Image.objects.usable().get().excluded_by is None


def test_datasets_are_listed_with_their_numbers(browser: Client, researcher: User) -> None:
    dataset = make_dataset("Hannover")
    make_image(dataset)
    make_image(dataset).exclude("Rotated", by=researcher)

    shown = " ".join(browser.get(reverse("pool:datasets")).text.split())

    assert "Hannover" in shown
    numbers = 'data-head="Images">2</td> <td class="number" data-head="Left out">1</td>'
    assert f'<td class="number" {numbers}' in shown


def test_a_name_cannot_run_in_the_page(browser: Client) -> None:
    image = make_image(label="<script>alert(1)</script>", source_name="<img src=x onerror=alert(1)>")

    for page in (image.get_absolute_url(), reverse("pool:gallery")):
        assert "<script>alert" not in browser.get(page).text
        assert "<img src=x" not in browser.get(page).text


def test_half_a_thumbnail_is_never_shown(browser: Client) -> None:
    image = make_image()
    png = thumbnail_png(image)
    default_storage.delete(image.thumbnail_path)
    default_storage.save(image.thumbnail_path, ContentFile(png[:50]))

    response = browser.get(reverse("pool:thumbnail", args=[image.pk]))

    assert response.content == png
    folder = image.thumbnail_path.rpartition("/")[0]
    mine = [name for name in default_storage.listdir(folder)[1] if image.pk.hex in name]
    assert len(mine) == 1, "and none is left beside it"


def test_a_thumbnail_that_finds_no_room_is_shown_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_args: Any, **_options: Any) -> str:
        raise OSError(28, "No space left on device")

    image = make_image()
    monkeypatch.setattr(FileSystemStorage, "save", no_room)

    assert thumbnail_png(image).startswith(b"\x89PNG")


def test_a_dataset_imported_by_mistake_can_be_removed(browser: Client) -> None:
    dataset = make_dataset("Wrong folder")
    image = make_image(dataset)
    address = reverse("pool:remove_dataset", args=[dataset.pk])

    asked = browser.get(address).content.decode()
    with TestCase.captureOnCommitCallbacks(execute=True):
        page = browser.post(address, {"confirm": "wrong folder"}, follow=True).content.decode()

    assert "1 real image (X-ray)" in asked
    assert "“Wrong folder” has been removed." in page
    assert not Dataset.objects.exists()
    assert not default_storage.exists(str(image.file.name))


def test_a_dataset_that_something_rests_on_stays(browser: Client) -> None:
    study = draft_study()
    stratum = study.strata.first()
    assert stratum is not None
    images = stratum.dataset.images.count()

    page = browser.post(
        reverse("pool:remove_dataset", args=[stratum.dataset_id]),
        {"confirm": stratum.dataset.name},
        follow=True,
    ).content.decode()

    assert "cannot be removed: a study, a model, a report or generated images rest on it" in page
    assert stratum.dataset.images.count() == images > 0


def test_a_dataset_in_a_utility_experiment_stays() -> None:
    fakes = make_dataset(origin="synthetic")
    make_experiment(make_dataset(), fakes)

    with pytest.raises(StillNeededError, match="rest on it"):
        remove(fakes)
