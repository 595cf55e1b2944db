"""The admin's pages of people: finding them, inviting them, and what can be done to an account."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import LoginLink, User
from accounts.roles import Role
from audit.models import Event
from lungrater.people.invitations import deliver, link_for
from tests.accounts.proof import prove, with_password
from tests.rating.cast import open_study

pytestmark = pytest.mark.django_db
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


@pytest.fixture
def browser(admin: User, client_of: Callable[[User], Client]) -> Client:
    """The admin's, who has just proved who they are."""
    browser = client_of(with_password(admin))
    prove(browser)
    return browser


def change(browser: Client, person: User, act: str, **fields: str) -> Any:
    answer = browser.post(
        reverse("change_person", args=[person.uuid, act]), {"reason": "Asked for.", **fields}
    )
    person.refresh_from_db()
    return answer


def names(browser: Client, **wishes: str) -> set[str]:
    page = browser.get(reverse("people"), wishes)
    return {person.email.split("@")[0] for person in page.context["page"]}


def invite(browser: Client, table: str, **fields: str) -> Any:
    upload = SimpleUploadedFile("people.csv", table.encode())
    return browser.post(reverse("invite_people"), {"role": "rater", "emails": "", "table": upload, **fields})


def test_people_are_found_by_name_role_state_and_second_factor(browser, researcher, rater):
    User.objects.filter(pk=rater.pk).update(last_login=timezone.now() - timedelta(days=100))
    TOTP.activate(researcher, generate_totp_secret())

    assert names(browser, q="rita") == {"rater"}
    assert names(browser, role="researcher") == {"researcher"}
    assert names(browser, state="idle") == {"rater"}
    assert names(browser, state="invited") == {"researcher"}
    assert names(browser, factor="app") == {"researcher"}
    assert names(browser, q="nobody") == set()


def test_ten_or_two_hundred_people_cost_the_same_queries(browser):
    def queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("people"))
            b"".join(browser.get(reverse("people_csv")).streaming_content)
        return len(queries)

    User.objects.bulk_create(User(email=f"p{number}@example.org") for number in range(10))
    browser.get(reverse("people"))  # which shows, and so takes away, the notice of the proof of identity
    few = queries()
    User.objects.bulk_create(User(email=f"q{number}@example.org") for number in range(200))

    assert queries() == few
    assert len(browser.get(reverse("people")).context["page"]) == 50


def test_a_table_invites_everybody_it_can_and_names_each_row_it_refuses(browser, rater):
    table = (
        "email,name,role\n"
        "new@example.org,Nora New,researcher\n"
        f"{rater.email},,\n"
        "not-an-address,,\n"
        "boss@example.org,,emperor\n"
        "plain@example.org,,\n"
    )

    page = invite(browser, table).content.decode()

    assert all(f"Row {number}:" in page for number in (3, 4, 5))
    assert "Row 2:" not in page
    nora = User.objects.get(email="new@example.org")
    assert (nora.role, nora.get_full_name()) == (Role.RESEARCHER, "Nora New")
    assert User.objects.get(email="plain@example.org").role == Role.RATER
    assert [message.to[0] for message in mail.outbox] == ["new@example.org", "plain@example.org"]
    assert "The link that admin@example.org made signs you in" in mail.outbox[0].body
    assert "/enter/" not in page


def test_a_file_that_is_no_list_of_people_is_refused_whole(browser):
    page = invite(browser, "address\nnew@example.org\n").content.decode()

    assert "no column “email”" in page
    assert not User.objects.filter(email="new@example.org").exists()


def test_where_no_mail_is_sent_a_new_persons_link_is_shown_and_works(browser, client, settings):
    settings.EMAIL_BACKEND = NO_MAIL

    page = browser.post(reverse("invite_people"), {"role": "researcher", "emails": "new@example.org"})

    url = page.context["invited"][0].url
    assert client.post(url).status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get(email="new@example.org").pk)


def test_inviting_asks_who_one_is_first(client_of, admin):
    answer = client_of(with_password(admin)).get(reverse("invite_people"))

    assert answer.url.startswith(reverse("account_reauthenticate"))


def test_a_role_is_changed_by_the_form_of_the_command_with_a_reason(browser, rater, admin):
    assert change(browser, rater, "role", role="researcher", reason="").status_code == 422
    change(browser, rater, "role", role="researcher")

    assert rater.role == Role.RESEARCHER
    event = Event.objects.get(action="changed a role")
    assert (event.actor, event.reason, event.detail["before"]) == (admin.uuid, "Asked for.", "rater")


def test_a_rater_of_a_study_is_not_made_a_researcher(browser, rater):
    open_study(raters=[rater])

    page = change(browser, rater, "role", role="researcher")

    assert "whoever rates must not see" in page.content.decode()
    assert rater.role == Role.RATER


