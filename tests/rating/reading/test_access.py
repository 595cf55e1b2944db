"""Everybody can read here: by keyboard, by touch, by screen reader, in the dark and in the light."""

import uuid
from pathlib import Path

import axe_playwright_python
import pytest
from django.urls import reverse

from accounts.preferences import Preferences
from rating.models import Enrolment, Rating, Recruitment, Sitting
from rating.studies.outreach.reminders import stop_token
from tests.rating.reading.rooms import enter, eventually, reading_study, shown, until, wait_for_another

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page):
    page.evaluate(AXE)
    result = page.evaluate("(tags) => axe.run(document, { runOnly: tags })", RULES)
    assert len(result["passes"]) > 10
    return [(rule["id"], node["html"][:160]) for rule in result["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_rater_page_violates_the_rules_of_access(open_browser, rater, theme):
    study = reading_study(
        raters=[rater], ask_confidence=True, bits=16, going_back="any", consent="You agree to take part."
    )
    Preferences.objects.create(user=rater, theme=theme)
    door = Recruitment.objects.create(study=study, is_open=True)
    page = open_browser(rater)
    found = {}

    for name, arguments in [
        ("reading_list", []),
        ("preferences", []),
        ("begin", [study.slug]),
        ("display", [study.slug]),
        ("stop_reminders", [stop_token(Enrolment.objects.get())]),
        ("take_part", [door.token]),  # without a code: the door stays shut
    ]:
        page.goto(reverse(f"rating:{name}", args=arguments))
        found[name] = violations(page)
    page.goto(f"{reverse('rating:take_part', args=[door.token])}?PROLIFIC_PID=1")
    found["open door"] = violations(page)
    enter(page, study)
    found["read"] = violations(page)
    for dialog in ("help", "sign-in", "lock"):
        page.evaluate("(id) => document.getElementById(id).showModal()", dialog)
        found[dialog] = violations(page)
        page.evaluate("(id) => document.getElementById(id).close()", dialog)
    for presentation in Enrolment.objects.get().sittings.get().presentations.all():
        Rating.record(presentation, uuid.uuid4(), label="real")
    page.goto(reverse("rating:read", args=[study.slug]))
    found["done"] = violations(page)

    assert {name: rules for name, rules in found.items() if rules} == {}


def test_from_the_list_to_the_first_answer_with_the_keyboard_alone(open_browser, rater):
    study = reading_study(raters=[rater], reasons="")
    Enrolment.objects.update(consented_at=None)
    page = open_browser(rater)
    page.goto("/reading/")

    def press_on(text):
        """Tab to what bears this text, with the focus visible all the way, and press it."""
        for _ in range(30):
            page.keyboard.press("Tab")
            at = page.evaluate(FOCUSED)
            assert at["visible"], at
            if text in at["text"]:
                page.keyboard.press("Space" if at["tick"] else "Enter")
                return
        raise AssertionError(f"no way to {text} by Tab")

    press_on("Begin")
    until(page, "() => location.pathname.endsWith('/begin/')")
    press_on("I have read this")
    press_on("Agree and go on")
    until(page, "() => location.pathname.endsWith('/display/')")
    page.get_by_role("button", name="Go on").wait_for()
    press_on("Go on")
    first = shown(page)
    page.keyboard.press("Tab")  # past the skip link
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.name === 'label'"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    wait_for_another(page, first)
    eventually(lambda: Rating.objects.count() == 1, page)
    assert Rating.objects.get().label in {"real", "fake"}
    assert Sitting.objects.get().display["width"] == 1280
    assert Enrolment.objects.get().consent_version == study.consent_version()


def test_nobody_is_so_fast_that_their_display_is_not_measured(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    page.add_init_script(WIDTH_WHEN_THE_BUTTON_COMES)

    page.goto(reverse("rating:display", args=[study.slug]))

    assert page.evaluate("() => window.widthAtButton") == "1280"


WIDTH_WHEN_THE_BUTTON_COMES = """
new MutationObserver((_, observer) => {
  const form = document.querySelector("form[data-display]");
  if (!form?.querySelector("button")) return;
  window.widthAtButton = form.elements.width.value;
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""

FOCUSED = """() => {
  const element = document.activeElement;
  const seen = element.matches('input[type=radio]') ? element.nextElementSibling ?? element : element;
  const style = getComputedStyle(seen);
  return {
    text: element.labels?.[0]?.textContent.trim() ?? element.textContent.trim(),
    tick: element.matches('input[type=checkbox], input[type=radio]'),
    visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
  };
}"""


def test_shortcuts_can_be_switched_off_and_the_remark_never_loses_a_letter(open_browser, rater):
    study = reading_study(raters=[rater])
    Preferences.objects.create(user=rater, single_keys=False)
    page = open_browser(rater)
    enter(page, study)

    page.keyboard.press("2")
    assert page.locator("input[name=label]:checked").count() == 0
    page.click("#id_remark")
    page.keyboard.type("1 nodule? R/F u z i")

    assert page.input_value("#id_remark") == "1 nodule? R/F u z i"
    assert page.locator("input[name=label]:checked").count() == 0


def test_a_label_key_moves_on_at_once_for_who_wants_that(open_browser, rater):
    study = reading_study(raters=[rater])
    Preferences.objects.create(user=rater, auto_advance=True)
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)

    page.keyboard.press("f")

    wait_for_another(page, first)
    eventually(lambda: Rating.objects.filter(label="fake").exists(), page)


def test_by_touch_labels_are_tapped_and_two_fingers_zoom(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater, has_touch=True, viewport={"width": 820, "height": 1180})
    enter(page, study)
    first = shown(page)
    wire = page.context.new_cdp_session(page)

    def fingers(kind, *points):
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    fingers("touchStart", (380, 300), (440, 300))
    for apart in range(40, 200, 20):
        fingers("touchMove", (410 - apart, 300), (410 + apart, 300))
    fingers("touchEnd")
    zoomed = page.evaluate("() => Number(document.querySelector('[data-zoom]').value)")
    assert zoomed > 1
    page.tap("label:has(input[value=unsure])")
    page.tap("button[type=submit].primary")

    wait_for_another(page, first)
    eventually(lambda: Rating.objects.count() == 1, page)
    assert Rating.objects.get().label == "unsure"
    assert Rating.objects.get().view_state["max_zoom"] > 2


def test_every_drag_has_a_twin_and_each_key_does_what_the_help_says(open_browser, rater):
    study = reading_study(raters=[rater], bits=16)
    page = open_browser(rater)
    enter(page, study)
    pixel = "() => [...document.querySelector('canvas').getContext('2d').getImageData(20, 20, 1, 1).data]"
    before = page.evaluate(pixel)

    page.keyboard.press("i")
    assert page.evaluate(pixel)[0] == 255 - before[0]
    page.keyboard.press("Space")
    assert page.evaluate(pixel) == before
    page.focus("[data-level]")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    page.mouse.move(300, 300)
    page.mouse.down()
    page.mouse.move(340, 320, steps=4)
    page.mouse.up()
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    eventually(Rating.objects.exists, page)

    used = Rating.objects.get().view_state
    assert used["inverted"] is True
    assert used["max_zoom"] == 1.25
    assert used["window_changes"] >= 6


def test_a_study_may_fix_zoom_and_window_for_all(open_browser, rater):
    study = reading_study(raters=[rater], fixed_zoom=True, fixed_window=True)
    page = open_browser(rater)
    enter(page, study)

    for key in ("+", "i", "[", "p"):
        page.keyboard.press(key)
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -500)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    eventually(Rating.objects.exists, page)

    used = Rating.objects.get().view_state
    assert (used["max_zoom"], used["window_changes"], used["inverted"]) == (1, 0, False)
    assert page.locator("input[type=range]").count() == 0
