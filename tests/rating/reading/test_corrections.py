"""A study that asks why an answer is changed, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from rating.models import RatingRevision
from tests.rating.reading.rooms import (
    enter,
    rate,
    reading_study,
    shown,
    until,
    wait_for_another,
    wait_for_status,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def test_a_changed_answer_waits_for_its_reason_and_is_saved_with_it(
    open_browser: Callable[..., Any], rater: User
) -> None:
    study = reading_study(raters=[rater], ask_correction_reason=True, going_back="any")
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)
    assert page.is_hidden("#id_correction_reason")

    rate(page, "1")
    page.keyboard.press("z")
    until(page, "(first) => document.querySelector('canvas').dataset.token === first", argument=first)
    page.keyboard.press("2")
    page.keyboard.press("Enter")

    assert page.text_content("[data-notice]") == "Say why you change this answer."
    page.keyboard.type("Rib 2 is drawn, 1 is not")  # digits are text here, not labels
    page.keyboard.press("Enter")
    wait_for_another(page, first)
    wait_for_status(page, "Saved")
    assert page.is_hidden("#id_correction_reason")
    revisions = RatingRevision.objects.order_by("pk").values_list("label", "reason")
    assert list(revisions) == [("real", ""), ("fake", "Rib 2 is drawn, 1 is not")]
