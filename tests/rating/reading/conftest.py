"""A real browser in front of a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: CSP violations, script errors. A test that expects some clears it."""
    return []


@pytest.fixture
def open_browser(chromium: Any, live_server: Any, complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """A page of a fresh browser context in which this person is signed in."""
    contexts = []

    def opened(user: Any = None, **options: Any) -> Any:
        context = chromium.new_context(
            **{"base_url": live_server.url, "viewport": {"width": 1280, "height": 800}, **options}
        )
        contexts.append(context)
        context.set_default_timeout(8000)
        if user is not None:
            sign_in(context, user, live_server.url)
        page = context.new_page()
        listen(page, complaints)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def listen(page: Any, complaints: list[str]) -> None:
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )


def sign_in(context: Any, user: Any, url: str) -> None:
    client = Client()
    client.force_login(user, backend="accounts.sign_in.backend.SignInBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
