"""Reading stacks in a real browser: by keys, wheel, slider, finger and by itself; what was seen goes with the answer."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from rating.models import Rating
from rating.results.export.ratings_csv import codebook_of, csv_lines
from tests.rating.reading.rooms import enter, eventually, rate, shown, until
from tests.rating.reading.test_access import violations
from tests.rating.stacks import open_stack_study, row_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

SLICES = 21
MIDDLE = 11
# The row of the canvas whose pixels are brightest: each slice has a line in a row of its own.
BRIGHT_ROW = """() => {
  const canvas = document.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const rows = Array.from({ length: canvas.height }, (_, y) => {
    let sum = 0;
    for (let x = 0; x < canvas.width; x++) sum += data[4 * (y * canvas.width + x)];
    return sum;
  });
  return rows.indexOf(Math.max(...rows));
}"""


def stacks_of(rater: Any, **protocol: Any) -> Any:
    of_each = (SLICES, SLICES)
    return open_stack_study(raters=[rater], real=of_each, fake=of_each, **protocol)


def on_slice(page: Any, number: int) -> None:
    """Wait until this slice is painted, and told as the one it is."""
    until(page, "(n) => document.querySelector('canvas').dataset.slice === String(n)", argument=number)
    assert abs(page.evaluate(BRIGHT_ROW) - row_of(number - 1, of=SLICES)) <= 2
    assert page.text_content("[data-slice-number]") == f"{number} / {SLICES}"
    assert page.input_value("[data-stack] input") == str(number)


def test_a_stack_is_read_by_keys_and_what_was_seen_is_stored(open_browser, rater):
    study = stacks_of(rater)
    page = open_browser(rater)
    enter(page, study)
    on_slice(page, MIDDLE)

    for key, number in [
        ("ArrowDown", MIDDLE + 1),
        ("ArrowUp", MIDDLE),
        ("PageUp", 1),
        ("ArrowUp", 1),
        ("End", SLICES),
        ("Home", 1),
        ("PageDown", 11),
    ]:
        page.keyboard.press(key)
        on_slice(page, number)
    until(
        page,
        f"() => document.querySelector('[data-stack] [role=status]').textContent === 'Slice 11 of {SLICES}'",
    )
    rate(page, "r")
    on_slice(page, MIDDLE)
    eventually(Rating.objects.exists, page)

    times = Rating.objects.get().view_state["slice_ms"]
    assert [number for number, time in enumerate(times, start=1) if time] == [1, 11, 12, 21]
    assert sum(times) <= (Rating.objects.get().active_ms or 0) + SLICES
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(study)))))
    assert (rows[0]["slices"], rows[0]["slices_reached"]) == (str(SLICES), "4")
    assert rows[0]["slice_ms"] == "; ".join(map(str, times))
    assert (rows[1]["slices_reached"], rows[1]["slice_ms"]) == ("", "")
    assert list(rows[0]) == list(codebook_of(study))


def test_wheel_slider_and_cine_turn_slices_and_the_window_holds(open_browser, rater):
    study = stacks_of(rater, bits=16)
    page = open_browser(rater)
    enter(page, study)
    page.keyboard.press("i")
    page.keyboard.press("+")
    transform = page.evaluate("() => document.querySelector('canvas').style.transform")

    page.mouse.move(300, 300)
    page.mouse.wheel(0, 120)
    until(page, f"() => document.querySelector('canvas').dataset.slice === '{MIDDLE + 3}'")
    page.mouse.wheel(0, -40)
    until(page, f"() => document.querySelector('canvas').dataset.slice === '{MIDDLE + 2}'")
    page.locator("[data-stack] input").fill("5")
    until(page, "() => document.querySelector('canvas').dataset.slice === '5'")

    assert page.evaluate(BRIGHT_ROW) != row_of(4, of=SLICES)  # inverted, the line is the darkest row
    assert page.evaluate("() => document.querySelector('canvas').style.transform") == transform

    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("c")
    until(page, "() => Number(document.querySelector('canvas').dataset.slice) >= 8")
    assert page.get_attribute("[data-does=cine]", "aria-pressed") == "true"
    page.keyboard.press("c")
    number = page.get_attribute("canvas", "data-slice")
    page.wait_for_timeout(400)
    assert page.get_attribute("canvas", "data-slice") == number
    assert page.get_attribute("[data-does=cine]", "aria-pressed") == "false"


def test_a_clicked_answer_leaves_the_arrows_to_the_slices(open_browser, rater):
    study = stacks_of(rater)
    page = open_browser(rater)
    enter(page, study)

    page.click("label.choice:has(input[value=fake])")
    page.keyboard.press("ArrowDown")

    on_slice(page, MIDDLE + 1)
    assert page.evaluate("() => document.querySelector('input[name=label]:checked').value") == "fake"


def test_on_a_phone_one_finger_scrolls_and_nothing_lies_under_anything(open_browser, rater):
    study = stacks_of(rater)
    page = open_browser(rater, has_touch=True, viewport={"width": 390, "height": 844})
    enter(page, study)
    stage = page.locator("[data-stage]").bounding_box()
    wire = page.context.new_cdp_session(page)

    def touch(kind: str, *y: float) -> None:
        points = [{"x": stage["x"] + 100, "y": each} for each in y]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    top = stage["y"] + stage["height"] * 0.3
    touch("touchStart", top)
    for step in range(1, 5):
        touch("touchMove", top + step * stage["height"] * 0.08)
    touch("touchEnd")

    until(page, f"() => Number(document.querySelector('canvas').dataset.slice) >= {MIDDLE + 6}")
    for part in ("[data-stack] input", "[data-does=cine]", "button[type=submit][form=answer]"):
        covered = page.evaluate(
            """(part) => { const element = document.querySelector(part); const box = element.getBoundingClientRect();
            const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return !element.contains(top) || box.bottom > innerHeight || box.right > innerWidth }""",
            part,
        )
        assert not covered, part
    assert violations(page) == []
    assert shown(page)


def test_the_stack_keys_are_told_and_no_rule_of_access_is_broken(open_browser, rater):
    study = stacks_of(rater, going_back="any")
    page = open_browser(rater)
    enter(page, study)
    found = violations(page)

    page.keyboard.press("?")
    until(page, "() => document.getElementById('help').open")

    text = page.inner_text("#help")
    assert "Ten slices on" in text
    assert "Earlier and later answers" not in text
    assert found + violations(page) == []
