"""Marking places on an image: by mouse, by keys and by touch; the marks go into the chain of saves and the CSV."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import pytest

from rating.models import Draft, Rating, RatingRevision
from rating.reading.marks import clean_marks
from rating.results.export.ratings_csv import csv_lines, rating_facts
from rating.results.verification import verify_study
from rating.studies.study import Study
from tests.rating.cast import rewrite
from tests.rating.reading.rooms import enter, eventually, rate, reading_study, until
from tests.rating.reading.test_access import violations
from tests.rating.stacks import open_stack_study

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def marks() -> list[dict[str, Any]]:
    marks: list[dict[str, Any]] = Rating.objects.get().view_state["marks"]
    return marks


def on_image(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where on the page this share of the image is."""
    box = page.locator("canvas").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_points_and_boxes_are_drawn_by_mouse_and_stored_with_the_answer(open_browser, rater):
    study = reading_study(raters=[rater], marks=True, going_back="any")
    page = open_browser(rater)
    enter(page, study)
    before = page.evaluate("() => document.querySelector('canvas').toDataURL()")

    page.click("[data-does=mark]")
    page.mouse.click(*on_image(page, 0.25, 0.5))
    page.mouse.move(*on_image(page, 0.8, 0.7))
    page.mouse.down()
    page.mouse.move(*on_image(page, 0.6, 0.6))
    page.mouse.up()
    assert page.evaluate("() => document.querySelector('canvas').toDataURL()") != before
    assert page.inner_text("[data-does=unmark]") == "Take the last mark back (2)"
    rate(page, "f")
    eventually(Rating.objects.exists, page)

    point, box = marks()
    assert (point["w"], point["h"]) == (0, 0)
    assert [point["x"], point["y"]] == pytest.approx([0.25, 0.5], abs=0.01)
    assert [box[side] for side in "xywh"] == pytest.approx([0.6, 0.6, 0.2, 0.1], abs=0.01)
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(study)))))
    assert rows[0]["marks"].split("; ")[0] == f"{point['x']:g} {point['y']:g} 0 0"
    assert next(rating_facts(study))["marks"] == [point, box]
    assert page.get_attribute("[data-does=mark]", "aria-pressed") == "false"

    enter(page, study)
    page.keyboard.press("z")
    until(page, "() => document.querySelector('[data-does=unmark]').textContent.includes('(2)')")


def test_marks_begun_survive_a_reload_and_another_computer(open_browser, rater):
    reading_study(raters=[rater], marks=True)
    study = Study.objects.get()
    page = open_browser(rater)
    page.route("**/draft/**", lambda route: route.abort())  # only this browser has heard of them
    enter(page, study)
    page.click("[data-does=mark]")
    page.mouse.click(*on_image(page, 0.25, 0.5))
    page.wait_for_timeout(400)  # longer than a hand rests between two marks

    page.reload()
    until(page, "() => document.querySelector('[data-does=unmark]').textContent.includes('(1)')")
    page.unroute("**/draft/**")
    page.click("[data-does=mark]")
    page.mouse.click(*on_image(page, 0.75, 0.5))
    eventually(lambda: Draft.objects.filter(marks__1__w=0).exists(), page)
    other = open_browser(rater)
    enter(other, study)
    until(other, "() => document.querySelector('[data-does=unmark]').textContent.includes('(2)')")
    rate(other, "f")
    eventually(Rating.objects.exists, other)

    assert [mark["x"] for mark in marks()] == pytest.approx([0.25, 0.75], abs=0.01)
    assert not Draft.objects.exists()


def test_keys_mark_too_and_enter_still_saves(open_browser, rater):
    study = reading_study(raters=[rater], marks=True)
    page = open_browser(rater)
    enter(page, study)

    for key in (
        "k",
        "ArrowRight",
        "ArrowUp",
        "Shift+ArrowRight",
        "Shift+ArrowDown",
        " ",
        " ",
        "Backspace",
        "Escape",
    ):
        page.keyboard.press(key if key != " " else "Space")
    page.keyboard.press("ArrowUp")  # moves the image again
    rate(page, "f")
    eventually(Rating.objects.exists, page)

    assert marks() == [{"x": 0.52, "y": 0.48, "w": 0.02, "h": 0.02}]
    assert violations(page) == []


def test_a_finger_marks_and_a_mark_belongs_to_its_slice(open_browser, rater):
    study = open_stack_study(raters=[rater], real=(9, 9), fake=(9, 9), marks=True)
    page = open_browser(rater, has_touch=True, viewport={"width": 390, "height": 844})
    enter(page, study)
    page.keyboard.press("Home")
    until(page, "() => document.querySelector('canvas').dataset.slice === '1'")

    page.locator("[data-does=mark]").scroll_into_view_if_needed()
    page.tap("[data-does=mark]")
    page.touchscreen.tap(*on_image(page, 0.5, 0.25))
    until(page, "() => !document.querySelector('[data-does=unmark]').hidden")
    assert violations(page) == []
    page.tap("label.choice:has(input[value=fake])")
    page.tap("button[form=answer]")
    eventually(Rating.objects.exists, page)

    [mark] = marks()
    assert (mark["slice"], mark["w"]) == (1, 0)
    assert [mark["x"], mark["y"]] == pytest.approx([0.5, 0.25], abs=0.01)


def test_a_mark_moved_behind_the_programs_back_is_found_by_verify(rater):
    study = reading_study(raters=[rater], marks=True)
    presentation = study.enrolments.get().sittings.get().presentations.get(position=1)
    Rating.record(presentation, uuid.uuid4(), label="fake", view_state={"marks": [{"x": 0.5}]})
    assert verify_study(study).discrepancies == ()

    rewrite(Rating.objects.all(), view_state={"marks": [{"x": 0.6}]})

    assert RatingRevision.objects.get().view_state == {"marks": [{"x": 0.6}]}
    assert verify_study(study).discrepancies


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ([{"x": 0.5, "y": 0.25, "w": 0, "h": 0, "more": 1}], [{"x": 0.5, "y": 0.25, "w": 0.0, "h": 0.0}]),
        ([{"x": 0.9, "y": 0.9, "w": 0.4, "h": 0.05}], [{"x": 0.9, "y": 0.9, "w": 0.1, "h": 0.05}]),
        ([{"x": 2, "y": 0, "w": 0, "h": 0}, "no", {"x": True, "y": 0, "w": 0, "h": 0}], None),
        ([{"x": 0.1, "y": 0.1, "w": 0, "h": 0}] * 30, [{"x": 0.1, "y": 0.1, "w": 0.0, "h": 0.0}] * 20),
        ("marks", None),
    ],
)
def test_only_marks_on_the_image_are_stored(sent: Any, stored: Any) -> None:
    study = Study(marks=True, slices=1)

    assert clean_marks({"marks": sent, "low": 0}, study).get("marks") == stored
    assert "marks" not in clean_marks({"marks": sent}, Study(slices=1))
    assert "marks" not in clean_marks({"marks": sent}, Study(marks=True, slices=1, design="pair"))
