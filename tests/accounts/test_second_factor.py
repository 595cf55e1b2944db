"""A second factor required by role: a date before, one page after, and no dead end where no mail is sent."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.urls import reverse
from django.utils import timezone

from accounts.models import SiteSettings
from tests.rating.cast import open_study, presentations

pytestmark = pytest.mark.django_db
PAGE = "/account/second-factor/"
PASSWORD = "a long enough password"


def required_of(*roles: str, days_ago: int) -> datetime:
    """Since when these roles have had fourteen days for it."""
    since = timezone.now() - timedelta(days=days_ago)
    SiteSettings(pk=1, second_factor_roles=list(roles), second_factor_since=since, grace_days=14).save()
    return since


@pytest.fixture
def old_researcher(researcher):
    researcher.date_joined = timezone.now() - timedelta(days=400)
    researcher.set_password(PASSWORD)
    researcher.save()
    return researcher


def totp_code(secret: str) -> str:
    return f"{hotp_value(secret, next(yield_hotp_counters_from_time())):06d}"


def test_before_the_days_are_over_each_page_says_the_date(client_of, old_researcher):
    since = required_of("researcher", days_ago=4)

    page = client_of(old_researcher).get("/studies/")

    assert page.status_code == 200
    assert f"From {since + timedelta(days=14):%Y-%m-%d} on" in page.content.decode()


def test_once_they_are_over_only_the_set_up_opens(client_of, old_researcher):
    required_of("researcher", days_ago=15)
    browser = client_of(old_researcher)

    assert browser.get("/studies/").url == PAGE
    assert browser.post("/pool/import/", {}).url == PAGE
    assert browser.get("/studies/", headers={"accept": "application/json"}).status_code == 403
    assert browser.get(PAGE).status_code == 200


def test_whoever_came_later_has_the_same_number_of_days(client_of, researcher):
    required_of("researcher", days_ago=100)

    assert client_of(researcher).get("/studies/").status_code == 200


def test_a_new_requirement_begins_its_days_when_it_is_made(client_of, admin, old_researcher):
    client_of(admin).post(
        reverse("site_settings"), {"name": "x", "grace_days": 3, "second_factor_roles": ["researcher"]}
    )

    assert client_of(old_researcher).get("/studies/").status_code == 200
    rule = SiteSettings.objects.get(second_factor_since__gt=timezone.now() - timedelta(minutes=5))
    assert rule.grace_days == 3


def test_an_app_is_set_up_without_mail_and_everything_opens_again(client, old_researcher, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    required_of("researcher", days_ago=15)
    client.post(reverse("account_login"), {"login": old_researcher.email, "password": PASSWORD})

    asked_again = client.get(reverse("mfa_activate_totp"))
    form = client.post(asked_again.url, {"password": PASSWORD}, follow=True).content.decode()
    secret = re.search(r'value="([A-Z2-7]{32})"', form).group(1)
    codes = client.post(reverse("mfa_activate_totp"), {"code": totp_code(secret)}, follow=True)

    assert codes.redirect_chain[-1][0] == reverse("mfa_view_recovery_codes")
    assert client.get("/studies/").status_code == 200


def test_the_page_for_a_passkey_opens_as_well(client_of, old_researcher):
    required_of("researcher", days_ago=15)

    page = client_of(old_researcher).get(reverse("mfa_add_webauthn"), follow=True)

    assert page.status_code == 200
    assert PAGE not in [url for url, _ in page.redirect_chain]


def test_raters_are_asked_only_where_the_site_says_so(client_of, rater):
    rater.date_joined = timezone.now() - timedelta(days=400)
    rater.save()
    study = open_study(raters=[rater])
    required_of("researcher", "admin", days_ago=100)
    assert client_of(rater).get(reverse("rating:read", args=[study.slug])).status_code == 200

    required_of("rater", days_ago=100)

    assert client_of(rater).get(reverse("rating:read", args=[study.slug])).url == PAGE


def test_an_answer_on_its_way_is_taken_whatever_is_due(client_of, rater):
    rater.date_joined = timezone.now() - timedelta(days=400)
    rater.save()
    study = open_study(raters=[rater])
    token = presentations(study, rater)[0].token
    required_of("rater", days_ago=100)

    answer = client_of(rater).post(reverse("rating:rate", args=[study.slug, token]), {"label": "real"})

    assert PAGE not in answer.get("Location", "")
    assert answer.status_code != 403


def test_a_recovery_code_lets_its_person_in_once(client, old_researcher):
    TOTP.activate(old_researcher, generate_totp_secret())
    code = RecoveryCodes.activate(old_researcher).get_unused_codes()[0]

    came_in = []
    for _ in range(2):
        client.logout()
        client.post(reverse("account_login"), {"login": old_researcher.email, "password": PASSWORD})
        client.post(reverse("mfa_authenticate"), {"code": code})
        came_in.append("_auth_user_id" in client.session)

    assert came_in == [True, False]
