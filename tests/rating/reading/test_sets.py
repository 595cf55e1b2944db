"""Pairs and quartets in a real browser: by keys, with undo, and through a lost network."""

from __future__ import annotations

from typing import Any

import pytest

from rating.models import Rating
from tests.rating.arenas import open_arena
from tests.rating.cast import open_study, presentations
from tests.rating.reading.rooms import (
    enter,
    eventually,
    rate,
    shown,
    status,
    until,
    wait_for_another,
    wait_for_images,
    wait_for_status,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

PAINTED = """() => [...document.querySelectorAll('canvas')].map((canvas) =>
  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.filter((_, at) => at % 4 === 0).join())"""

CHOSEN = "() => [...document.querySelectorAll('input:checked')].map(({ name, value }) => `${name} ${value}`)"


@pytest.mark.parametrize(("design", "real", "fake", "size"), [("pair", 5, 5, 2), ("quartet", 4, 12, 4)])
def test_a_whole_sitting_of_sets_by_keys_alone(open_browser, rater, design, real, fake, size):
    study = open_study(raters=[rater], real=real, fake=fake, design=design, primary_endpoint="accuracy")
    page = open_browser(rater)
    enter(page, study)

    painted = page.evaluate(PAINTED)
    for number in range(real - 1):
        rate(page, str(number % size + 1))
    page.keyboard.press("5")  # no such place: nothing is chosen
    page.keyboard.press(str(size))
    page.keyboard.press("Enter")
    until(page, "() => !document.querySelector('canvas')")

    assert len(set(painted)) == size
    labels = [p.rating.label for p in presentations(study, rater)]
    assert labels == [str(number % size + 1) for number in range(real - 1)] + [str(size)]


def test_both_images_of_a_pair_are_worked_as_one(open_browser, rater):
    study = open_study(raters=[rater], real=5, fake=5, design="pair", primary_endpoint="accuracy")
    page = open_browser(rater)
    enter(page, study)
    before = page.evaluate(PAINTED)

    page.keyboard.press("i")
    page.keyboard.press("+")

    after = page.evaluate(PAINTED)
    assert all(b != a for b, a in zip(before, after, strict=True))
    transforms = page.evaluate("() => [...document.querySelectorAll('canvas')].map((c) => c.style.transform)")
    assert len(set(transforms)) == 1
    assert "scale" in transforms[0]


def test_choices_made_offline_arrive_in_order_and_the_last_can_be_undone(open_browser, rater):
    pairs: dict[str, Any] = {"real": 6, "fake": 6, "design": "pair", "primary_endpoint": "accuracy"}
    study = open_study(raters=[rater], ask_confidence=True, **pairs)
    page = open_browser(rater)
    enter(page, study)
    wait_for_images(page, 10)

    page.context.set_offline(True)
    for key in ("1", "2"):
        rate(page, key)
    page.keyboard.press("1")
    rate(page, "2")  # how sure, which must not pass for the place
    page.keyboard.press("z")
    assert page.evaluate(CHOSEN) == ["label 1", "confidence 2"]
    page.keyboard.press("2")
    before = shown(page)
    page.keyboard.press("Enter")
    wait_for_another(page, before)
    assert status(page) == "4 not saved"
    page.context.set_offline(False)

    wait_for_status(page, "Saved", seconds=40)
    eventually(lambda: Rating.objects.count() == 3, page)
    labels = [p.rating.label for p in presentations(study, rater) if hasattr(p, "rating")]
    assert labels == ["1", "2", "2"]
    assert [r.label for r in presentations(study, rater)[2].rating.revisions.all()] == ["1", "2"]


def test_an_arena_is_read_by_keys_with_both_alike_for_an_answer_and_through_a_lost_network(
    open_browser, rater
):
    study = open_arena(raters=[rater], counts={"A": 4, "B": 4})
    page = open_browser(rater)
    enter(page, study)
    wait_for_images(page, 6)

    rate(page, "3")
    wait_for_status(page, "Saved")
    page.context.set_offline(True)
    rate(page, "1")
    rate(page, "2")
    assert status(page) == "2 not saved"
    page.context.set_offline(False)
    wait_for_status(page, "Saved", seconds=40)
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    until(page, "() => !document.querySelector('canvas')")

    labels = [each.rating.label for each in presentations(study, rater)]
    assert labels == ["tie", "1", "2", "tie"]
