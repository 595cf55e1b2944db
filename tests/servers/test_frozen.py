"""A broker that is frozen, not dead: it takes every connection and answers none."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2
import pytest

from tests.pool.files import image_bytes
from tests.servers.sites import Site, Table, lungrater

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

UPLOADS = 24
ANSWERS_WITHIN = 10.0
SAVES_WITHIN = 3.0
BACK_WITHIN = 120.0
CSRF = "t" * 32

SCENE = """
import json
from django.conf import settings
from django.test import Client
from accounts.models import User
from accounts.roles import Role
from tests.rating.cast import open_study, presentations
def cookie(person):
    browser = Client()
    browser.force_login(person, backend="accounts.sign_in.backend.SignInBackend")
    return browser.cookies[settings.SESSION_COOKIE_NAME].value
researcher = User.objects.create_user("frozen-researcher@example.org", role=Role.RESEARCHER)
rater = User.objects.create_user("frozen-rater@example.org")
study = open_study("Frozen", raters=[rater])
paths = [f"/reading/{study.slug}/rate/{p.token}/" for p in presentations(study, rater)]
print("SCENE", json.dumps([cookie(researcher), cookie(rater), rater.pk, paths]))
"""


@dataclass(frozen=True)
class Browser:
    url: str
    session: str

    def post(self, path: str, **words: object) -> httpx2.Response:
        cookies = {"sessionid": self.session, "csrftoken": CSRF}
        headers = {"X-CSRFToken": CSRF, "Accept": "application/json"}
        with httpx2.Client(base_url=self.url, cookies=cookies, headers=headers, timeout=60) as line:
            return line.post(path, **words)  # type: ignore[arg-type]  # the test's own words


@dataclass(frozen=True)
class Scene:
    researcher: Browser
    rater: Browser
    account: int
    paths: list[str]

    def upload(self, number: int) -> float:
        """Seconds until the page has queued the import."""
        began = time.monotonic()
        wish = {"name": f"Frozen {number}", "origin": "real", "modality": "xray", "labels": "none"}
        answer = self.researcher.post("/pool/import/", data=wish, files={"uploads": ("a.png", image_bytes())})
        assert answer.status_code in {302, 303}, answer.text
        return time.monotonic() - began

    def save(self, path: str) -> float:
        """Seconds until a rating is acknowledged."""
        began = time.monotonic()
        words = {"label": "fake", "client_key": str(uuid.uuid4()), "account": str(self.account)}
        answer = self.rater.post(path, data=words)
        assert answer.status_code == 200, answer.text
        return time.monotonic() - began


@pytest.fixture(scope="module")
def scene(running_site: Site) -> Scene:
    done = lungrater(running_site.home, "shell", "-v", "0", "-c", SCENE)
    assert done.returncode == 0, done.stderr
    researcher, rater, account, paths = json.loads(done.stdout.split("SCENE")[1])
    url = running_site.url
    return Scene(Browser(url, researcher), Browser(url, rater), account, paths)


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_frozen_broker_keeps_no_upload_and_no_rating_waiting_and_loses_no_job(
    running_site: Site, scene: Scene
) -> None:
    table = Table(running_site, "pool_importjob")
    with frozen(running_site.pid_of("redis")), ThreadPoolExecutor(UPLOADS) as browsers:
        uploads = [browsers.submit(scene.upload, number) for number in range(UPLOADS)]
        slowest = max(upload.result() for upload in uploads)
        save = max(scene.save(path) for path in scene.paths)
        status, missing = running_site.health()

    assert slowest < ANSWERS_WITHIN
    assert save < SAVES_WITHIN
    assert status == 503
    assert "broker" in missing
    for (pk,) in table.rows("SELECT id FROM pool_importjob WHERE url = '' ORDER BY id"):
        table.wait(pk, lambda job: job[0] == "succeeded", BACK_WITHIN)
