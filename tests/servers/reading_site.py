"""A site with a study that is being read: filled from outside, rated over HTTP, and what is in its tables."""

from __future__ import annotations

import json
import sys
import threading
import uuid
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from tests.servers.sites import lungrater

IMAGES = 60
TOKEN = "t" * 32


@dataclass(frozen=True)
class Reader:
    """A rater who has signed in: their cookie, their account, and where each of their answers goes."""

    session: str
    account: str
    paths: list[str]


def fill(home: Path, *, images: int = IMAGES) -> list[Reader]:
    """An open study of two raters with so many real and so many other images, made by this home's own processes."""
    words = f"from tests.servers.reading_site import make_study; make_study({images})"
    done = lungrater(home, "shell", "-v", "0", "-c", words)
    assert done.returncode == 0, done.stderr
    return [Reader(**each) for each in json.loads(done.stdout.splitlines()[-1])]


def make_study(images: int) -> None:
    """Run inside the site: prints the readers."""
    from django.conf import settings
    from django.test import Client

    from accounts.models import User
    from tests.rating.cast import open_study, presentations

    settings.HOME.models.joinpath("loras").mkdir(exist_ok=True)
    settings.HOME.models.joinpath("loras", "lungs.safetensors").write_bytes(b"weights")
    raters = [User.objects.create_user(f"reader{number}@example.org") for number in (1, 2)]
    study = open_study("Drill", raters=raters, real=images, fake=images)
    readers = []
    for rater in raters:
        client = Client()
        client.force_login(rater, backend="accounts.sign_in.backend.SignInBackend")
        paths = [f"/reading/{study.slug}/rate/{each.token}/" for each in presentations(study, rater)]
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        readers.append({"session": session, "account": str(rater.pk), "paths": paths})
    sys.stdout.write(json.dumps(readers) + "\n")


@dataclass
class Rating(threading.Thread):
    """Answers one image after another until there is none left or `enough` is set."""

    port: int
    reader: Reader
    paths: list[str]
    enough: threading.Event
    begun: threading.Event = field(default_factory=threading.Event)
    acknowledged: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        for path in self.paths:
            if self.enough.is_set() or answer(self.port, self.reader, path) != 200:
                return
            self.acknowledged += 1
            if self.acknowledged == 5:
                self.begun.set()


def answer(port: int, reader: Reader, path: str, label: str = "real", **others: str) -> int:
    """Send this label, and what else a form has, for this image; the status, or 0 where nobody answers."""
    line = HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {
        "Host": "localhost",
        "Cookie": f"sessionid={reader.session}; csrftoken={TOKEN}",
        "X-CSRFToken": TOKEN,
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = urlencode({"label": label, "client_key": str(uuid.uuid4()), "account": reader.account, **others})
    try:
        line.request("POST", path, body, headers)
        return line.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        line.close()


def image_status(port: int, reader: Reader, path: str) -> int:
    """What the image of this answer's address is answered with; 0 where nobody answers."""
    line = HTTPConnection("127.0.0.1", port, timeout=90)
    headers = {"Host": "localhost", "Cookie": f"sessionid={reader.session}"}
    try:
        line.request("GET", f"/i/{path.split('/')[-2]}", headers=headers)
        return line.getresponse().status
    except (OSError, HTTPException):
        return 0


def revisions(url: str) -> dict[int, str]:
    """Each stored answer's hash, by its row."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        rows = connection.execute("SELECT id, sha256 FROM rating_ratingrevision").fetchall()
    return dict(rows)


def rated_tokens(url: str) -> set[str]:
    query = (
        "SELECT token FROM rating_presentation JOIN rating_rating ON presentation_id = rating_presentation.id"
    )
    with psycopg.connect(url, connect_timeout=10) as connection:
        return {token for (token,) in connection.execute(query).fetchall()}


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def named_files_below(media: Path) -> dict[str, bytes]:
    """Those that a row names; thumbnails, which go into no backup, are made again when asked for."""
    return {
        name: content for name, content in files_below(media).items() if not name.startswith("thumbnails/")
    }
