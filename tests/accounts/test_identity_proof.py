"""Who unblinds proves again who they are, with whatever they have; nobody ends in front of a wall."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import StringIO
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.membership.forms import EVERYBODY
from accounts.membership.models import Part
from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from rating.models import Study
from tests.accounts.proof import PASSWORD, prove, with_password
from tests.rating.cast import over_study

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
REASON = {"reason": "All have read."}
ACTIONS = {
    "unblind": "unblinded",
    "link": "made a sign-in link",
    "join": "made themselves an owner",
    "members": "changed the members",
    "token": "made a token",
}


@pytest.fixture
def study(researcher: User, rater: User) -> Study:
    study = over_study(raters=[rater])
    study.share_with(researcher, Part.OWNER)
    return study


@pytest.fixture
def page(study: Study) -> str:
    return reverse("rating:unblind", args=[study.slug])


def is_unblinded(study: Study) -> bool:
    study.refresh_from_db()
    return study.is_unblinded


def test_unblinding_waits_for_the_password_and_then_goes_on_with_what_was_typed(
    client_of: Signed, researcher: User, study: Study, page: str
) -> None:
    browser = client_of(with_password(researcher))

    sent_away = browser.post(page, REASON)
    assert sent_away["Location"].startswith(reverse("account_reauthenticate"))
    assert not is_unblinded(study)
    browser.post(sent_away["Location"], {"password": "not the one", "next": page})
    assert not is_unblinded(study)
    browser.post(sent_away["Location"], {"password": PASSWORD, "next": page})

    assert is_unblinded(study)
    assert study.events.get(action="unblinded").reason == REASON["reason"]


def test_a_proof_is_out_of_date_after_minutes(
    client_of: Signed, researcher: User, study: Study, page: str
) -> None:
    browser = client_of(with_password(researcher))
    prove(browser)
    session = browser.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 301
    session.save()

    browser.post(page, REASON)

    assert not is_unblinded(study)


def test_signing_in_is_no_proof_by_itself(researcher: User, study: Study, page: str) -> None:
    with_password(researcher)
    browser = Client()
    browser.post(reverse("account_login"), {"login": researcher.email, "password": PASSWORD})

    browser.post(page, REASON)

    assert not is_unblinded(study)


def test_a_second_factor_proves_it_too(client_of: Signed, researcher: User, study: Study, page: str) -> None:
    secret = generate_totp_secret()
    TOTP.activate(researcher, secret)
    browser = client_of(researcher)

    answer = browser.post(page, REASON)
    code = f"{hotp_value(secret, next(yield_hotp_counters_from_time())):06}"
    browser.post(answer["Location"], {"code": code, "next": page})

    assert answer["Location"].startswith(reverse("mfa_reauthenticate"))
    assert is_unblinded(study)


def test_whoever_has_neither_gets_a_code_into_the_mailbox(
    client_of: Signed, researcher: User, study: Study, page: str
) -> None:
    browser = client_of(researcher)

    proof_page = browser.post(page, REASON)["Location"]
    assert proof_page.startswith(reverse("prove_by_code"))
    assert researcher.email in browser.get(proof_page).text
    assert not mail.outbox
    browser.post(proof_page, {"send": "1", "next": page})
    [message] = mail.outbox
    code = re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", str(message.body))
    assert message.to == [researcher.email]
    assert code
    browser.post(proof_page, {"code": code.group().lower(), "next": page})

    assert is_unblinded(study)


def test_a_code_is_good_for_three_tries_and_three_minutes(
    client_of: Signed, researcher: User, page: str, study: Study
) -> None:
    browser = client_of(researcher)
    proof_page = browser.post(page, REASON)["Location"]

    def sent_code() -> str:
        browser.post(proof_page, {"send": "1", "next": page})
        return str(browser.session["identity_code"]["code"])

    code = sent_code()
    for _ in range(3):
        assert "That is not the code." in browser.post(proof_page, {"code": "WRONG", "next": page}).text
    assert "out of date" in browser.post(proof_page, {"code": code, "next": page}).text

    code = sent_code()
    session = browser.session
    session["identity_code"] = {**session["identity_code"], "at": time.time() - 181}
    session.save()
    assert "out of date" in browser.post(proof_page, {"code": code, "next": page}).text

    assert not is_unblinded(study)


def test_where_no_mail_is_sent_the_page_leads_to_a_password_and_back_and_asks_for_it_no_more(
    client_of: Signed, researcher: User, study: Study, page: str, settings: Any
) -> None:
    settings.EMAIL_BACKEND = NO_MAIL
    browser = client_of(researcher)

    proof_page = browser.post(page, REASON)["Location"]
    words = browser.get(proof_page).text
    set_password = f"{reverse('account_set_password')}?next={quote(proof_page)}"
    assert f'href="{set_password}"' in words
    browser.post(proof_page, {"next": page})
    assert not is_unblinded(study)
    typed = {"password1": PASSWORD, "password2": PASSWORD, "next": proof_page}
    assert browser.post(set_password, typed)["Location"] == proof_page
    browser.post(proof_page, {"next": page})

    assert is_unblinded(study)
    assert study.events.get(action="unblinded").reason == REASON["reason"]


def test_where_no_mail_is_sent_whoever_has_something_to_prove_with_by_now_is_asked_for_it(
    client_of: Signed, researcher: User, study: Study, page: str, settings: Any
) -> None:
    settings.EMAIL_BACKEND = NO_MAIL
    browser = client_of(researcher)
    proof_page = browser.post(page, REASON)["Location"]
    secret = generate_totp_secret()
    TOTP.activate(researcher, secret)

    ask = browser.post(proof_page, {"next": page})["Location"]
    browser.post(ask, {"code": f"{hotp_value(secret, next(yield_hotp_counters_from_time())):06}"})

    assert ask == f"{reverse('mfa_reauthenticate')}?{urlencode({'next': page})}"
    assert is_unblinded(study)


@pytest.mark.parametrize("query", ["", "?from=list"])
@pytest.mark.parametrize("act", ["unblind", "link", "join", "members", "token"])
def test_what_was_typed_comes_through_the_proof(
    client_of: Signed, researcher: User, rater: User, admin: User, study: Study, act: str, query: str
) -> None:
    with_password(researcher)
    person, address, typed = {
        "unblind": (researcher, reverse("rating:unblind", args=[study.slug]), REASON),
        "link": (with_password(admin), reverse("change_person", args=[rater.uuid, "link"]), REASON),
        "join": (admin, reverse("rating:join", args=[study.slug]), REASON),
        "members": (
            researcher,
            reverse("rating:members", args=[study.slug]),
            {"member": EVERYBODY, "part": Part.EDITOR},
        ),
        "token": (researcher, reverse("tokens"), {"name": "mine", "scopes": "read", "days": "30"}),
    }[act]
    browser = client_of(with_password(person))

    proof_page = browser.post(address + query, typed)["Location"]
    hidden = re.search(r'name="next" value="([^"]*)"', browser.get(proof_page).text)
    assert hidden
    answer = browser.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": hidden[1]})

    assert answer.status_code in {200, 302}
    assert Event.objects.filter(action=ACTIONS[act]).exists()


@pytest.mark.parametrize("act", ["unblind", "join", "invite_people"])
def test_what_is_refused_after_the_proof_is_typed_again_at_its_own_address(
    client_of: Signed, researcher: User, admin: User, study: Study, act: str
) -> None:
    address = (
        reverse("invite_people") if act == "invite_people" else reverse(f"rating:{act}", args=[study.slug])
    )
    browser = client_of(with_password(researcher if act == "unblind" else admin))
    browser.post(address, {"reason": ""})

    refused = browser.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": address})

    assert f'action="{address}"' in refused.text


def test_what_somebody_typed_at_a_session_left_open_does_not_go_on_with_its_persons_proof(
    client_of: Signed, admin: User
) -> None:
    browser, address = client_of(with_password(admin)), reverse("invite_people")
    browser.post(address, {"emails": "thief@example.org", "role": Role.ADMIN})

    browser.get(address)
    answer = browser.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": address})

    assert answer["Location"] == address
    assert not User.objects.filter(email="thief@example.org").exists()


def test_where_nothing_was_typed_a_password_just_set_leads_straight_on(
    client_of: Signed, researcher: User, page: str, settings: Any
) -> None:
    settings.EMAIL_BACKEND = NO_MAIL
    browser = client_of(researcher)
    proof_page = browser.get(page)["Location"]
    browser.post(reverse("account_set_password"), {"password1": PASSWORD, "password2": PASSWORD})

    assert browser.get(proof_page)["Location"] == page


def test_a_password_just_changed_is_a_proof_too(
    client_of: Signed, researcher: User, study: Study, page: str
) -> None:
    browser = client_of(with_password(researcher))
    other = f"{PASSWORD}, and another"
    browser.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": other, "password2": other}
    )

    browser.post(page, REASON)

    assert is_unblinded(study)


def app_code(form: str) -> str:
    secret = re.search(r'value="([A-Z2-7]{32})"', form)
    assert secret
    return f"{hotp_value(secret.group(1), next(yield_hotp_counters_from_time())):06}"


@pytest.mark.django_db(transaction=True)  # the library tells of an app once the request's transaction is over
def test_where_no_mail_is_sent_a_second_factor_just_added_is_a_proof_too(
    client_of: Signed, researcher: User, study: Study, page: str, settings: Any
) -> None:
    settings.EMAIL_BACKEND = NO_MAIL
    browser, activate = client_of(researcher), reverse("mfa_activate_totp")
    browser.post(activate, {"code": app_code(browser.get(activate).text)})

    browser.post(page, REASON)

    assert is_unblinded(study)


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_add_webauthn"])
def test_where_mail_is_sent_a_first_second_factor_goes_by_the_mailbox(
    client_of: Signed, researcher: User, name: str
) -> None:
    """Else whoever finds a session left open adds one of their own, and proves by it that they are its person."""
    browser, address = client_of(researcher), reverse(name)

    proof_page = browser.get(address)["Location"]
    assert proof_page.startswith(reverse("prove_by_code"))
    browser.post(proof_page, {"send": "1", "next": address})
    browser.post(proof_page, {"code": browser.session["identity_code"]["code"], "next": address})

    assert browser.get(address).status_code == 200


def test_the_people_of_the_demo_have_nothing_to_prove(
    client_of: Signed, researcher: User, study: Study, page: str
) -> None:
    researcher.is_demo = True
    researcher.save(update_fields=["is_demo"])

    client_of(researcher).post(page, REASON)

    assert is_unblinded(study)


def changed_role(researcher: User, **options: Any) -> Event:
    call_command("person", researcher.email, role=Role.ADMIN, stdout=StringIO(), **options)
    return Event.objects.get(action="changed a role")


def test_a_role_changed_at_a_command_line_names_the_system_user_and_the_admin_they_say_they_are(
    researcher: User, admin: User
) -> None:
    event = changed_role(researcher, by=admin.email, reason="She runs the site now.")

    assert (event.actor_kind, event.actor) == ("command line", admin.uuid)
    assert event.identity.startswith("system user ")
    assert event.identity.endswith(f", for {admin.identity}")
    assert event.reason == "She runs the site now."


def test_at_a_terminal_who_changes_a_role_is_asked_for(
    researcher: User, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _question: admin.email)

    assert changed_role(researcher).actor == admin.uuid


def test_whoever_is_no_admin_is_not_written_as_the_one_who_changed_a_role(
    researcher: User, rater: User
) -> None:
    with pytest.raises(CommandError, match="no admin"):
        changed_role(researcher, by=rater.email)

    researcher.refresh_from_db()
    assert researcher.role == Role.RESEARCHER
