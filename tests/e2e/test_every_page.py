"""Every page of every role fits the window of a phone, and breaks no rule of access in the dark or in the light."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from accounts.preferences import Preferences
from audit import record
from tests.rating.reading.conftest import complaints, open_browser
from tests.rights_table import WHO_MAY
from tests.test_permissions import address, world

__all__ = ["complaints", "open_browser", "world"]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# Colours that change by and by are read at their end.
DRESS = """(theme) => {
  document.documentElement.dataset.theme = theme
  document.getAnimations().forEach((animation) => animation.finish())
}"""
# A page in the light differs by its colours alone, so that of axe's rules one can find it otherwise.
RULES = {
    "dark": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "light": ["color-contrast"],
}
# What holds is many times as much to describe and to send as what does not.
VIOLATIONS = """async (rules) => {
  const result = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] })
  return result.violations
}"""
SCROLLS = "(lists) => lists.some((list) => list.scrollWidth > list.clientWidth)"
SHOTS = os.environ.get("SCREENSHOTS", "")
WIDTHS = (1280, 390)
SIGNING_IN = ("account_login", "account_reset_password", "privacy_notice")
OWN_ACCOUNT = ("account_change_password", "mfa_index", "mfa_list_webauthn", "usersessions_list")


def pages_of(who: str, browser: Client, world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The name and address of each page, not fragment or file, that this person gets."""
    names = [
        name for name, (allowed, method) in sorted(WHO_MAY.items()) if method == "get" and who in allowed
    ]
    addresses = [(name, address(name, world)) for name in names]
    addresses += [(name, reverse(name)) for name in (SIGNING_IN if who == "nobody" else OWN_ACCOUNT)]
    if who in {"researcher", "admin"}:
        over = world["over"].slug
        addresses += [
            (f"{name} of a finished study", reverse(name, args=[over]))
            for name in ("rating:study", "rating:analysis")
        ]
    for name, url in addresses:
        response = browser.get(url, headers={"accept": "text/html"})
        is_page = response["Content-Type"].startswith("text/html") and "Content-Disposition" not in response
        if response.status_code == 200 and is_page and b"<html" in response.content[:400]:
            yield name, url


def faults(page: Page, name: str) -> Iterator[str]:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            yield f"{name}: {needed} px wide at {width}"
        if page.locator("main, .listed").evaluate_all(SCROLLS):
            yield f"{name}: a list, or all of the page, scrolls sideways at {width}"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate(AXE)
    for theme, rules in RULES.items():
        dress(page, theme)
        for rule in page.evaluate(VIOLATIONS, rules):
            yield f"{name}, {theme}: {rule['id']} at {rule['nodes'][0]['html'][:120]}"
        shoot(page, f"{theme}-{name}")


def dress(page: Page, theme: str) -> None:
    """As the server sends the page to a person who chose this theme; where it says none, the system's counts."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.evaluate(DRESS, theme)


def shoot(page: Page, name: str) -> None:
    """An image of the page in both sizes, where somebody wants to look at it."""
    if SHOTS:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=str(Path(SHOTS) / f"{name.replace(':', '-')}-{width}.png"))


@pytest.mark.parametrize("who", ["nobody", "rater", "researcher", "admin"])
def test_every_page_fits_and_is_within_reach_of_all(
    who: str,
    world: dict[str, Any],
    client_of: Callable[[User], Client],
    open_browser: Callable[..., Page],
) -> None:
    person = world["people"].get(who)
    if person:
        Preferences.objects.create(user=person, theme="dark")
    addresses = list(pages_of(who, client_of(person) if person else Client(), world))
    page = open_browser(person, color_scheme="dark")

    found: list[str] = []
    for name, url in addresses:
        page.goto(url)
        found += faults(page, f"{who}-{name}")

    assert addresses
    assert found == [], "\n".join(found)


def test_the_filters_of_a_log_stand_in_one_line_with_the_buttons(
    admin: User, open_browser: Callable[..., Page]
) -> None:
    record(admin, admin, "asked another owner of the study to confirm")
    page = open_browser(admin)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(reverse("log"))

    field = page.locator("form.filters > .field").first.bounding_box()
    buttons = [each.bounding_box() for each in page.locator("form.filters > button").all()]

    assert field
    assert len(buttons) == 2
    assert all(each and each["y"] < field["y"] + field["height"] for each in buttons)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_the_box_to_be_remembered_stands_before_its_label(open_browser: Callable[..., Page]) -> None:
    page = open_browser(None)
    page.goto(reverse("account_login"))
    box, label = (page.locator(each).bounding_box() for each in ("#id_remember", "label[for=id_remember]"))

    assert box
    assert label
    assert box["x"] + box["width"] <= label["x"]
    assert label["y"] <= box["y"] + box["height"] / 2 <= label["y"] + label["height"]
