"""A file that a row names and the storage does not have: each page, job and command says so and goes on."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from generation.images.contact_sheet import contact_sheet
from pool.canonical.pixels import decode_png
from pool.models import Image
from pool.storage.stored_files import placeholder, placeholder_png
from rating.models import Freeze
from tests.factories import make_dataset, make_image
from tests.rating.bundles import bundle
from tests.rating.cast import draft_study, open_study, over_study, presentations

pytestmark = pytest.mark.django_db
IMG = "image/avif,image/webp,*/*;q=0.8"


def lose(file: Any) -> None:
    file.storage.delete(str(file.name))


def test_a_placeholder_is_a_square_with_a_cross() -> None:
    pixels = placeholder(9)

    lit = pixels != pixels[0, 1]
    assert np.array_equal(lit, np.eye(9, dtype=bool) | np.eye(9, dtype=bool)[:, ::-1])


@pytest.mark.parametrize("page", ["pool:thumbnail", "pool:image_file"])
def test_a_lost_image_of_the_pool_is_a_placeholder_in_the_gallery(client_of, researcher, page: str) -> None:
    image = make_image()
    lose(image.file)

    answer = client_of(researcher).get(reverse(page, args=[image.pk]), headers={"Accept": IMG})

    assert (answer.status_code, answer["Content-Type"]) == (410, "image/png")
    assert answer.content == placeholder_png()
    assert answer["Cache-Control"] == "private, no-store"


def test_whoever_opens_a_lost_image_reads_one_sentence(client_of, researcher) -> None:
    image = make_image()
    lose(image.file)

    answer = client_of(researcher).get(
        reverse("pool:image_file", args=[image.pk]), headers={"Accept": "text/html"}
    )

    assert answer.status_code == 410
    assert f"The file of image {image.pk} is lost: restore it from a backup" in answer.content.decode()


def test_a_freeze_names_every_lost_image_and_leaves_the_study_a_draft() -> None:
    study = draft_study(real=3, fake=3)
    lost = list(Image.objects.order_by("pk")[:2])
    for image in lost:
        lose(image.file)

    freeze = Freeze.objects.create(study=study)
    freeze.perform()

    study.refresh_from_db()
    assert freeze.state == Freeze.State.FAILED
    assert freeze.error.startswith("The files of these images are lost: ")
    assert all(str(image.pk) in freeze.error for image in lost)
    assert study.is_draft


def test_a_freeze_goes_on_once_the_files_are_back() -> None:
    study = draft_study(real=3, fake=3)
    image = Image.objects.first()
    content = image.file.read()
    lose(image.file)
    Freeze.objects.create(study=study).perform()

    image.file.storage.save(str(image.file.name), io.BytesIO(content))
    again = Freeze.objects.create(study=study)
    again.perform()

    assert again.state == Freeze.State.SUCCEEDED, again.error


def test_report_and_bundle_of_a_study_stand_without_a_lost_image(rater, other_rater) -> None:
    study = over_study(raters=[rater, other_rater], unblinded=True)
    lost = study.images.order_by("code")[0]
    lose(lost.derivative)

    archive = zipfile.ZipFile(io.BytesIO(bundle(study, "2026-03-01")))

    names = archive.namelist()
    assert archive.read("images/LOST.txt").decode() == f"{lost.code}: the file is lost.\n"
    assert f"images/{lost.code}.png" not in names
    assert "report.pdf" in names
    assert "the image that raters were shown is gone" in archive.read("report.html").decode()


def test_the_report_page_and_the_image_page_stand(client_of, researcher, rater, other_rater) -> None:
    study = over_study(raters=[rater, other_rater], unblinded=True)
    lost = study.images.order_by("code")[0]
    lose(lost.derivative)
    client = client_of(researcher)

    report = client.get(reverse("rating:report", args=[study.slug, "html"]))
    image = client.get(reverse("rating:study_image", args=[study.slug, lost.code]), headers={"Accept": IMG})

    assert report.status_code == 200
    assert (image.status_code, image.content) == (410, placeholder_png())


def test_what_a_rater_is_told_of_a_lost_image_tells_nothing_else(client_of, rater) -> None:
    study = open_study(raters=[rater])
    answers = set()
    for presentation in presentations(study, rater)[:4]:  # what a rater has reached
        lose(presentation.study_image.derivative)
        answer = client_of(rater).get(reverse("rating:presented", args=[presentation.token]))
        answers.add((answer.status_code, answer.content, tuple(sorted(answer.headers.items()))))

    [(status, content, _headers)] = answers
    assert (status, content.decode()) == (
        410,
        "The file of this image is lost; please tell the organiser of the study.",
    )


def test_a_contact_sheet_has_a_placeholder(monkeypatch) -> None:
    from types import SimpleNamespace

    image = make_image()
    lose(image.file)

    sheet = contact_sheet([SimpleNamespace(image=image, index=0)])  # type: ignore[list-item]  # what a sheet reads

    assert decode_png(placeholder_png(192)).shape == (192, 192)
    assert sheet.startswith(b"\x89PNG")


def test_verify_names_every_lost_and_every_empty_file(capsys) -> None:
    dataset = make_dataset()
    lost, empty, _whole = (make_image(dataset=dataset) for _ in range(3))
    lose(lost.file)
    lose(empty.file)
    empty.file.storage.save(str(empty.file.name), io.BytesIO())

    with pytest.raises(CommandError, match="2 things"):
        call_command("verify", "--files", "--json")

    assert sorted(json.loads(capsys.readouterr().out)["discrepancies"]) == sorted(
        [
            f"image {lost.pk}: its file {lost.file.name} is lost.",
            f"image {empty.pk}: its file {empty.file.name} is empty.",
        ]
    )


def test_without_files_verify_does_not_look_for_those_of_the_pool() -> None:
    lose(make_image().file)

    call_command("verify")
