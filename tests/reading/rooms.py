"""What the tests do in the reading room, in the words of someone watching."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error

SOON = 10.0


def until(page: Any, script: str, *, seconds: float = SOON, argument: Any = None) -> Any:
    """What the script comes to once it is true; the CSP forbids Playwright's own way of waiting."""
    deadline = time.monotonic() + seconds
    while not (value := _asked(page, script, argument)):
        assert time.monotonic() < deadline, f"never came true on {page.url}: {script}"
        page.wait_for_timeout(20)
    return value


def _asked(page: Any, script: str, argument: Any) -> Any:
    try:
        return page.evaluate(script, argument)
    except Error as error:  # in the middle of going to another page
        if "context was destroyed" not in str(error) and "null" not in str(error):
            raise
        return None


def eventually(check: Callable[[], bool], page: Any, *, seconds: float = SOON) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "never came true"
        page.wait_for_timeout(50)


def enter(page: Any, study: Any) -> None:
    page.goto(f"/reading/{study.slug}/")
    shown(page)


def shown(page: Any) -> str:
    """The token of the image that is painted now."""
    return str(until(page, "() => document.querySelector('canvas').dataset.token"))


def rate(page: Any, key: str) -> None:
    """Judge the image shown by keys and wait until the next one is painted."""
    before = shown(page)
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    wait_for_another(page, before)


def wait_for_another(page: Any, before: str) -> None:
    until(
        page,
        "(before) => ![undefined, before].includes(document.querySelector('canvas').dataset.token)",
        argument=before,
    )


def status(page: Any) -> str:
    return str(page.text_content("[data-status]"))


def wait_for_status(page: Any, text: str, *, seconds: float = SOON) -> None:
    until(
        page,
        "(text) => document.querySelector('[data-status]').textContent === text",
        argument=text,
        seconds=seconds,
    )
