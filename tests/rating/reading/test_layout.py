"""Nothing lies under anything, on any screen; what a rater must reach is on it."""

import pytest

from tests.rating.reading.rooms import enter, reading_study, shown, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
SCREENS = {
    "phone": (390, 844),
    "small phone": (360, 740),
    "phone on its side": (844, 390),
    "200 % of a laptop": (640, 400),
    "tablet": (1024, 1366),
    "desk": (1280, 800),
}
# What can be worked, each brought into view in turn: at its middle lies itself, or a part of it, or what it is the label of.
COVERED = """() => [...document.querySelectorAll('.desk :is(button, a, textarea, input:not([type=hidden]))')]
  .filter((control) => control.checkVisibility() && control.getBoundingClientRect().width)
  .filter((control) => {
    control.scrollIntoView({ block: 'center' });
    const { left, top, width, height } = control.getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    return !(control.contains(there) || there?.closest('label')?.contains(control));
  })
  .map((control) => control.outerHTML)"""
# Without scrolling: the answers, and the button that saves.
OUT_OF_SIGHT = """() => [...document.querySelectorAll('.labels .choice, .send .primary, [data-status], .who button')]
  .filter((part) => {
    const { left, top, right, bottom } = part.getBoundingClientRect();
    return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
  })
  .map((part) => part.outerHTML)"""
OVERLAPS = """() => {
  const parts = ['.view', '.side > header', '.side > .who', '.side > .answers', '.side > footer']
    .map((name) => [name, document.querySelector(name).getBoundingClientRect()]);
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return parts.flatMap(([one, a], at) => parts.slice(at + 1).filter(([, b]) => over(a, b)).map(([two]) => [one, two]));
}"""
TOO_WIDE = """() => [document.documentElement, document.querySelector('.answers')]
  .some((part) => part.scrollWidth > part.clientWidth)"""


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_under_anything_and_an_answer_needs_no_scrolling(open_browser, rater, screen):
    width, height = SCREENS[screen]
    study = reading_study(
        "A study of quite some name and more", raters=[rater], ask_confidence=True, practice=1
    )
    page = open_browser(rater, viewport={"width": width, "height": height})
    enter(page, study)

    assert_all_in_reach(page)
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    until(page, "() => document.querySelector('[data-notice]').dataset.kind === 'practice'")
    assert_all_in_reach(page)  # with the largest notice there is


def assert_all_in_reach(page) -> None:
    page.evaluate("() => { document.querySelector('.answers').scrollTop = 0; }")
    assert page.evaluate(OUT_OF_SIGHT) == []
    assert page.evaluate(OVERLAPS) == []
    assert not page.evaluate(TOO_WIDE)
    assert page.evaluate(COVERED) == []


def test_on_a_page_too_low_for_its_foot_the_page_itself_scrolls(open_browser, rater):
    study = reading_study(raters=[rater], ask_confidence=True)
    page = open_browser(rater, viewport={"width": 320, "height": 256})
    enter(page, study)

    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(COVERED) == []
    assert not page.evaluate(TOO_WIDE)


def test_instructions_are_read_again_without_leaving_the_image(open_browser, rater):
    study = reading_study(
        raters=[rater], instructions="Look at the ribs first.", prevalence_note="Some are fake."
    )
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)

    page.keyboard.press("n")
    until(page, "() => document.querySelector('#instructions').open")
    assert "Look at the ribs first." in page.inner_text("#instructions")
    assert "Some are fake." in page.inner_text("#instructions")
    page.keyboard.press("Escape")

    assert shown(page) == first
    page.click("[data-does=instructions]")
    until(page, "() => document.querySelector('#instructions').open")


@pytest.mark.parametrize(("canvas", "words"), [(64, "enlarged ×"), (2048, "")])
def test_an_enlarged_image_says_so(open_browser, rater, canvas, words):
    study = reading_study(raters=[rater], canvas=canvas)
    page = open_browser(rater)
    enter(page, study)

    times = page.evaluate("() => document.querySelector('canvas').getBoundingClientRect().width") / canvas

    assert page.text_content("span[data-enlarged]") == (f"{words}{times:.1f}" if words else "")


def test_the_keys_stand_in_two_columns_and_speak_of_no_preset_that_is_not_there(open_browser, rater):
    page = open_browser(rater, viewport={"width": 1280, "height": 800})
    enter(page, reading_study(raters=[rater], ask_confidence=True))

    page.keyboard.press("?")
    until(page, "() => document.querySelector('#help').open")

    tops = page.locator("#help dl").evaluate_all(
        "(lists) => lists.map((list) => list.getBoundingClientRect().top)"
    )
    assert len(tops) == 2
    assert len(set(tops)) == 1
    assert "mediastinum" not in page.locator("#help").inner_text().lower()
