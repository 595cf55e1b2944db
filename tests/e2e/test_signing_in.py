"""Each role comes in by a way that needs no mail: a passkey, an authenticator app, the house's identity provider."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import hotp_value, yield_hotp_counters_from_time
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page

from accounts.membership.models import Part
from accounts.models import LoginLink, SiteSettings, User
from accounts.roles import Role
from rating.models import Recruitment
from tests.accounts.identity_provider import PASSWORD
from tests.rating.cast import open_study, over_study

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
SHOTS = os.environ.get("SCREENSHOTS", "")


@pytest.fixture
def page(chromium: Browser, settings: Any, live_server: Any) -> Iterator[Page]:
    """Closed before the tables are emptied, and once the server has answered all that the last page asked for."""
    settings.EMAIL_BACKEND = NO_MAIL
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        """The provider's own pages, at another address, are not ours to mend."""
        if message.type == "error" and "//localhost" in message.location["url"]:
            complaints.append(message.text)

    page.on("console", listen)
    yield page
    page.wait_for_load_state("networkidle")
    context.close()
    assert complaints == []


def shoot(page: Page, name: str) -> None:
    """An image of the page in both sizes, where somebody wants to look at it."""
    if SHOTS:
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=str(Path(SHOTS) / f"{name}-{width}.png"), full_page=True)
        page.set_viewport_size({"width": 1280, "height": 800})


def come_in_by_link(page: Page, url: str, person: User) -> None:
    page.goto(url + LoginLink.issue(person, lives=timedelta(hours=1)))
    page.click("main button[type=submit]")


def required_of(role: Role) -> None:
    since = timezone.now() - timedelta(days=30)
    SiteSettings(pk=1, second_factor_roles=[role], second_factor_since=since, grace_days=0).save()


def new(email: str, role: Role) -> User:
    return User.objects.create_user(email, role=role, date_joined=timezone.now() - timedelta(days=30))


def with_authenticator(page: Page) -> None:
    """A security key that is plugged in and says yes to everything."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def add_passkey(page: Page) -> None:
    page.fill("input[name=name]", "Desk")
    if page.locator("input[name=passwordless]").count():
        page.check("input[name=passwordless]")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(lambda url: "/add/" not in url)


def test_an_admin_has_to_make_a_passkey_and_comes_back_by_it(page: Page, live_server: Any) -> None:
    required_of(Role.ADMIN)
    come_in_by_link(page, live_server.url, new("admin@example.org", Role.ADMIN))
    with_authenticator(page)
    assert page.url.endswith("/account/second-factor/")
    shoot(page, "second-factor")

    page.click("text=Add a passkey or security key")
    add_passkey(page)
    page.goto(live_server.url)
    assert page.locator("h2:has-text('The site')").count() == 1
    for name in ("", "people/", "health/", "settings/", "people/invite/"):
        page.goto(f"{live_server.url}/{name}")
        shoot(page, name.strip("/").replace("/", "-") or "home")

    page.click("text=Sign out")
    page.goto(f"{live_server.url}/accounts/login/")
    shoot(page, "login")
    page.click("text=/Sign in with a passkey/i")
    page.wait_for_url(f"{live_server.url}/")
    assert page.locator("h2:has-text('The site')").count() == 1


def test_a_passkey_proves_who_unblinds_a_study(page: Page, live_server: Any) -> None:
    """Its only means of proof: neither a password nor a mailbox is there."""
    owner = new("owner@example.org", Role.RESEARCHER)
    study = over_study(raters=[new("rita@example.org", Role.RATER)])
    study.share_with(owner, Part.OWNER)
    come_in_by_link(page, live_server.url, owner)
    with_authenticator(page)
    page.goto(f"{live_server.url}/accounts/2fa/webauthn/add/")
    add_passkey(page)
    page.context.clear_cookies()  # adding it was a proof too, so begin anew
    page.goto(f"{live_server.url}/accounts/login/")
    page.click("#passkey_login")
    page.wait_for_url(f"{live_server.url}/")

    page.goto(f"{live_server.url}{study.get_absolute_url()}unblind/")
    page.wait_for_url("**/webauthn/reauthenticate/**")
    shoot(page, "prove-by-passkey")
    page.click("#mfa_webauthn_reauthenticate")
    page.fill("textarea[name=reason]", "All have read.")
    page.click("main form button.danger")
    page.wait_for_url(f"{live_server.url}{study.get_absolute_url()}")
    study.refresh_from_db()

    assert study.is_unblinded
    assert study.events.get(action="unblinded").actor == owner.uuid


def test_a_rater_without_a_mailbox_comes_back_by_the_passkey_that_the_page_offers(
    page: Page, live_server: Any
) -> None:
    study = open_study(raters=[new("rita@example.org", Role.RATER)])
    recruitment = Recruitment.objects.create(study=study, is_open=True, places=1)
    door = reverse("rating:take_part", args=[recruitment.token])
    page.goto(f"{live_server.url}{door}?PROLIFIC_PID=5f1ab")
    page.click("main button[type=submit]")
    page.goto(live_server.url + reverse("rating:reading_list"))
    with_authenticator(page)

    page.click("text=Add a passkey")
    assert page.is_checked("input[name=passwordless]")
    add_passkey(page)
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/accounts/login/")
    page.click("#passkey_login")
    page.wait_for_url(lambda url: "/login/" not in url)
    page.goto(live_server.url + reverse("rating:reading_list"))

    assert page.locator(f"section[id='{study.slug}']").count() == 1
    assert page.locator("text=Add a passkey").count() == 0


def test_a_researcher_sets_up_an_app_by_the_code_that_the_page_shows(page: Page, live_server: Any) -> None:
    required_of(Role.RESEARCHER)
    come_in_by_link(page, live_server.url, new("researcher@example.org", Role.RESEARCHER))

    page.click("text=Use an authenticator app")
    width = page.eval_on_selector("img[src^='data:image/svg']", "image => image.naturalWidth")
    secret = page.locator("#authenticator_secret").input_value()
    page.fill("input[name=code]", f"{hotp_value(secret, next(yield_hotp_counters_from_time())):06d}")
    page.click("main button[type=submit]")
    page.wait_for_url("**recovery-codes**")  # they are shown once the app has been asked again
    page.goto(live_server.url)

    assert width > 0
    assert page.locator("#studies h2:has-text('Studies')").count() == 1


def test_a_rater_comes_in_by_the_houses_identity_provider(
    page: Page, live_server: Any, settings: Any, tmp_path: Path
) -> None:
    callback = f"{live_server.url}/accounts/oidc/house/login/callback/"
    words = [sys.executable, "-m", "tests.accounts.identity_provider", str(tmp_path), callback]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        provider = json.loads(process.stdout.readline())
        settings.OIDC_URL, settings.OIDC_NAME = provider["url"], "the clinic"
        client = {name: provider[name] for name in ("client_id", "secret")}
        app = {"provider_id": "house", "name": "the clinic", **client}
        app["settings"] = {"server_url": provider["url"]}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
        new("rita@example.org", Role.RATER)

        page.goto(f"{live_server.url}/accounts/login/")
        page.click("text=Sign in with the clinic")
        page.fill("input[name=login]", "rita@example.org")
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(f"{live_server.url}/reading/")

        assert page.locator("h1:has-text('My studies')").count() == 1
    finally:
        process.terminate()
        process.wait(20)
        connection.close()
