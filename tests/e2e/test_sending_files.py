"""A researcher sends a folder of many files over a line that breaks, with a server that is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, Page, Request, Route

from tests.e2e.browser import sign_in, until
from tests.pool.files import image_bytes
from tests.prepared_tables import home_with_tables
from tests.servers.sites import LIGHT, Site, lungrater, site

pytestmark = pytest.mark.e2e

FILES = 30
PIECE = 8 * 2**20
CUTS, KILLS, LAST_PIECE = 2, 4, 6


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(home_with_tables(tmp_path_factory.mktemp("sending")), *LIGHT) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty images, and forty megabytes that are none: two packs of them."""
    for number in range(FILES):
        path = tmp_path / "xrays" / ("covid" if number % 2 else "normal") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image_bytes(seed=number))
    for number in range(2):
        (tmp_path / "xrays" / "normal" / f"noise{number}.png").write_bytes(os.urandom(20 * 2**20))
    return tmp_path / "xrays"


def opened(running: Site, browser: Browser) -> Page:
    ended = lungrater(
        running.home, "person", "r@example.org", "--role", "researcher", "--base-url", running.url
    )
    page = sign_in(browser, ended.stdout.strip())
    page.goto(f"{running.url}pool/import/")
    return page


def choose(page: Page, folder: Path, name: str) -> None:
    page.locator("[data-folder]").set_input_files(folder)
    page.wait_for_selector("[data-sending]:visible")
    page.fill("[name=name]", name)
    page.select_option("[name=labels]", "folder")


class Line:
    """The line to the site: the second piece of each page meets a cut, the fourth a server that is killed, the fifth ends it."""

    def __init__(self, page: Page, running: Site) -> None:
        self.running, self.pieces, self.is_gone, self.is_quiet = running, 0, False, False
        page.route("**/pool/uploads/*", self.carry)

    def carry(self, route: Route) -> None:
        if route.request.method != "PATCH" or self.is_quiet:
            return route.continue_()
        self.pieces += 1
        self.is_gone = self.is_gone or self.pieces > LAST_PIECE
        if self.pieces == KILLS:
            kill_web(self.running)
        if self.is_gone or self.pieces in (CUTS, KILLS):
            return route.abort("connectionreset")
        return route.continue_()


def kill_web(running: Site) -> None:
    web = psutil.Process(running.pid_of("web"))
    for process in [web, *web.children(recursive=True)]:
        process.kill()


def test_a_cut_line_a_killed_server_and_a_new_page_cost_nothing(
    running: Site, chromium: Browser, folder: Path
) -> None:
    page = opened(running, chromium)
    page.on("dialog", lambda dialog: dialog.accept())  # leaving while files are on their way is asked about
    line = Line(page, running)
    choose(page, folder, "Sent")

    page.click("[data-submit]")
    until(
        lambda: page.locator("[data-go-on]").is_visible() or line.is_gone, seconds=40
    )  # a page that is asked takes its turn
    page.goto(f"{running.url}pool/import/")
    sentence = page.locator("[data-waiting-sentence]")
    sentence.wait_for()
    waiting = page.evaluate("fetch('/pool/uploads/').then(answer => answer.json())")["uploads"]
    here = sum(upload["offset"] for upload in waiting)
    assert here >= 2 * PIECE  # what the site had acknowledged when it was killed, and after
    line.is_quiet = True
    repeated: list[tuple[str, int]] = []
    page.on("request", lambda request: repeated.extend(_begun_at(request)))
    choose(page, folder, "Sent")
    page.click("[data-submit]")
    page.wait_for_url("**/pool/imports/*/", timeout=60_000)
    until(lambda: page.locator(".state.succeeded").count() == 1, seconds=60)

    gone_on_at = {url: min(offset for at, offset in repeated if at == url) for url, _offset in repeated}
    unfinished = [upload for upload in waiting if not upload["is_complete"]]
    assert {upload["url"]: upload["offset"] for upload in unfinished}.items() <= gone_on_at.items()
    assert "30 imported, 0 there already, 2 refused" in page.inner_text("main")
    page.goto(f"{running.url}pool/images/?label=covid")
    assert page.locator(".gallery img").count() == FILES // 2


def _begun_at(request: Request) -> list[tuple[str, int]]:
    """Where a piece begins, and of which upload; nothing of other requests."""
    if request.method != "PATCH":
        return []
    return [(urlsplit(request.url).path, int(request.headers["upload-offset"]))]
