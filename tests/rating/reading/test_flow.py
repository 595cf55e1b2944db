"""A rater at work, in a real browser: of all that browsers do, what `make test` always sees (and so not marked `e2e`)."""

import pytest

from rating.models import Rating
from tests.rating.cast import open_study, presentations
from tests.rating.reading.rooms import (
    enter,
    rate,
    reading_study,
    shown,
    until,
    wait_for_another,
    wait_for_status,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_whole_sitting_by_keys_alone(open_browser, rater):
    study = open_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)

    for key in "12312":
        rate(page, key)
    page.keyboard.press("f")
    page.keyboard.press("Enter")

    until(page, "() => document.querySelector('h1').textContent.includes('All images rated')")
    labels = [presentation.rating.label for presentation in presentations(study, rater)]
    assert labels == ["real", "fake", "unsure", "real", "fake", "fake"]
    assert Rating.objects.filter(active_ms__isnull=False).count() == 6


# Its last line, not covered and not scrolled away.
NOTICE_IS_SEEN = """() => {
  const notice = document.querySelector('[data-notice]');
  const { left, width, bottom } = notice.getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, bottom - 4) === notice;
}"""


def test_practice_stops_to_tell_and_is_not_counted(open_browser, rater):
    study = reading_study(raters=[rater], practice=1, ask_confidence=True)  # a full panel
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)

    page.keyboard.press("1")
    page.keyboard.press("Enter")
    until(
        page,
        "() => document.querySelector('[data-notice]').textContent.startsWith('Practice: this image was')",
    )
    assert shown(page) == first
    assert page.evaluate(NOTICE_IS_SEEN)
    assert page.text_content("[data-progress]") == "Practice 1 of 2; it does not count"
    page.keyboard.press("Enter")
    wait_for_another(page, first)
    rate_practice = shown(page)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    until(
        page,
        "() => document.querySelector('[data-notice]').textContent.startsWith('Practice: this image was')",
    )
    page.keyboard.press("Enter")
    wait_for_another(page, rate_practice)

    assert page.text_content("[data-progress]") == "Image 1 of 6"


def test_without_javascript_the_form_does_the_same(open_browser, rater):
    study = reading_study(raters=[rater], practice=0, ask_confidence=True)
    page = open_browser(rater, java_script_enabled=False)
    page.goto(f"/reading/{study.slug}/")

    for _ in range(6):
        assert page.locator(".view img").count() == 1
        page.check("input[value=fake]", force=True)
        page.check("input[name=confidence][value='4']", force=True)
        page.check("input[value='Unusual ribs']")
        page.fill("#id_remark", "odd")
        page.click("button.primary")

    assert "All images rated" in page.content()
    rating = Rating.objects.first()
    assert (rating.label, rating.confidence, rating.reasons) == ("fake", 4, ["Unusual ribs"])


def test_after_half_an_hour_a_break_is_suggested_and_not_again_at_once(open_browser, rater):
    study = reading_study(raters=[rater], break_after=30)
    page = open_browser(rater)
    enter(page, study)
    notice = "() => document.querySelector('[data-notice]').textContent"
    page.evaluate(
        "() => { const now = performance.now.bind(performance); performance.now = () => now() + 31 * 60000; }"
    )

    rate(page, "1")
    until(page, f"() => ({notice})().includes('You have read for 31 min.')")
    rate(page, "2")
    wait_for_status(page, "Saved")

    assert page.evaluate(notice) == ""


LOST = "The file of this image is lost; please tell the organiser of the study."


def test_a_lost_image_is_said_in_one_sentence_and_the_others_are_read(open_browser, rater):
    study = open_study(raters=[rater])
    lost = presentations(study, rater)[2]
    lost.study_image.derivative.storage.delete(str(lost.study_image.derivative.name))
    page = open_browser(rater)
    enter(page, study)

    rate(page, "1")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    until(page, "(words) => document.querySelector('[data-notice]').textContent === words", argument=LOST)
    assert shown(page) == presentations(study, rater)[3].token
    for _ in range(2):
        rate(page, "1")
    page.keyboard.press("1")
    page.keyboard.press("Enter")

    until(page, "(words) => document.querySelector('[data-notice]').textContent === words", argument=LOST)
    wait_for_status(page, "Saved")
    rated = [hasattr(each, "rating") for each in presentations(study, rater)]
    assert rated == [True, True, False, True, True, True]
