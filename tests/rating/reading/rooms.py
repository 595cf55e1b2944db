"""What the tests do in the reading room, in the words of someone watching."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from playwright.sync_api import Error

from rating.models import Enrolment, Stratum, Study
from tests.factories import make_image
from tests.rating.cast import draft_study, organiser
from tests.rating.freezing import freeze

SOON = 30.0


def reading_study(
    name: str = "Reading",
    *,
    raters: Iterable[Any],
    real: int = 3,
    fake: int = 3,
    practice: int = 0,
    **protocol: Any,
) -> Study:
    """An open study with this protocol, whose raters have all agreed to take part."""
    study = draft_study(name, real=real, fake=fake)
    for stratum in list(study.strata.all()) if practice else []:
        for _ in range(practice):
            make_image(dataset=stratum.dataset)
        Stratum.objects.create(study=study, dataset=stratum.dataset, count=practice, role="practice")
    for field, value in protocol.items():
        setattr(study, field, value)
    study.save()
    for rater in raters:
        Enrolment.enrol(study, rater).consent()
    likeness = sorted((field, repr(value)) for field, value in protocol.items())
    freeze(study, "room", name, real, fake, practice, *likeness)
    study.open(organiser())
    return study


def until(page: Any, script: str, *, seconds: float = SOON, argument: Any = None) -> Any:
    """What the script comes to once it is true; the CSP forbids Playwright's own way of waiting."""
    deadline = time.monotonic() + seconds
    while not (value := _asked(page, script, argument)):
        assert time.monotonic() < deadline, (
            f"never came true on {page.url}: {script}\n{page.inner_text('body')}"
        )
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


def shown(page: Any, *, seconds: float = SOON) -> str:
    """The token of the image that is painted now."""
    return str(until(page, "() => document.querySelector('canvas').dataset.token", seconds=seconds))


def rate(page: Any, key: str, *, seconds: float = SOON) -> None:
    """Judge the image shown by keys and wait until the next one is painted."""
    before = shown(page)
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    wait_for_another(page, before, seconds=seconds)


def wait_for_another(page: Any, before: str, *, seconds: float = SOON) -> None:
    until(
        page,
        "(before) => ![undefined, before].includes(document.querySelector('canvas').dataset.token)",
        argument=before,
        seconds=seconds,
    )


def wait_for_images(page: Any, number: int) -> None:
    """Until so many have come, of which the page shows the next ones without asking the server."""
    until(
        page,
        "(number) => performance.getEntriesByType('resource').filter((r) => r.name.includes('/i/')).length >= number",
        argument=number,
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
