"""The documentation: built without a warning, served offline under the strict policy, true where it is made from code."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from django.test import Client
from django.utils.html import strip_tags
from playwright.sync_api import Page

from accounts.models import User
from bench.reference import FOLDER, pages
from bench.reference.environment import variables_read
from bench.reference.environment_meanings import GROUPS, INTERNAL
from bench.reference.event_meanings import GROUPS as EVENTS
from bench.reference.events import recorded_actions
from bench.reference.page_meanings import GROUPS as PAGES
from bench.reference.page_meanings import NO_PAGES
from rating.studies.purpose_words import telling_words
from tests.rating.reading.conftest import complaints, open_browser
from tests.rights_table import WHO_MAY

__all__ = ["complaints", "open_browser"]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def reader(built: Path, settings: Any, researcher: User, client_of: Callable[[User], Client]) -> Client:
    settings.DOCS_DIR = built
    return client_of(researcher)


def addresses(page: str) -> set[str]:
    return {html.unescape(link) for link in re.findall(r'(?:href|src)="([^"]+)"', page)}


def test_every_link_and_anchor_inside_the_documentation_leads_somewhere(built: Path) -> None:
    anchors = {file: set(re.findall(r'\bid="([^"]+)"', file.read_text())) for file in built.rglob("*.html")}
    lost = []
    for file, text in ((file, file.read_text()) for file in anchors if file.name != "404.html"):
        for link in addresses(text):
            target, anchor = urldefrag(urljoin(file.as_uri(), link))
            if not target.startswith("file:"):
                continue
            place = Path(unquote(target.removeprefix("file://")))
            place = place / "index.html" if place.is_dir() else place
            if not place.is_file() or (anchor and anchor not in anchors.get(place, {anchor})):
                lost.append(f"{file.relative_to(built)}: {link}")
    assert not lost


def test_no_page_loads_anything_from_another_host(built: Path) -> None:
    loaded = re.compile(r'<(?:script|img|link|iframe|source)\b[^>]*(?:src|href)="(?:https?:)?//')

    assert [file for file in built.rglob("*.html") if loaded.search(file.read_text())] == []


def test_a_page_admits_its_own_inline_scripts_by_hash_and_no_others(reader: Client) -> None:
    answer = reader.get("/docs/statistics/")

    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert policy.count("'sha256-") == len(re.findall(rb"<script>", answer.content)) > 0
    assert "unsafe" not in policy
    assert not re.search(rb" style=|<style", answer.content)
    assert "'sha256-" not in reader.get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/docs/", "text/html"),
        ("/docs/search/search_index.json", "application/json"),
        ("/docs/assets/docs.css", "text/css"),
    ],
)
def test_what_the_pages_load_is_there(reader: Client, address: str, kind: str) -> None:
    answer = reader.get(address)

    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, kind)


@pytest.mark.parametrize(
    "address",
    ["/docs/nothing", "/docs/../pyproject.toml", "/docs/%2e%2e/%2e%2e/etc/passwd", "/docs//etc/passwd"],
)
def test_nothing_outside_the_folder_is_served(reader: Client, address: str) -> None:
    assert reader.get(address).status_code == 404


@pytest.mark.django_db
def test_a_site_without_its_documentation_answers_404(
    settings: Any, tmp_path: Path, researcher: User, client_of: Callable[[User], Client]
) -> None:
    settings.DOCS_DIR = tmp_path / "never built"

    assert client_of(researcher).get("/docs/").status_code == 404


def test_every_page_that_is_made_from_code_is_up_to_date() -> None:
    written = {name: (FOLDER / name).read_text(encoding="utf-8") for name in pages()}

    assert written == pages(), "python -m bench.reference --write"


def test_every_variable_that_the_code_reads_stands_in_the_reference() -> None:
    explained = {name for group in GROUPS.values() for name in group}

    assert set(variables_read()) - INTERNAL == explained


def test_every_action_that_the_code_records_stands_among_the_events() -> None:
    assert recorded_actions() == {action for group in EVENTS.values() for action in group}


def test_every_page_that_can_be_opened_is_told_of_somewhere() -> None:
    told = {name for group in PAGES.values() for name in group}

    opened = {name for name, (_, method) in WHO_MAY.items() if method == "get"}

    assert opened - told == NO_PAGES
    assert told <= set(WHO_MAY)


def test_the_page_for_raters_tells_no_purpose_and_quotes_the_pages() -> None:
    """A rater of a first phase may read it; what it quotes is what their pages say."""
    page = (REPOSITORY / "docs" / "for-raters.md").read_text(encoding="utf-8")
    said = [
        *(REPOSITORY / "templates" / "rating").glob("*.html"),
        *(REPOSITORY / "templates" / "account").glob("*.html"),
    ]
    words = "".join(template.read_text(encoding="utf-8") for template in said)

    quoted = [
        quote for quote in re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", page) if quote != "For organisers:"
    ]

    assert telling_words(page) == []
    assert len(quoted) > 15
    assert [quote for quote in quoted if quote not in words] == []


def test_the_commands_of_the_docs_are_commands(built: Path) -> None:
    commands = set(re.findall(r"^## lungrater (\S+)$", pages()["commands.md"], re.MULTILINE))
    named = {
        name
        for file in built.rglob("*.html")
        for block in re.findall(r"<code>(.*?)</code>", file.read_text(), re.DOTALL)
        for name in re.findall(r"^lungrater ([a-z-]+)", strip_tags(block), re.MULTILINE)
    }
    of_django = {"shell", "check", "sendtestemail"}

    assert {"up", "generate", "study", "export"} <= named
    assert named - of_django <= commands


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_the_pages_work_in_a_browser_and_find_a_word_without_any_other_host(
    built: Path, settings: Any, researcher: User, open_browser: Callable[..., Page]
) -> None:
    settings.DOCS_DIR = built
    page = open_browser(researcher)
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))

    page.goto("/docs/")
    page.locator(".md-search__input").click()
    page.keyboard.type("Krippendorff")
    page.locator('.md-search-result__link[href*="/docs/statistics/"]').first.click()

    page.wait_for_url("**/docs/statistics/**")
    assert hosts == {urlsplit(page.url).netloc}
