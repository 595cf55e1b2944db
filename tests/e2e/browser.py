"""People at work in a browser."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Browser, Page


def until(happened: Callable[[], bool], *, seconds: float = 30) -> None:
    """Ask again until it has happened; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def sign_in(browser: Browser, link: str) -> Page:
    """A page of one's own, signed in by a link; whatever the console complains of fails the test at the end."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True).new_page()
    page.goto(link)
    page.click("main button[type=submit]")
    return page
