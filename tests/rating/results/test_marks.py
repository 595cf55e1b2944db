"""Marks in results: counted by cell, each rater once, by image and by generator, and shown once the truth is."""

from __future__ import annotations

import io
import uuid

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image

from pool.canonical.typed_json import as_json, from_json
from pool.figure_style import PRINT, as_file
from rating.models import Rating
from rating.results.build_report import report_on, results_of
from rating.results.gallery import GALLERIES
from rating.results.marks_over_image import marked_images
from rating.results.sections import marks as section
from rating.statistics.marks import GRID, MarkResults, cells_of, mark_results
from tests.rating.cast import open_study, organiser, presentations

POINT = (0.5, 0.25, 0.0, 0.0)
LAST = GRID - 1


@pytest.mark.parametrize(
    ("box", "cells"),
    [
        (POINT, {(4, 8)}),
        ((0.0, 0.0, 0.0, 0.0), {(0, 0)}),
        ((1.0, 1.0, 0.0, 0.0), {(LAST, LAST)}),
        ((0.0, 0.0, 0.0625, 0.0625), {(0, 0)}),
        ((0.03, 0.0, 0.0625, 0.125), {(0, 0), (0, 1), (1, 0), (1, 1)}),
        ((0.0, 0.0, 1.0, 1.0), {(row, column) for row in range(GRID) for column in range(GRID)}),
    ],
)
def test_a_mark_touches_the_cells_it_lies_in(box, cells):
    assert cells_of([box]) == cells


def test_each_rater_counts_once_a_cell_and_images_without_marks_count_as_read():
    results = mark_results(
        {
            ("R01", "a"): [POINT, (0.5, 0.25, 0.06, 0.06)],
            ("R02", "a"): [POINT],
            ("R01", "b"): [],
            ("R01", "c"): [POINT],
            ("R02", "c"): [],
            ("R01", "gone"): [POINT],
        },
        ("a", "b", "c"),
        ("fake", "real", "fake"),
        ("GAN", "", "GAN"),
    )

    of_a, of_b, _ = results.images
    assert (of_a.raters, of_a.marking, of_a.marks, of_a.cells[4][8]) == (2, 2, 3, 2)
    assert sum(map(sum, of_a.cells)) == 2
    assert (of_b.raters, of_b.marking) == (1, 0)
    real, gan = results.groups
    assert (real.name, real.images, real.ratings, real.marks) == ("real images", 1, 1, 0)
    assert (gan.name, gan.images, gan.ratings, gan.marking, gan.cells[4][8]) == ("GAN", 2, 4, 3, 3)
    assert from_json(MarkResults, as_json(results)) == results


@pytest.mark.django_db
def test_marks_are_shown_by_generator_and_image_once_the_truth_is_known(
    rater, other_rater, researcher, client_of
):
    study = open_study(raters=[rater, other_rater], marks=True)
    mark = {"x": 0.5, "y": 0.25, "w": 0.0, "h": 0.0}
    for person in (rater, other_rater):
        for presentation in presentations(study, person):
            fake = presentation.study_image.image.origin != "real"
            Rating.record(
                presentation, uuid.uuid4(), label="fake", view_state={"marks": [mark]} if fake else {"low": 0}
            )
    study.close(organiser())
    url = reverse("rating:analysis_question", args=[study.slug, "marked"])

    blinded = client_of(researcher).get(url).content.decode()
    study.unblind(organiser(), "All raters have finished.")
    page = client_of(researcher).get(url).content.decode()
    results = results_of(study)

    assert "unblind the study to see it" in blinded
    assert "Reading synthetic xray" in page
    rows = section.by_generator(results).rows
    assert [row[1:] for row in rows] == [
        [3, 6, 0, 0.0, 0, None, None, 0],
        [3, 6, 6, 1.0, 6, 8.5 / GRID, 4.5 / GRID, 6],
    ]
    assert [row[3:6] for row in section.by_image(results).rows] == [[2, 2, 2]] * 3
    for draw in (section.draw_groups, section.draw_images):
        assert as_file(draw(results, PRINT), "png").startswith(b"\x89PNG")
    report = str(report_on(study, results, "2026-01-01"))
    assert "Where each image was marked" in report
    assert "Raters could mark points and boxes on images." in report
    assert "Each image was a stack" not in report


@pytest.mark.django_db
def test_a_study_without_marks_has_no_such_question(rater, researcher, client_of):
    study = open_study(raters=[rater])
    study.close(organiser())

    assert results_of(study).marks is None
    assert (
        "Where did they mark it?"
        not in client_of(researcher).get(reverse("rating:analysis", args=[study.slug])).content.decode()
    )


@pytest.mark.django_db
def test_marks_lie_over_the_image_once_the_study_is_unblinded(client_of, researcher, rater, other_rater):
    study = open_study(raters=[rater, other_rater], marks=True)
    point, box = {"x": 0.5, "y": 0.25, "w": 0, "h": 0}, {"x": 0.5, "y": 0.25, "w": 0.0625, "h": 0.0625}
    for person, mark in ((rater, point), (other_rater, box)):
        for presentation in presentations(study, person):
            is_first = presentation.study_image == study.images.first()
            state: dict[str, object] = {"marks": [mark]} if is_first else {}
            Rating.record(presentation, uuid.uuid4(), label="fake", view_state=state)
    code = study.images.first().code
    address = reverse("rating:study_marks", args=[study.slug, code])
    study.close(organiser())
    blinded = client_of(researcher).get(address).status_code
    study.unblind(organiser(), "All have read.")

    answer = client_of(researcher).get(address)
    galleries = reverse("rating:analysis_images", args=[study.slug])
    pages = [client_of(researcher).get(galleries, {"show": name}).content.decode() for name in GALLERIES]
    plain = client_of(researcher).get(reverse("rating:study_image", args=[study.slug, code])).content

    over = np.asarray(Image.open(io.BytesIO(answer.content)), dtype=int)
    under = np.asarray(Image.open(io.BytesIO(plain)), dtype=int)
    side = 64 // GRID
    cell = (slice(4 * side, 5 * side), slice(8 * side, 9 * side))
    expected = np.rint(
        under[cell][..., None] * 0.3 + np.array([255, 140, 0]) * 0.7
    )  # both raters marked there
    assert blinded == 404
    assert np.abs(over[cell] - expected).max() <= 1
    over[cell] = under[cell][..., None]
    assert (over == under[..., None]).all()  # and nowhere else
    assert any(address in page for page in pages)
    assert all(page.count("/marks.png") == page.count(address) for page in pages)  # nobody marked the others


@pytest.mark.django_db
def test_which_images_were_marked_is_one_query_for_few_and_for_many(rater, django_assert_num_queries):
    study = open_study(raters=[rater], marks=True, real=3, fake=3)
    mark = {"x": 0.5, "y": 0.25, "w": 0, "h": 0}
    codes = []
    for presentation in presentations(study, rater):
        Rating.record(presentation, uuid.uuid4(), label="fake", view_state={"marks": [mark]})
        codes.append(presentation.study_image.code)

    for count in (1, len(codes)):
        with django_assert_num_queries(1):
            assert marked_images(study, codes[:count]) == set(codes[:count])
