"""One digit means one thing at a time, on every keyboard, and stands on the button."""

import pytest
from django.core.exceptions import ValidationError

from accounts.preferences import Preferences
from rating.models import Rating
from tests.rating.cast import draft_study, presentations
from tests.rating.reading.rooms import (
    enter,
    reading_study,
    shown,
    until,
    wait_for_another,
    wait_for_status,
)
from tests.rating.reading.test_answers import save

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
# What the digit row types without Shift, and what the key of R types.
LAYOUTS = {
    "qwerty": ("12345", "r"),
    "azerty": ("&é\"'(", "r"),
    "czech": ("+ěščř", "r"),
    "arabic": ("١٢٣٤٥", "ق"),
    "persian": ("۱۲۳۴۵", "ق"),
}
CAPS_OF = """(row, letter) => {
  const caps = [...row].map((cap, at) => [`Digit${at + 1}`, cap]);
  navigator.keyboard.getLayoutMap = async () => new Map([...caps, ['KeyR', letter]]);
}"""
CAPS = """(selector) => [...document.querySelectorAll(selector)]
  .filter((cap) => getComputedStyle(cap).visibility === 'visible').map((cap) => cap.textContent)"""


def press(page, typed: str, code: str) -> None:
    """A key as the browser reports it: what it types, and apart from that where it lies."""
    session = page.context.new_cdp_session(page)
    for kind in ("keyDown", "keyUp"):
        session.send("Input.dispatchKeyEvent", {"type": kind, "key": typed, "code": code})
    session.detach()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_keyboards_digit_row_labels_and_then_says_how_sure(open_browser, rater, layout):
    row, letter = LAYOUTS[layout]
    study = reading_study(raters=[rater], ask_confidence=True)
    page = open_browser(rater)
    page.add_init_script(f"({CAPS_OF})({row!r}, {letter!r})")
    enter(page, study)
    first = shown(page)
    caps = [cap.upper() for cap in row]
    until(page, f"() => ({CAPS})('.labels .digit').join('') === {''.join(caps[:3])!r}")

    press(page, row[1], "Digit2")
    assert page.is_checked("input[value=fake]")
    assert page.evaluate(CAPS, ".labels .digit") == []
    assert page.evaluate(CAPS, ".steps .digit") == caps
    press(page, row[2], "Digit3")
    page.keyboard.press("Enter")
    wait_for_another(page, first)
    second = shown(page)
    press(page, letter, "KeyR")
    page.keyboard.press("Enter")
    wait_for_another(page, second)

    wait_for_status(page, "Saved")
    answers = [(rating.label, rating.confidence) for rating in Rating.objects.order_by("pk")]
    assert answers == [("fake", 3), ("real", None)]


def test_a_click_leaves_the_digits_to_the_next_question_and_zero_takes_all_back(open_browser, rater):
    study = reading_study(raters=[rater], ask_confidence=True)
    page = open_browser(rater)
    enter(page, study)

    page.click("input[value=fake]", force=True)
    page.keyboard.press("3")
    assert page.is_checked("input[value=fake]")
    assert page.is_checked("input[name=confidence][value='3']")

    page.keyboard.press("0")
    assert page.locator(".choice input:checked").count() == 0
    page.keyboard.press("3")
    assert page.is_checked("input[value=unsure]")


def test_required_confidence_cannot_be_left_out(open_browser, client_of, rater):
    study = reading_study(raters=[rater], ask_confidence=True, require_confidence=True)
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)

    page.keyboard.press("2")
    page.keyboard.press("Enter")
    assert page.text_content("[data-notice]") == "Say how sure you are."
    refused = save(client_of(rater), study, presentations(study, rater)[0], "fake")
    assert (refused.status_code, refused.json()["error"]) == (422, "Say how sure you are.")
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    wait_for_another(page, first)

    wait_for_status(page, "Saved")
    assert Rating.objects.get().confidence == 4


def test_whoever_goes_on_by_the_answer_alone_goes_on_after_the_last_question(open_browser, rater):
    Preferences.objects.create(user=rater, auto_advance=True)
    study = reading_study(raters=[rater], ask_confidence=True)
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)

    page.keyboard.press("f")
    assert shown(page) == first
    page.keyboard.press("5")
    wait_for_another(page, first)

    wait_for_status(page, "Saved")
    assert (Rating.objects.get().label, Rating.objects.get().confidence) == ("fake", 5)


def test_confidence_that_is_not_asked_cannot_be_required():
    study = draft_study()
    study.require_confidence = True

    with pytest.raises(ValidationError, match="Ask how sure"):
        study.full_clean()
