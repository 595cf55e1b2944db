"""Tokens: made after proving who one is, shown once, stored as a digest; what opens the API and what does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import IdempotentRequest, PersonalToken, SiteSettings, User
from accounts.tokens.digest import digest
from audit.models import Event
from tests.accounts.proof import prove, with_password
from tests.api.callers import caller

pytestmark = pytest.mark.django_db
ME = "/api/v1/me"


def test_a_token_is_shown_once_and_stored_as_a_digest(researcher, client_of):
    browser = client_of(with_password(researcher))
    prove(browser)

    page = browser.post(reverse("tokens"), {"name": "notebook", "scopes": ["read"], "days": 30})

    secret = page.context["secret"]
    token = PersonalToken.objects.get()
    assert token.digest == digest(secret)
    assert secret in page.content.decode()
    assert secret not in browser.get(reverse("tokens")).content.decode()
    assert not PersonalToken.objects.filter(digest=secret).exists()
    event = Event.objects.get(action="made a token")
    assert (event.actor, event.detail["scopes"]) == (researcher.uuid, ["read"])
    assert secret not in str(event.detail)


def test_the_way_to_tokens_leads_over_ones_own_account_but_not_for_a_rater(client_of, researcher, rater):
    pages = [client_of(person).get(reverse("account")).content.decode() for person in (researcher, rater)]

    assert [reverse("tokens") in page for page in pages] == [True, False]


def test_a_session_left_open_makes_no_token(researcher, client_of):
    browser = client_of(with_password(researcher))

    answer = browser.post(reverse("tokens"), {"name": "thief", "scopes": ["read"], "days": 30})

    assert answer.status_code == 302
    assert not PersonalToken.objects.exists()


def test_a_token_is_revoked_on_the_page_and_then_opens_nothing(researcher, client_of):
    program = caller(researcher)
    token = PersonalToken.objects.get()

    before = program.get(ME).status_code
    client_of(researcher).post(reverse("revoke_token", args=[token.pk]))

    after = program.get(ME)
    assert (before, after.status_code) == (200, 401)
    assert "This token is revoked" in after.json()["detail"]
    assert Event.objects.filter(action="revoked a token", actor=researcher.uuid).count() == 1


def test_nobody_revokes_the_token_of_another_person(researcher, admin, client_of):
    caller(researcher)
    token = PersonalToken.objects.get()

    answer = client_of(admin).post(reverse("revoke_token", args=[token.pk]))

    assert answer.status_code == 404
    assert PersonalToken.objects.valid().count() == 1


def test_me_says_whose_token_it_is(researcher):
    answer = caller(researcher, "read").get(ME)

    assert answer.status_code == 200
    assert answer.json()["email"] == researcher.email
    assert answer.json()["scopes"] == ["read"]


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer nothing", "Basic YTpi", "Bearer \x00", "bearer " + "x" * 5000],
)
def test_without_a_valid_token_there_is_no_way_in(researcher, authorization):
    answer = Client(headers={"authorization": authorization}).get(ME)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["status"] == 401


def test_a_session_opens_nothing_so_no_other_site_can_make_a_browser_act(researcher, client_of):
    assert client_of(researcher).get(ME).status_code == 401


def test_a_token_ends_with_its_time(researcher):
    answer = caller(researcher, lives=timedelta(seconds=-1)).get(ME)

    assert answer.status_code == 401
    assert answer.json()["detail"] == "This token is expired: make another one on your account page."


def test_a_token_ends_with_its_person(researcher):
    program = caller(researcher)
    User.objects.filter(pk=researcher.pk).update(is_active=False)

    assert program.get(ME).status_code == 401


def test_an_act_token_alone_opens_nothing(researcher):
    _token, secret = PersonalToken.issue_for_acts(researcher, proof="password")

    assert Client(headers={"authorization": f"Bearer {secret}"}).get(ME).status_code == 401


def test_a_scope_that_is_not_there_is_refused_by_name(researcher):
    answer = caller(researcher, "write").get(ME)

    assert answer.status_code == 403
    assert "“read”" in answer.json()["detail"]


def test_the_last_use_is_kept(researcher):
    program = caller(researcher)

    program.get(ME)

    last_use = PersonalToken.objects.get().last_used_at
    assert last_use is not None
    assert timezone.now() - last_use < timedelta(minutes=1)


def test_where_a_second_factor_is_overdue_the_token_waits_for_it_too(researcher):
    program = caller(researcher)
    SiteSettings.objects.update_or_create(
        pk=1,
        defaults={
            "second_factor_roles": ["researcher"],
            "second_factor_since": timezone.now() - timedelta(days=99),
        },
    )
    User.objects.filter(pk=researcher.pk).update(date_joined=timezone.now() - timedelta(days=99))

    assert program.get(ME).status_code == 403


def test_a_token_that_asks_too_often_is_told_when_to_ask_again(researcher, settings):
    settings.API_RATE = "3/h"
    program = caller(researcher)

    statuses = [program.get(ME) for _ in range(4)]

    assert [answer.status_code for answer in statuses] == [200, 200, 200, 429]
    assert 0 < int(statuses[-1]["Retry-After"]) <= 3600
    assert statuses[-1]["Content-Type"] == "application/problem+json"


def test_another_token_of_the_same_person_has_its_own_rate(researcher, settings):
    settings.API_RATE = "1/h"

    statuses = [caller(researcher).get(ME).status_code for _ in range(2)]

    assert statuses == [200, 200]


def test_raters_make_no_tokens(rater, client_of):
    assert client_of(rater).get(reverse("tokens")).status_code == 403


def test_what_is_over_goes_by_the_clock_whoever_it_was_of(researcher, admin):
    for person, age in ((researcher, 25), (admin, 23)):
        row = IdempotentRequest.objects.create(user=person, key="k", fingerprint="f")
        IdempotentRequest.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(hours=age))
    PersonalToken.issue_for_acts(researcher, proof="password")
    PersonalToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    PersonalToken.issue_for_acts(admin, proof="password")
    caller(researcher, lives=timedelta(minutes=-1))

    task = str(settings.CELERY_BEAT_SCHEDULE["drop-ended-tokens"]["task"])
    current_app.loader.import_default_modules()
    current_app.tasks[task]()

    assert [row.user for row in IdempotentRequest.objects.all()] == [admin]
    left = PersonalToken.objects.values_list("user", "is_act_token")
    assert set(left) == {(admin.pk, True), (researcher.pk, False)}
