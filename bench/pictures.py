"""Screenshots of the demo, for README and docs: the real site in a real browser.

    make pictures                                            # a fresh demo, in a home that is thrown away
    python bench/pictures.py --home HOME --url http://localhost:8000/ -o DIR   # of a demo that runs already

Waits until the demo has built itself, then writes each image as a palette PNG into docs/pictures.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.rating_page import FLAGS
from lungrater.embedded.home import Home
from lungrater.embedded.postgres import owner_url
from tests.servers.sites import lungrater, site

REPOSITORY = Path(__file__).resolve().parent.parent
BUILD_SECONDS, MOST_PAGES_BEFORE = 1800, 5
OPEN, FINISHED = "Demo reading", "Demo reading (simulated)"
PEOPLE = {
    "researcher": "researcher@demo.invalid",
    "rater": "rater1@demo.invalid",
    "admin": "admin@demo.invalid",
}
JOBS = ("generation_trainingrun", "generation_qualityreport", "generation_utilityexperiment")


@dataclass(frozen=True, slots=True)
class Shot:
    """Whose page: an address, or the links that lead there from it."""

    name: str
    role: str
    path: str
    links: tuple[str, ...] = ()
    theme: Literal["light", "dark"] = "light"
    width: int = 1280
    height: int = 860
    reads: bool = False  # goes on until an image of the reading is there


SHOTS = (
    Shot("home", "researcher", ""),
    Shot("study-open", "researcher", "studies/", (OPEN,)),
    Shot("analysis", "researcher", "studies/", (FINISHED, "Analysis")),
    Shot("rating", "rater", "reading/", ("Begin",), theme="dark", reads=True),
    Shot("rating-phone", "rater", "reading/", ("Begin",), theme="dark", width=390, height=844, reads=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, help="home of a demo that runs")
    parser.add_argument("--url", help="its address")
    parser.add_argument("--only", nargs="*", default=[], help="names of the images to take")
    parser.add_argument("-o", "--output", type=Path, default=REPOSITORY / "docs" / "pictures")
    options = parser.parse_args()
    with demo(options.home, options.url) as (home, url), sync_playwright() as playwright:
        wait_until_built(home)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        signed_in = {role: sign_in(browser, home, url, role) for role in PEOPLE}
        for shot in SHOTS:
            if not options.only or shot.name in options.only:
                path = options.output / f"{shot.name}.png"
                path.write_bytes(take(signed_in[shot.role], url, shot))
                print(f"{path}  {path.stat().st_size // 1024} KiB")
        browser.close()


@contextmanager
def demo(home: Path | None, url: str | None) -> Iterator[tuple[Path, str]]:
    """Home and address of the demo that runs, or of a fresh one that ends with this script."""
    if home and url:
        yield home.resolve(), url
        return
    folder = Path(tempfile.mkdtemp(prefix="lr-pictures-"))
    try:
        with site(folder, "--demo") as running:
            yield folder, running.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_built(home: Path) -> None:
    """Until the study of the simulated raters is unblinded and the demo's jobs have ended."""
    deadline = time.monotonic() + BUILD_SECONDS
    jobs = " + ".join(f"(SELECT count(*) FROM {job} WHERE state = 'succeeded')" for job in JOBS)
    studies = "(SELECT count(*) FROM rating_study WHERE state = 'unblinded')"
    with psycopg.connect(owner_url(Home(home)), autocommit=True) as connection:
        while connection.execute(f"SELECT {jobs} + {studies}").fetchone() != (len(JOBS) + 1,):
            if time.monotonic() > deadline:
                sys.exit(f"The demo was not built within {BUILD_SECONDS} s.")
            time.sleep(2)


def sign_in(browser: Browser, home: Path, url: str, role: str) -> Page:
    ended = lungrater(home, "person", PEOPLE[role], "--role", role, "--base-url", url)
    page = browser.new_page()
    page.goto(ended.stdout.split()[-1])
    page.click("main button[type=submit]")
    return page


def take(page: Page, url: str, shot: Shot) -> bytes:
    page.set_viewport_size({"width": shot.width, "height": shot.height})
    page.emulate_media(color_scheme=shot.theme)
    page.goto(url + shot.path)
    for link in shot.links:
        page.get_by_role("link", name=link, exact=True).or_(
            page.get_by_role("button", name=link, exact=True)
        ).first.click()
        page.wait_for_load_state("load")
    page.evaluate(
        "() => Promise.all([...document.images].map((image) => { image.loading = 'eager'; return image.decode().catch(() => 0); }))"
    )
    if shot.reads:
        begin(page)
    buffer = io.BytesIO()
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def begin(page: Page) -> None:
    """Agree, pass the display check by, and wait for the image."""
    for _ in range(MOST_PAGES_BEFORE):
        if page.locator("canvas").count():
            page.wait_for_selector("canvas[data-token]")
            page.keyboard.press("2")
            return
        if page.locator("[name=consent]").count():
            page.check("[name=consent]")
        page.locator("main button[type=submit]").last.click()
        page.wait_for_load_state("load")
    sys.exit(f"No image came to be read: {page.url}")


if __name__ == "__main__":
    main()
