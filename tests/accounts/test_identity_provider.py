"""Signing in by the house's identity provider: a real one in a process of its own, over HTTP."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx2
import pytest
from allauth.socialaccount.models import SocialAccount
from django.urls import reverse

from accounts.models import SiteSettings, User
from accounts.roles import Role
from audit.models import Event
from outbound.transport import Bounds
from tests.accounts.identity_provider import PASSWORD
from tests.rating.cast import open_study

pytestmark = pytest.mark.django_db
CALLBACK = "http://testserver/accounts/oidc/house/login/callback/"
SECONDS = 20


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = str(tmp_path_factory.mktemp("identity-provider"))
    words = [sys.executable, "-m", "tests.accounts.identity_provider", folder, CALLBACK]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(SECONDS)


def known_at(settings: Any, url: str, **client: str) -> None:
    settings.OIDC_URL = url
    app = {"provider_id": "house", "name": "the clinic", "settings": {"server_url": url}, **client}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}


@pytest.fixture
def house(provider: dict[str, str], settings: Any) -> None:
    known_at(settings, provider["url"], client_id=provider["client_id"], secret=provider["secret"])
    settings.OIDC_RESEARCHERS = ["lungrater-researchers"]
    settings.OIDC_ADMINS = ["lungrater-admins"]


def come_in(client: Any, address: str, **query: str) -> Any:
    """From our sign-in page to the provider, there by password, and back: the answer to the way back."""
    to_provider = client.get(reverse("openid_connect_login", args=["house"]), query).url
    with httpx2.Client(follow_redirects=True, timeout=SECONDS) as browser:
        form = browser.get(to_provider)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
        fields = {"login": address, "password": PASSWORD, "csrfmiddlewaretoken": token[1] if token else ""}
        browser.follow_redirects = False
        answer = browser.post(form.url, data=fields)
        for _ in range(5):
            if answer.headers["location"].startswith(CALLBACK):
                break
            answer = browser.get(answer.url.join(answer.headers["location"]))
    return client.get(answer.headers["location"])


def test_an_invited_person_comes_in_and_their_groups_give_the_role(client, house):
    ada = User.objects.create_user("ada@example.org")

    answer = come_in(client, "ada@example.org")

    ada.refresh_from_db()
    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(ada.pk)
    assert ada.role == Role.RESEARCHER
    event = Event.objects.get(action="changed a role")
    assert (event.detail["before"], event.detail["source"]) == ("rater", "identity provider")


def test_the_second_time_they_are_known_by_the_providers_key_and_nothing_else_is_kept(client, house):
    ada = User.objects.create_user("ada@example.org")
    come_in(client, "ada@example.org")
    client.logout()
    User.objects.filter(pk=ada.pk).update(email="ada.new@example.org")

    come_in(client, "ada@example.org")

    assert client.session["_auth_user_id"] == str(ada.pk)
    assert [each.extra_data for each in SocialAccount.objects.filter(user=ada)] == [{}]


def test_whoever_was_not_invited_is_turned_away_unless_the_site_makes_accounts(client, house):
    turned_away = come_in(client, "boss@example.org")
    assert (turned_away.status_code, User.objects.count()) == (403, 0)
    assert Event.objects.get(action="was turned away at the identity provider").identity == "boss@example.org"

    SiteSettings(pk=1, provisions_people=True).save()
    come_in(client, "boss@example.org")

    boss = User.objects.get()
    assert (boss.email, boss.role) == ("boss@example.org", Role.ADMIN)
    assert client.session["_auth_user_id"] == str(boss.pk)


def test_of_several_groups_none_named_a_new_person_is_a_rater(client, house):
    SiteSettings(pk=1, provisions_people=True).save()

    come_in(client, "rita@example.org")

    assert User.objects.get().role == Role.RATER


def test_an_address_that_the_provider_does_not_vouch_for_opens_no_account(client, house):
    SiteSettings(pk=1, provisions_people=True).save()
    User.objects.create_user("unsure@example.org")

    answer = come_in(client, "unsure@example.org")

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session


def test_a_researcher_whom_no_group_names_any_more_does_not_come_in(client, house):
    User.objects.create_user("rita@example.org", role=Role.RESEARCHER)

    answer = come_in(client, "rita@example.org")

    assert answer.status_code == 403
    assert "no longer names you" in answer.content.decode()


def test_a_rater_of_a_study_becomes_no_researcher_by_a_group(client, house):
    ada = User.objects.create_user("ada@example.org")
    open_study(raters=[ada])

    answer = come_in(client, "ada@example.org")

    ada.refresh_from_db()
    assert (answer.status_code, ada.role) == (403, Role.RATER)


def test_a_deactivated_person_does_not_come_in(client, house):
    User.objects.create_user("ada@example.org", is_active=False)

    come_in(client, "ada@example.org")

    assert "_auth_user_id" not in client.session


def test_nobody_ties_the_providers_account_to_another_of_theirs(client, client_of, rater, house):
    browser = client_of(rater)

    answer = come_in(browser, "boss@example.org", process="connect")

    rater.refresh_from_db()
    assert (answer.status_code, rater.role) == (403, Role.RATER)
    assert not SocialAccount.objects.exists()
    assert browser.get(reverse("socialaccount_connections")).status_code == 404


def test_a_second_factor_required_here_is_left_to_the_provider(client, house):
    ada = User.objects.create_user("ada@example.org")
    SiteSettings(
        pk=1, second_factor_roles=["researcher"], second_factor_since=ada.date_joined, grace_days=0
    ).save()

    come_in(client, "ada@example.org")

    assert client.get("/studies/").status_code == 200


def test_a_provider_that_drips_is_given_up(client, settings, monkeypatch):
    """One byte a fifth of a second would hold a page for hours where only each read has an end."""
    bounds = Bounds(total_seconds=1.0, most_bytes=1000)
    monkeypatch.setattr("accounts.sign_in.identity_provider.BOUNDS", bounds)
    with dripping() as url:
        known_at(settings, url, client_id="x", secret="y")
        begun = time.monotonic()
        answer = client.get(reverse("openid_connect_login", args=["house"]))

    assert time.monotonic() - begun < 5
    assert answer.status_code == 503


def test_without_a_provider_nothing_of_it_is_offered(client):
    assert "oidc" not in client.get(reverse("account_login")).content.decode()
    assert client.get(reverse("openid_connect_login", args=["house"])).status_code == 404


@contextmanager
def dripping() -> Iterator[str]:
    """The address of a server on loopback that answers a byte at a time."""
    ended = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            for _ in range(100):
                if ended.wait(0.2):
                    return
                connection.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join(5)