def test_the_last_admin_stays(browser, admin):
    assert change(browser, admin, "role", role="researcher").status_code == 422
    assert change(browser, admin, "active").status_code == 422

    assert (admin.role, admin.is_active) == (Role.ADMIN, True)


def test_a_deactivated_person_is_out_at_once_and_back_when_activated(browser, researcher, client_of):
    at_work = client_of(researcher)
    assert at_work.get("/studies/").status_code == 200

    change(browser, researcher, "active")
    assert at_work.get("/studies/").status_code == 302
    change(browser, researcher, "active")

    assert client_of(researcher).get("/studies/").status_code == 200
    actions = {"deactivated an account", "activated an account"}
    assert set(Event.objects.filter(action__in=actions).values_list("action", flat=True)) == actions


def test_a_new_link_goes_to_the_mailbox(browser, rater):
    page = change(browser, rater, "link").content.decode()

    assert "/enter/" not in page
    assert mail.outbox[-1].to == [rater.email]


def test_without_mail_the_admin_gets_the_link_and_says_why(browser, rater, settings):
    settings.EMAIL_BACKEND = NO_MAIL

    assert change(browser, rater, "link", reason="").status_code == 422
    page = change(browser, rater, "link").content.decode()

    assert "/enter/" in page
    assert Event.objects.get(action="made a sign-in link").reason == "Asked for."
    assert LoginLink.objects.get().made_by.role == Role.ADMIN


def test_an_invitation_that_was_taken_back_stays_void_when_its_person_is_activated_again(
    browser, client, rater
):
    astray = LoginLink.issue(rater, lives=timedelta(days=14))

    change(browser, rater, "active", reason="Sent to somebody else.")
    change(browser, rater, "active", reason="Comes after all.")

    assert client.post(astray).status_code == 410


def test_a_link_that_could_not_be_mailed_voids_none(browser, client, rater, monkeypatch):
    path = LoginLink.issue(rater, lives=timedelta(days=1))

    def refuse(_mail: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    page = change(browser, rater, "link").content.decode()

    assert "a link made before still works" in page
    assert rater.login_links.open().count() == 1  # the one that nobody was sent opens nothing
    assert client.post(path).status_code == 302


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_links_made_at_once_the_later_opens_whichever_is_mailed_first(rater, admin, order):
    urls = [f"https://lungrater.example{link_for(rater, by=admin)}" for _ in range(2)]

    for at in order:
        deliver(rater, urls[at])

    assert list(rater.login_links.open()) == list(LoginLink.objects.at(urls[1]))


def test_the_link_of_somebody_without_a_mailbox_is_shown_as_no_mail_can_bring_it(browser, rater):
    User.objects.filter(pk=rater.pk).update(email="3f1a@recruited.invalid")

    assert change(browser, rater, "link", reason="").status_code == 422
    page = change(browser, rater, "link").content.decode()

    assert "/enter/" in page
    assert not mail.outbox


def test_a_new_link_voids_the_ones_not_used_yet(browser, client, rater, settings):
    settings.EMAIL_BACKEND = NO_MAIL
    used, lost = (LoginLink.issue(rater, lives=timedelta(days=14)) for _ in range(2))
    client.post(used)
    client.logout()

    url = change(browser, rater, "link").context["link"].url

    assert client.post(lost).status_code == 410
    assert client.post(url).status_code == 302
    assert rater.login_links.count() == 3


def test_whoever_lost_the_device_gets_the_second_factor_taken_away(browser, researcher):
    TOTP.activate(researcher, generate_totp_secret())

    change(browser, researcher, "factor")

    assert names(browser, factor="app") == set()
    assert change(browser, researcher, "factor").status_code == 422


def test_a_person_joins_groups_by_name_and_a_rater_joins_none(browser, researcher, rater):
    change(
        browser, researcher, "details", email=researcher.email, first_name="Rosa", groups="Thorax, Physics"
    )

    assert {group.name for group in researcher.groups.all()} == {"Thorax", "Physics"}
    assert names(browser, group="thorax") == {"researcher"}
    assert change(browser, rater, "details", email=rater.email, groups="Thorax").status_code == 422


def test_the_exported_list_is_guarded_and_logged(browser, rater):
    User.objects.filter(pk=rater.pk).update(first_name="=1+1", last_name="")

    text = b"".join(browser.get(reverse("people_csv")).streaming_content).decode()

    rows = {row["email"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows[rater.email]["name"] == "'=1+1"
    assert Event.objects.filter(action="exported the list of people").exists()


def test_a_second_factor_is_offered_to_be_taken_away_only_where_there_is_one(client_of, admin, researcher):
    browser = client_of(admin)
    page = reverse("person", args=[researcher.uuid])
    words = "Take the second factor away"

    assert words not in browser.get(page).text

    Authenticator.objects.create(user=researcher, type=Authenticator.Type.TOTP, data={})
    assert words in browser.get(page).text
