"""The whole job, as three people do it: real images, a real diffusion model, two raters, counts and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route

from tests.e2e.browser import sign_in, until
from tests.prepared_tables import home_with_tables
from tests.rating.reading.rooms import shown
from tests.servers.sites import Site, lungrater, site

pytestmark = pytest.mark.e2e

REAL, FAKE = "Real X-rays", "Diffusion X-rays"
EACH = 20
# What each rater presses, image after image: 1 real, 2 fake, 3 unsure.
PRESSED = {"first": "1212312212", "second": "1122131221"}
LABEL = {"1": "real", "2": "fake", "3": "unsure"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(home_with_tables(tmp_path_factory.mktemp("whole"))) as started:
        yield started


def run(running: Site, *words: str) -> str:
    ended = lungrater(running.home, *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_from_real_images_to_the_csv(running: Site, chromium: Browser, shared_data: Path) -> None:
    researcher = sign_in(chromium, _link(running, "researcher@example.org", "researcher"))
    _import_real_xrays(running, shared_data)
    _generate_fakes(researcher, running)
    _make_study(researcher, running)
    links = _invite(researcher, ["first@example.org", "second@example.org"])
    _open(researcher)

    orders = {}
    for who, link in zip(PRESSED, links, strict=True):
        rater = sign_in(chromium, link)
        orders[who] = _rate_everything(rater, PRESSED[who], secrets=[REAL, FAKE, "synthetic", "diffusion"])

    _close_and_unblind(researcher)
    rows = _ratings_csv(researcher)
    assert len(rows) == 2 * 2 * EACH
    for number, who in enumerate(PRESSED, start=1):
        mine = [row for row in rows if row["rater"] == f"R0{number}"]
        assert [row["label"] for row in mine] == orders[who]
        assert Counter(row["truth"] for row in mine) == {"real": EACH, "fake": EACH}
        assert {row["remark"] for row in mine} == {"", f"seen by {who}"}
    _check_analysis(researcher, rows)


def _link(running: Site, email: str, role: str) -> str:
    return run(running, "person", email, "--role", role, "--base-url", running.url)


def _import_real_xrays(running: Site, shared_data: Path) -> None:
    table = shared_data / "xray" / "manifest.csv"
    words = ["--origin", "real", "--modality", "xray", "--labels", str(table)]
    output = run(running, "import", str(shared_data / "xray"), "--dataset", REAL, *words, "--json")

    assert '"imported": 517' in output


def _generate_fakes(page: Page, running: Site) -> None:
    page.goto(f"{running.url}generation/new/diffusion/")
    page.select_option("[name=what]", label=_xray_model(page))
    page.fill("[name=total]", str(EACH))
    page.fill("[name=new_dataset]", FAKE)
    page.click("details.rare > summary")
    page.fill("[name=seed]", "7")
    page.click("text=Queue")
    # The page shows the images as they arrive, without being reloaded by hand.
    until(lambda: page.locator("h1 .state.succeeded, .notice.error").count() == 1, seconds=180)
    assert page.locator(".notice.error").count() == 0, page.inner_text("main")
    assert page.locator(".gallery img").count() == EACH


def _xray_model(page: Page) -> str:
    names = page.locator("[name=what] option").all_inner_texts()
    return next(name for name in names if "X-ray" in name and "normal" in name)


def _make_study(page: Page, running: Site) -> None:
    page.goto(f"{running.url}studies/new/")
    page.fill("[name=name]", "Reading 1")
    page.click("button:has-text('Next')")
    page.wait_for_selector("[aria-current=step]:has-text('Images')")
    page.get_by_label(f"{REAL} Main").fill(str(EACH))
    page.get_by_label(f"{FAKE} Main").fill(str(EACH))
    for title in ("Reading", "Raters", "Check"):
        page.click("button:has-text('Next')")
        page.wait_for_selector(f"[aria-current=step]:has-text('{title}')")
    page.click("text=Save draft")
    page.click("a:has-text('Freeze')")
    page.click("button:has-text('Freeze it')")
    until(lambda: page.locator(".state.frozen").count() == 1, seconds=120)
    # The real images were JPEGs of hospitals, the fakes never were: the audit says so and somebody answers for it.
    assert page.locator("#blinding .state.red").count()
    assert page.locator("button:has-text('Open for rating')").is_disabled()
    page.click("summary:has-text('in spite of the red verdict')")
    page.fill("#override-reason", "A test of the site, not of raters.")
    page.click("text=Override by my name")


def _invite(page: Page, emails: list[str]) -> list[str]:
    page.click("text=Invite raters")
    page.fill("[name=emails]", "\n".join(emails))
    page.click("button:has-text('Invite')")
    links = page.locator("[data-invitation]").all_inner_texts()
    page.click("text=Back to the study")
    return links


def _open(page: Page) -> None:
    page.click("text=Open for rating")
    assert page.locator(".state.open").count() == 1


def _rate_everything(page: Page, keys: str, *, secrets: list[str]) -> list[str]:
    """Rate by keyboard to the end; the labels pressed, in order. Nothing received may tell the truth."""
    received: list[APIResponse] = []

    def pass_on(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        received.append(answer)
        route.fulfill(response=answer)

    page.route("**/*", pass_on)
    page.click("main a:text-is('Begin')")
    page.check("[name=consent]")
    page.click("text=Agree and go on")
    page.click("main button:has-text('Go on')")
    pressed = []
    for number in range(1, 2 * EACH + 1):
        _wait_for_words(page, f"Image {number} of {2 * EACH}")
        shown(page)
        key = keys[(number - 1) % len(keys)]
        page.keyboard.press(key)
        if number == 1:
            page.fill("[name=remark]", f"seen by {'first' if keys == PRESSED['first'] else 'second'}")
            page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        pressed.append(LABEL[key])
    _wait_for_words(page, "All images rated")

    images = [answer for answer in received if "/i/" in answer.url]
    assert len(images) >= 2 * EACH
    assert len({tuple(sorted(_telling_headers(answer))) for answer in images}) == 1
    for answer in received:
        words = f"{answer.url} {answer.headers} ".encode() + answer.body()
        assert not [secret for secret in secrets if secret.encode() in words], answer.url
    return pressed


def _wait_for_words(page: Page, words: str) -> None:
    until(lambda: words in page.inner_text("main"))


def _telling_headers(answer: APIResponse) -> list[tuple[str, str]]:
    varying = {"date", "content-length"}
    return [(name, value) for name, value in answer.headers.items() if name not in varying]


def _close_and_unblind(page: Page) -> None:
    page.reload()
    page.click("main a:text-is('Close')")
    page.fill("[name=confirm]", "Reading 1")
    page.click("button:has-text('Close for good')")
    page.click("a:has-text('Unblind …')")
    _prove_identity(page)
    page.fill("[name=reason]", "All raters have finished.")
    page.click("button:has-text('Unblind the study')")
    page.click("text=Analysis")


def _prove_identity(page: Page) -> None:
    """She came in by a link, to a site that sends no mail: a password is set on the way, which proves it."""
    secret = "a long enough secret of hers"
    page.click("main a:text-is('Set a password')")
    page.fill("[name=password1]", secret)
    page.fill("[name=password2]", secret)
    page.click("main button[type=submit]")


def _ratings_csv(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.click("text=Ratings CSV")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _check_analysis(page: Page, rows: list[dict[str, str]]) -> None:
    """Counts by truth, agreement and galleries, against the ratings that were exported."""
    overview = _words(page)
    for rater in ("R01", "R02"):
        for truth in ("real", "fake"):
            counted = Counter(row["label"] for row in rows if (row["rater"], row["truth"]) == (rater, truth))
            numbers = f"{counted['real']} {counted['fake']} {counted['unsure']} {EACH}"
            assert f"X-ray, truly {truth} {rater} {numbers}" in overview
    by_image: dict[str, list[str]] = {}
    for row in rows:
        by_image.setdefault(row["image"], []).append(row["label"])
    agreed = sum(first == second for first, second in by_image.values()) / len(by_image)
    assert f"Percent agreement {agreed:.3f}" in overview

    page.click(".tabs a >> nth=1")  # the first group of questions, which also shows the images
    page.click("text=Which images?")
    galleries = _words(page)
    both = {label: list(by_image.values()).count([label, label]) for label in ("real", "fake")}
    assert f"Called real by all {both['real']}" in galleries
    assert f"Called fake by two or more {both['fake']}" in galleries
    page.click("text=Called fake by two or more")
    assert page.locator("main figure img").count() == both["fake"]


def _words(page: Page) -> str:
    return re.sub(r"\s+", " ", page.inner_text("main"))
