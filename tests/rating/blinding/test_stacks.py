"""Stacks at the freeze: every image of a study has as many slices as any other, on one path, under one window."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from pool.canonical.pixels import blinded_derivative, decode_png, grey_window
from pool.storage.measured_zip import MeasuredZip
from rating.blinding.freeze_runner import manifest_sha256
from rating.blinding.verification import verify_derivatives, verify_manifest
from rating.models import Presentation, StudySlice
from rating.results.export.bundle import Bundle
from rating.results.export.study_manifest import manifest_of
from tests.factories import make_image, make_pixels
from tests.rating.blinding.test_wire import differences, put_back, read_it_all, swap_truth
from tests.rating.cast import organiser
from tests.rating.stacks import bright_rows, frozen, open_stack_study, row_of, shown_slices, stack_study

pytestmark = pytest.mark.django_db


def test_all_images_have_as_many_slices_as_the_smallest_evenly_spaced_and_in_order() -> None:
    study = frozen(stack_study(real=(9, 5, 9), fake=(5, 7, 9)))

    assert study.slices == 5
    for image in study.images.select_related("image"):
        slices = image.image.slices
        step = slices / 5
        places = [int(slices / 2 + (number - 2) * step) for number in range(5)]
        rows = bright_rows(shown_slices(image))
        assert np.allclose(rows, [row_of(place, of=slices) for place in places], atol=1)
        assert image.other_slices.count() == 4


@pytest.mark.parametrize(("wish", "slices"), [(3, 3), (400, 7), (1, 1)])
def test_a_study_asks_for_fewer_slices_and_never_gets_more_than_there_are(wish: int, slices: int) -> None:
    study = frozen(stack_study(slices=wish))

    assert study.slices == slices
    assert StudySlice.objects.filter(study_image__study=study).count() == 6 * (slices - 1)


@pytest.mark.parametrize(
    "protocol",
    [{"design": "pair", "primary_endpoint": "accuracy"}, {"grey_range": "common"}, {"fake": (7, 7, 1)}],
)
def test_where_stacks_cannot_be_alike_every_image_is_its_middle_slice(protocol: dict[str, Any]) -> None:
    study = frozen(stack_study(**protocol))

    assert study.slices == 1
    assert not StudySlice.objects.filter(study_image__study=study).exists()


def test_slices_of_a_stack_share_one_window_and_an_image_alone_keeps_its_own() -> None:
    bright, dark = make_pixels(bits=16, seed=1), (make_pixels(bits=16, seed=2) // 4).astype(np.uint16)

    for bits in (8, 16):
        window = grey_window([bright, dark], side=32, bits=bits)
        derivative_pixels = decode_png(blinded_derivative(dark, side=32, bits=bits, window=window))
        alone = grey_window([dark], side=32, bits=bits)

        top = 2**bits - 1
        assert np.median(derivative_pixels) < 0.2 * top
        assert blinded_derivative(dark, side=32, bits=bits, window=alone) == blinded_derivative(
            dark, side=32, bits=bits
        )


def test_the_manifest_and_verify_know_every_slice() -> None:
    study = frozen(stack_study())
    before = study.manifest_sha256
    row = StudySlice.objects.filter(study_image__study=study).first()
    assert row is not None
    assert [*verify_manifest(study), *verify_derivatives(study)] == []

    name = str(row.derivative.name)
    row.derivative.storage.delete(name)
    row.derivative.storage.save(name, ContentFile(b"another"))

    [discrepancy] = verify_derivatives(study)
    assert f"image {row.study_image.code}, slice {row.number}" in str(discrepancy)
    with pytest.raises(IntegrityError, match="stands"), transaction.atomic():
        StudySlice.objects.filter(pk=row.pk).update(derivative_sha256="0" * 64)
    with pytest.raises(IntegrityError, match="stands"), transaction.atomic():
        row.delete()
    assert manifest_sha256(study) == before


def test_a_bundle_with_all_images_has_every_slice_and_the_digest_of_each(tmp_path) -> None:
    study = frozen(stack_study(real=(3,), fake=(3,)))

    with contextlib.closing(MeasuredZip(tmp_path / "bundle.zip")) as archive:
        Bundle(study, "2026-11-28", archive, str).add_images(with_images=True)

    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        digests = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    for image in manifest_of(study)["images"]:
        code, slices = image["image"], image["other_slices_sha256"]
        assert digests.pop(f"images/{code}.png") == image["derivative_sha256"]
        assert {number: digests.pop(f"images/{code}-slice-{number}.png") for number in (1, 3)} == slices
    assert not digests


def test_no_byte_of_any_slice_depends_on_the_truth(rater, client_of) -> None:
    study = open_stack_study(raters=[rater], real=(5, 5), fake=(5, 7))

    def crawled() -> list[Any]:
        answers = read_it_all(client_of(rater), study)
        browser = client_of(rater)
        for token in Presentation.objects.order_by("position").values_list("token", flat=True):
            for number in range(7):
                response = browser.get(reverse("rating:presented_of_set", args=[token, number]))
                headers = tuple(sorted(response.headers.items()))
                answers.append(
                    (f"slice {number} of {token}", response.status_code, headers, response.content)
                )
        return answers

    with put_back():
        answers = crawled()
    with put_back():
        swap_truth()
        other = crawled()

    assert differences(answers, other) == []
    slices = [answer for answer in answers if answer[0].startswith("slice")]
    assert [answer[1] for answer in slices[:7]] == [404, 200, 200, 200, 200, 200, 404]
    of_image = next(answer for answer in answers if answer[0].startswith("get /i/"))
    names = [name for name, _ in of_image[2]]
    assert all([name for name, _ in answer[2]] == names for answer in slices if answer[1] == 200)


def test_a_slice_is_there_for_its_rater_alone_and_only_once_reached(
    rater, other_rater, researcher, client_of
) -> None:
    study = open_stack_study(raters=[rater], real=(5,) * 5, fake=(5,) * 5, hold_ahead=3)
    shown = Presentation.objects.filter(sitting__enrolment__study=study).order_by("position")
    first, far = shown[0], shown[8]

    url = reverse("rating:presented_of_set", args=[first.token, 2])
    for browser in (Client(), client_of(other_rater), client_of(researcher)):
        assert browser.get(url).status_code == 404

    assert client_of(rater).get(url).status_code == 200
    assert client_of(rater).get(reverse("rating:presented_of_set", args=[far.token, 2])).status_code == 404


@pytest.mark.parametrize("slices", [3, 30])
def test_a_slice_costs_three_queries_however_many_there_are(
    slices: int, rater, client_of, django_assert_max_num_queries
) -> None:
    study = open_stack_study(raters=[rater], real=(slices, slices), fake=(slices, slices))
    token = Presentation.objects.get(sitting__enrolment__study=study, position=1).token
    browser = client_of(rater)
    browser.get(reverse("rating:reading_list"))

    for number in (1, slices // 2 + 1, slices):
        with django_assert_max_num_queries(3):
            assert browser.get(reverse("rating:presented_of_set", args=[token, number])).status_code == 200


def test_a_preview_turns_the_slices_of_a_draft_and_of_a_frozen_study(researcher, client_of) -> None:
    study, browser = stack_study(real=(5, 5), fake=(5, 5)), client_of(researcher)
    asked = [reverse("rating:preview_image", args=[study.slug, 1, number]) for number in range(1, 7)]

    of_draft = [browser.get(url) for url in asked]
    frozen(study)
    of_frozen = [browser.get(url) for url in asked]

    for answers in (of_draft, of_frozen):
        assert [answer.status_code for answer in answers] == [*[200] * 5, 404]
        assert bright_rows([decode_png(answer.content) for answer in answers[:5]]) == pytest.approx(
            [row_of(place, of=5) for place in range(5)], abs=1
        )


def test_single_images_have_no_slices(rater, client_of) -> None:
    study = stack_study(raters=[rater], slices=1)
    make_image(dataset=study.strata.first().dataset)
    frozen(study).open(organiser())
    token = Presentation.objects.get(sitting__enrolment__study=study, position=1).token

    assert client_of(rater).get(reverse("rating:presented_of_set", args=[token, 1])).status_code == 404
    assert client_of(rater).get(reverse("rating:presented", args=[token])).status_code == 200
