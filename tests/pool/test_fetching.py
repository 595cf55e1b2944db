"""Images from an address: fetched, said where from, and never out of a private network unless that is allowed."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from outbound import fetching
from outbound.fetching import FetchError, fetch
from pool.canonical.pixels import encode_png
from pool.models import Image, ImportJob
from tests.factories import make_pixels

pytestmark = pytest.mark.django_db


def zipped(number: int = 2) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for index in range(number):
            archive.writestr(f"{index}.png", encode_png(make_pixels(side=32)))
    return packed.getvalue()


PAGES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/fakes.zip": (200, {}, zipped()),
    "/download": (200, {"Content-Type": "application/zip"}, zipped()),
    "/one.png": (200, {}, encode_png(make_pixels(side=32))),
    "/page": (200, {"Content-Type": "text/html"}, b"<html>"),
    "/there": (302, {"Location": "/fakes.zip"}, b""),
    "/round": (302, {"Location": "/round"}, b""),
    "/file": (302, {"Location": "file:///etc/passwd"}, b""),
    "/cut": (200, {"Content-Length": "99999"}, b"PK"),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = PAGES.get(self.path.split("?")[0], (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    log_message: Callable[..., None] = lambda *_: None


@pytest.fixture
def server(settings: Any) -> Iterator[str]:
    settings.IMPORT_FROM_PRIVATE_NETWORKS = True
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/fakes.zip", "fakes.zip"),
        ("/download", "download.zip"),
        ("/there", "fakes.zip"),
        ("/one.png", "one.png"),
    ],
)
def test_an_image_or_a_zip_is_fetched_under_its_name(
    server: str, path: str, name: str, tmp_path: Path
) -> None:
    assert fetch(server + path, tmp_path / "got", from_private_networks=True) == name
    assert (tmp_path / "got").read_bytes() == PAGES["/fakes.zip" if path == "/there" else path][2]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nowhere", "answered 404"),
        ("/round", "more than 5 times"),
        ("/file", "begins with https"),
        ("/cut", "half-way|cannot be read"),
    ],
)
def test_what_cannot_be_fetched_is_said_in_a_sentence(
    server: str, path: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(FetchError, match=words):
        fetch(server + path, tmp_path / "got", from_private_networks=True)


def test_more_than_is_allowed_is_not_stored(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 100)

    with pytest.raises(FetchError, match="larger than"):
        fetch(f"{server}/fakes.zip", tmp_path / "got", from_private_networks=True)

    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "192.168.1.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "0.0.0.0",
    ],
)
def test_nothing_is_fetched_from_a_private_network_whatever_the_name_says(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda *_, **__: [(0, 0, 0, "", ("8.8.8.8", 80)), (0, 0, 0, "", (address, 80))],
    )
    monkeypatch.setattr("socket.create_connection", lambda *given: asked.append(given))

    with pytest.raises(FetchError, match="private network"):
        fetch("http://images.example/fakes.zip", tmp_path / "got")

    assert asked == []


def test_the_page_imports_from_an_address_and_keeps_who_made_the_images(
    server: str, researcher: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
    browser = client_of(researcher)
    wish = {
        "url": f"{server}/fakes.zip?key=secret",
        "name": "Fakes of 2022",
        "origin": "synthetic",
        "modality": "xray",
        "labels": "none",
        "made_with": "diffusion model",
        "model": "DDPM",
        "prompt": "chest x-ray",
        "source": "Ali et al. 2022",
    }

    answer = browser.post("/pool/import/", wish)
    job = ImportJob.objects.get()
    job.perform()
    page = browser.get(answer["Location"]).content.decode()

    assert job.state == "succeeded", job.error
    assert job.imported == 2
    image = Image.objects.first()
    assert image is not None
    assert image.provenance == {
        "engine": "diffusion model",
        "model": "DDPM",
        "prompt": "chest x-ray",
        "source": "Ali et al. 2022",
        "fetched_from": f"{server}/fakes.zip",
    }
    assert "/fakes.zip" in page
    assert "secret" not in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": ""}, "Choose files, or give an address."),
        ({"url": "ftp://x/y"}, "begins with https"),
        ({"url": "https://me:pw@x/y"}, "a name or a password"),
        ({"origin": "real"}, "Only synthetic images"),
    ],
)
def test_an_import_that_cannot_be_is_answered_on_the_form(
    changes: dict[str, str], words: str, researcher: User, client_of: Callable[[User], Client]
) -> None:
    wish = {"url": "https://x.example/y.zip", "name": "D", "origin": "synthetic", "modality": "xray"}

    page = client_of(researcher).post("/pool/import/", {**wish, "labels": "none", "model": "m", **changes})

    assert page.status_code == 422
    assert words in page.content.decode()
    assert ImportJob.objects.count() == 0


def test_a_fetch_that_fails_fails_the_import_with_its_sentence(
    server: str, researcher: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
    wish = {"url": f"{server}/page", "name": "D", "origin": "synthetic", "modality": "xray", "labels": "none"}
    client_of(researcher).post("/pool/import/", wish)
    job = ImportJob.objects.get()

    job.perform()

    assert job.state == "failed"
    assert "No image was imported" in job.error


def test_the_command_imports_from_an_address_with_its_provenance(server: str) -> None:
    out = StringIO()
    words = ("import", f"{server}/download", "--dataset=D", "--modality=ct", "--model=GAN", "--json")

    call_command(*words, "--origin=synthetic", stdout=out)

    assert json.loads(out.getvalue())["imported"] == 2
    assert {image.provenance["model"] for image in Image.objects.all()} == {"GAN"}
    with pytest.raises(CommandError, match="Only synthetic"):
        call_command(*words, "--origin=real")
    with pytest.raises(CommandError, match="answered 404"):
        call_command("import", f"{server}/nothing", "--dataset=E", "--modality=ct", "--origin=synthetic")
