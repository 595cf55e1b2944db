"""What the tests do in the reading room, in the words of someone watching."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SOON = 10.0


def until(page: Any, script: str, *, seconds: float = SOON, argument: Any = None) -> Any:
    """What the script comes to once it is true; the CSP forbids Playwright's own way of waiting."""
    deadline = time.monotonic() + seconds
    while not (value := page.evaluate(script, argument)):
        assert time.monotonic() < deadline, f"never came true: {script}"
        page.wait_for_timeout(20)
    return value


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
    """Judge the image shown by keys and wait until it has made way."""
    before = shown(page)
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    until(page, "(before) => document.querySelector('canvas').dataset.token !== before", argument=before)


def status(page: Any) -> str:
    return str(page.text_content("[data-status]"))


def wait_for_status(page: Any, text: str, *, seconds: float = SOON) -> None:
    until(
        page,
        "(text) => document.querySelector('[data-status]').textContent === text",
        argument=text,
        seconds=seconds,
    )
