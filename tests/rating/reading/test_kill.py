"""kill -9 of the browser and of the web server."""

import os
import signal
import subprocess
import threading
import time
import uuid
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urlsplit, urlunsplit

import psutil
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from lungrater.embedded import commands, site
from lungrater.embedded.urls import database_url
from rating.models import Rating, RatingRevision
from tests.chromium import CHROMIUM, FLAGS
from tests.rating.cast import presentations
from tests.rating.reading.conftest import sign_in
from tests.rating.reading.rooms import enter, eventually, rate, reading_study, until, wait_for_status

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def test_a_killed_browser_sends_what_it_had_not_sent(playwright_, live_server, rater, tmp_path):
    study = reading_study(raters=[rater])

    def start():
        context = playwright_.chromium.launch_persistent_context(
            tmp_path, executable_path=CHROMIUM, args=FLAGS, base_url=live_server.url
        )
        sign_in(context, rater, live_server.url)
        return context

    context = start()
    page = context.pages[0]
    enter(page, study)
    page.route("**/rate/**", lambda route: route.abort())
    for key in "123":
        rate(page, key)
    until(page, KEPT, argument=3)
    kill_browser(str(tmp_path))
    assert not Rating.objects.exists()

    context = start()
    page = context.pages[0]
    page.goto("/reading/")

    eventually(lambda: Rating.objects.count() == 3, page)
    assert [p.rating.label for p in presentations(study, rater)[:3]] == ["real", "fake", "unsure"]
    context.close()


KEPT = """(count) => new Promise((resolve) => {
  const opening = indexedDB.open('lungrater');
  opening.onsuccess = () => {
    const asked = opening.result.transaction('saves').objectStore('saves').count();
    asked.onsuccess = () => resolve(asked.result === count);
  };
})"""


def kill_browser(profile):
    """SIGKILL to every process of the browser with this profile."""
    mine = [p for p in psutil.process_iter(["cmdline"]) if any(profile in a for a in p.info["cmdline"] or [])]
    for process in mine:
        process.kill()
    psutil.wait_procs(mine, timeout=10)


class Site:
    """The real web server on the tests' database; its socket outlives it, as under `lungrater up`."""

    def __init__(self, listener):
        self.listener = listener
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        ours = urlsplit(database_url())._replace(path=f"/{connection.settings_dict['NAME']}")
        env = {**os.environ, "DATABASE_URL": urlunsplit(ours), "LOG_LEVEL": "ERROR"}
        env["SECRET_KEY"] = settings.SECRET_KEY
        descriptor = self.listener.fileno()
        self.process = subprocess.Popen(
            commands.web(bind=f"fd://{descriptor}"),
            env=env,
            pass_fds=[descriptor],
            start_new_session=True,
        )

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def web():
    with site.listening("127.0.0.1", 0) as listener:
        server = Site(listener)
        server.start()
        yield server
        server.kill()


class ScriptedRater(threading.Thread):
    """Rates everything as fast as the server lets it, sending each save again until it is echoed."""

    def __init__(self, port, user, jobs):
        super().__init__()
        client = Client()
        client.force_login(user, backend="accounts.sign_in.backend.SignInBackend")
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        token = "t" * 32
        self.port, self.jobs, self.acknowledged, self.account = port, jobs, {}, str(user.pk)
        self.headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={token}",
            "X-CSRFToken": token,
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def run(self):
        for number, (path, token) in enumerate(self.jobs):
            label = ("real", "fake", "unsure")[number % 3]
            body = urlencode({"label": label, "client_key": str(uuid.uuid4()), "account": self.account})
            while not self.send(path, body):
                time.sleep(0.05)
            self.acknowledged[token] = label

    def send(self, path, body):
        line = HTTPConnection("127.0.0.1", self.port, timeout=3)
        try:
            line.request("POST", path, body, self.headers)
            return line.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            line.close()


def test_a_web_server_killed_under_load_loses_nothing_it_has_acknowledged(web, chromium, rater):
    others = [User.objects.create_user(f"load{number}@example.org") for number in range(3)]
    study = reading_study(raters=[rater, *others], real=20, fake=20)
    load = [
        ScriptedRater(
            web.port,
            other,
            [(f"/reading/{study.slug}/rate/{p.token}/", p.token) for p in presentations(study, other)],
        )
        for other in others
    ]
    context = chromium.new_context(base_url=web.url)
    sign_in(context, rater, web.url)
    page = context.new_page()
    enter(page, study)

    for thread in load:
        thread.start()
    for number in range(24):
        rate(page, "123"[number % 3], seconds=40)
        if number in {7, 15}:
            web.kill()
            web.start()
    for thread in load:
        thread.join(timeout=60)
    wait_for_status(page, "Saved", seconds=40)
    context.close()

    own = [getattr(getattr(p, "rating", None), "label", None) for p in presentations(study, rater)]
    assert own == [("real", "fake", "unsure")[n % 3] for n in range(24)] + [None] * 16
    acknowledged = {token: label for thread in load for token, label in thread.acknowledged.items()}
    stored = dict(
        Rating.objects.exclude(presentation__sitting__enrolment__user=rater).values_list(
            "presentation__token", "label"
        )
    )
    assert len(acknowledged) == 120
    assert stored == acknowledged
    assert RatingRevision.objects.count() == Rating.objects.count() == 144


def test_nothing_is_kept_that_could_be_forgotten_again(rater):
    """The promise above stands on these settings of the database."""
    with connection.cursor() as cursor:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {setting}")
            assert cursor.fetchone() == ("on",)
