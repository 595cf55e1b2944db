"""A tour is walked by keyboard and at a phone's size: each step points at what is there, and nothing is lost behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, ViewportSize

from accounts.models import User
from accounts.preferences import Preferences
from lungrater.pages.tour import steps_for
from tests.e2e.browser import until
from tests.e2e.test_every_page import AXE, RULES, VIOLATIONS, dress
from tests.rating.cast import draft_study, open_study
from tests.rating.reading.conftest import complaints, open_browser

__all__ = ["complaints", "open_browser"]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
OFFER = "a.button[href='#tour']"


@pytest.fixture(params=["rater", "researcher", "admin"])
def person(request: pytest.FixtureRequest) -> User:
    """With a study on their first page."""
    person: User = request.getfixturevalue(request.param)
    if request.param == "rater":
        open_study("Own", raters=[person])
    else:
        draft_study("Draft")
    return person


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def is_within(inner: Locator, width: float, height: float) -> bool:
    box = inner.bounding_box()
    return box is not None and (
        box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= width
        and box["y"] + box["height"] <= height
    )


def rings(page: Page, target: str) -> bool:
    """Whether the ring stands around the step's own part of the page."""
    ring, part = page.locator("#tour .ring").bounding_box(), page.locator(target).first.bounding_box()
    assert ring
    assert part
    return abs(ring["x"] + 4 - part["x"]) < 1 and abs(ring["y"] + 4 - part["y"]) < 1


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_step_points_at_a_part_of_the_page_and_stands_in_the_window(
    person: User, size: ViewportSize, open_browser: Callable[..., Page]
) -> None:
    page = open_browser(person, viewport=size)
    page.goto("/")
    steps = steps_for(person.has_perm)

    page.click(OFFER)

    for number, step in enumerate(steps, start=1):
        page.get_by_text(f"Step {number} of {len(steps)}").wait_for()
        assert page.locator("#tour h2:visible").text_content() == str(step.title)
        assert rings(page, str(step.target)), step
        assert is_within(page.locator("#tour .card"), size["width"], size["height"]), step
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        page.keyboard.press("Enter")
    assert page.locator("#tour").is_hidden()


def test_it_is_walked_by_keyboard_and_gives_the_focus_back(
    person: User, open_browser: Callable[..., Page]
) -> None:
    page = open_browser(person)
    page.goto("/")
    page.focus(OFFER)

    page.keyboard.press("Enter")
    assert focused(page) == "Next"
    page.keyboard.press("ArrowRight")
    page.get_by_text("Step 2 of").wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("Step 1 of").wait_for()
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "Skip the tour"
    page.keyboard.press("Escape")

    assert page.locator("#tour").is_hidden()
    assert focused(page) == "Show me around"
    until(lambda: Preferences.objects.filter(user=person, offers_tour=False).exists())
    page.reload()
    assert page.locator(OFFER).count() == 0


def test_it_is_announced_by_its_place_title_and_text(
    researcher: User, open_browser: Callable[..., Page]
) -> None:
    page = open_browser(researcher)
    page.goto("/")

    page.click(OFFER)

    dialog = page.get_by_role("dialog", name="Step 1 of 4 Import images")
    assert dialog.is_visible()
    assert "files or archives" in page.locator(f"#{dialog.get_attribute('aria-describedby')}").inner_text()
    page.get_by_role("button", name="Skip the tour").click()
    assert dialog.is_hidden()


def test_it_breaks_no_rule_of_access(person: User, open_browser: Callable[..., Page]) -> None:
    page = open_browser(person)
    page.goto("/")
    page.click(OFFER)
    page.evaluate(AXE)

    violations: list[Any] = []
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        for theme, rules in RULES.items():
            dress(page, theme)
            violations += [
                (theme, rule["id"], rule["nodes"][0]["html"]) for rule in page.evaluate(VIOLATIONS, rules)
            ]

    assert violations == []


def test_it_begins_again_from_the_account_and_only_then(
    person: User, open_browser: Callable[..., Page]
) -> None:
    Preferences.end_tour(person)
    page = open_browser(person)
    page.goto("/account/")

    page.click("main a[href$='#tour']")

    page.get_by_text("Step 1 of").wait_for()
    page.wait_for_load_state("load")
    page.keyboard.press("Enter")
    page.get_by_text("Step 2 of").wait_for()
    page.keyboard.press("Escape")
    page.reload()
    assert page.locator("#tour").is_hidden()


def test_what_is_not_on_the_page_has_no_step(rater: User, open_browser: Callable[..., Page]) -> None:
    page = open_browser(rater)

    page.goto("/#tour")

    page.get_by_text("Step 1 of 2").wait_for()
    assert page.locator("#tour h2:visible").text_content() == "Preferences"


def test_from_right_to_left_the_left_arrow_goes_on(rater: User, open_browser: Callable[..., Page]) -> None:
    open_study("Own", raters=[rater])
    Preferences.objects.create(user=rater, language="ar")
    page = open_browser(rater)
    page.goto("/")
    page.click(OFFER)

    page.keyboard.press("ArrowLeft")

    page.get_by_text("الخطوة 2 من 5").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_text("الخطوة 1 من 5").wait_for()


def test_without_a_script_the_offer_leads_to_all_steps(
    researcher: User, open_browser: Callable[..., Page]
) -> None:
    page = open_browser(researcher, java_script_enabled=False)
    page.goto("/")
    assert page.locator("#tour").is_hidden()

    page.click(OFFER)

    assert page.locator("#tour h2:visible").count() == len(steps_for(researcher.has_perm))
