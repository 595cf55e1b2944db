"""Invitations and login links."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from smtplib import SMTPException

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import LoginLink, User
from accounts.roles import Role
from accounts.site_settings import SiteSettings
from audit.models import Event
from rating.models import Enrolment
from tests.rating.cast import frozen_study

pytestmark = pytest.mark.django_db
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


def signed_in_as(client) -> str | None:
    user_id: str | None = client.session.get("_auth_user_id")
    return user_id


def test_where_no_mail_is_sent_a_new_rater_signs_in_once_by_the_link_shown(
    client, client_of, researcher, settings
):
    settings.EMAIL_BACKEND = NO_MAIL
    study = frozen_study()
    page = client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": "new@example.org"})
    url = re.search(r"/enter/[\w-]+/", page.content.decode()).group()

    assert client.get(url).status_code == 200
    assert signed_in_as(client) is None, "opening the link, as mail scanners do, must not use it up"
    assert client.post(url).url == reverse("rating:reading_list")
    assert signed_in_as(client) == str(User.objects.get(email="new@example.org").pk)
    assert client.post(url).status_code == 410


def test_an_expired_link_lets_nobody_in(client, rater):
    url = LoginLink.issue(rater, lives=timedelta(days=1))
    LoginLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert client.post(url).status_code == 410
    assert signed_in_as(client) is None


def test_a_reusable_link_works_for_demo_people_only(client, rater):
    url = LoginLink.issue(rater, lives=timedelta(days=1), reusable=True)

    assert client.post(url).status_code == 302
    assert client.post(url).status_code == 410


def test_the_database_keeps_no_link_only_its_digest(rater):
    token = LoginLink.issue(rater, lives=timedelta(days=1)).strip("/").split("/")[-1]

    assert token not in str(LoginLink.objects.values().get())


def test_an_invited_person_becomes_a_rater_and_is_known_by_pseudonym(client_of, researcher):
    study = frozen_study()

    client_of(researcher).post(
        reverse("invite", args=[study.slug]), {"emails": "a@example.org, b@example.org"}
    )

    assert [e.pseudonym for e in study.enrolments.all()] == ["R01", "R02"]
    assert set(User.objects.filter(enrolments__study=study).values_list("role", flat=True)) == {Role.RATER}


def test_inviting_somebody_who_sees_the_pool_gives_no_link_into_their_account(client_of, researcher, admin):
    study = frozen_study()

    page = client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": admin.email})

    assert "cannot rate" in page.content.decode()
    assert not LoginLink.objects.filter(user=admin).exists()
    assert not Enrolment.objects.exists()


def test_a_mistyped_address_is_named_and_nobody_is_invited(client_of, researcher):
    study = frozen_study()

    page = client_of(researcher).post(
        reverse("invite", args=[study.slug]), {"emails": "good@example.org\nnot-an-address"}
    )

    assert "“not-an-address” is not an email address" in page.content.decode()
    assert not Enrolment.objects.exists()


def test_nobody_signs_up_by_themselves(client):
    client.post(
        reverse("account_signup"),
        {"email": "me@example.org", "password1": "long-enough-password", "password2": "long-enough-password"},
    )

    assert not User.objects.exists()


def test_a_person_signs_in_with_email_and_password(client, rater):
    rater.set_password("a long enough password")
    rater.save(update_fields=["password"])

    client.post(
        reverse("account_login"), {"login": "Rater@example.org", "password": "a long enough password"}
    )

    assert signed_in_as(client) == str(rater.pk)


def test_whoever_may_see_the_truth_by_now_gets_no_link_by_being_invited_again(client_of, researcher, rater):
    study = frozen_study(raters=[rater])
    rater.role = Role.ADMIN
    rater.save(update_fields=["role"])

    page = client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": rater.email})

    assert "cannot rate" in page.content.decode()
    assert not LoginLink.objects.exists()


def test_every_sign_in_link_made_is_in_the_log_of_the_study(client_of, researcher, rater):
    study = frozen_study(raters=[rater])

    client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": rater.email})

    event = study.events.get(action="made a sign-in link")
    assert (event.actor, event.detail) == (researcher.uuid, {"rater": "R01"})


def test_a_mail_that_cannot_be_sent_is_named_and_no_link_is_shown_instead(client_of, researcher, monkeypatch):
    study = frozen_study()

    def refused_the_second(_subject, _text, _sender, to):
        if to == ["b@example.org"]:
            raise SMTPException("mailbox unknown")

    monkeypatch.setattr("rating.studies.invitations.send_mail", refused_the_second)

    page = client_of(researcher).post(
        reverse("invite", args=[study.slug]), {"emails": "a@example.org b@example.org"}
    )

    html = page.content.decode()
    assert "No mail could be sent to b@example.org" in html
    assert "/enter/" not in html


def test_a_link_goes_to_the_mailbox_and_never_to_the_page(client, client_of, researcher, rater):
    study = frozen_study()

    page = client_of(researcher).post(
        reverse("invite", args=[study.slug]), {"emails": f"{rater.email} new@example.org"}
    )

    assert "/enter/" not in page.content.decode()
    assert [message.to for message in mail.outbox] == [[rater.email], ["new@example.org"]]
    assert all(client.get(enter(message.body)).status_code == 200 for message in mail.outbox)


def test_where_no_mail_is_sent_nobody_gets_a_key_to_an_account_that_exists(
    client_of, researcher, rater, settings
):
    settings.EMAIL_BACKEND = NO_MAIL
    study = frozen_study()

    page = client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": rater.email})

    assert "sign in as before" in page.content.decode()
    assert study.enrolments.filter(user=rater).exists()
    assert not LoginLink.objects.exists()


def test_the_use_of_somebody_elses_link_is_logged_and_told_to_its_person(client, researcher, rater):
    url = LoginLink.issue(rater, lives=timedelta(days=1), made_by=researcher)

    client.post(url)

    event = Event.objects.get(action="used a sign-in link")
    assert (event.actor, event.detail["made_by"]) == (rater.uuid, str(researcher.uuid))
    assert [message.to for message in mail.outbox] == [[rater.email]]
    assert str(researcher) in client.get(reverse("account")).content.decode()


def test_the_second_factor_is_asked_for_after_a_link_too(client, rater):
    TOTP.activate(rater, generate_totp_secret())
    url = LoginLink.issue(rater, lives=timedelta(days=1))

    answer = client.post(url)

    assert answer.url == reverse("mfa_authenticate")
    assert signed_in_as(client) is None


def test_a_link_alone_sets_no_password_where_there_is_a_mailbox(client, rater):
    client.post(LoginLink.issue(rater, lives=timedelta(days=1)))

    answer = client.post(
        reverse("account_set_password"),
        {"password1": "a long enough secret", "password2": "a long enough secret"},
    )

    rater.refresh_from_db()
    assert answer.url == reverse("account_reset_password")
    assert not rater.has_usable_password()


def test_the_page_of_the_qr_code_lets_the_browser_show_it(client_of, admin):
    page = client_of(admin).get(reverse("mfa_activate_totp"), follow=True)

    assert "data:image/svg+xml" in page.content.decode()
    assert "data:" in page["Content-Security-Policy"]
    assert "data:" not in client_of(admin).get(reverse("account"))["Content-Security-Policy"]


def test_two_addresses_that_look_the_same_are_refused(client_of, researcher):
    study = frozen_study()

    page = client_of(researcher).post(
        reverse("invite", args=[study.slug]), {"emails": "rater\u200b@example.org"}
    )

    assert "characters that cannot be seen" in page.content.decode()
    assert not study.enrolments.exists()


@pytest.mark.parametrize("password", ["123456789012", "rater@example.org"])
def test_a_password_that_others_guess_is_refused(password, rater):
    with pytest.raises(ValidationError):
        validate_password(password, rater)


def test_nothing_secret_is_printed_where_no_mail_is_sent(client, rater, settings, capfd):
    settings.EMAIL_BACKEND = NO_MAIL

    answers = [
        client.post(reverse(name), {"email": rater.email})
        for name in ("account_request_login_code", "account_reset_password")
    ]
    page = client.get(reverse("account_login")).content.decode()

    out, err = capfd.readouterr()
    assert not re.search(r"/password/reset/key/|[A-Z0-9]{4}-[A-Z0-9]{4}", out + err)
    assert [answer.status_code for answer in answers] == [404, 404]
    assert "sends no mail" in page
    assert reverse("account_request_login_code") not in page
    assert reverse("account_reset_password") not in page


def test_whoever_may_see_the_truth_is_signed_out_after_an_hour_alone(client_of, researcher, rater):
    alone, reading = client_of(researcher), client_of(rater)
    alone.get("/studies/")
    session = alone.session
    session["staff_last"] -= 3601
    session.save()

    answer = alone.get("/studies/")

    assert answer.status_code == 302
    assert "/accounts/login/" in answer.url
    assert reading.get("/reading/").status_code == 200


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(client_of, researcher):
    browser = client_of(researcher)
    browser.get("/studies/")
    session = browser.session
    session["staff_last"] -= 3500
    session.save()

    browser.get("/generation/", headers={"HX-Request": "true"})
    still_the_same = browser.session["staff_last"]
    browser.get("/generation/")

    assert still_the_same == session["staff_last"]
    assert browser.session["staff_last"] > session["staff_last"] + 3000


def test_every_fragment_that_htmx_fetches_is_a_poll():
    for template in (settings.BASE_DIR / "templates").rglob("*.html"):
        for tag in re.findall(r"<[^>]*hx-(?:get|post)=[^>]*>", template.read_text(encoding="utf-8")):
            assert 'hx-trigger="every' in tag, f"{template.name}: a click by htmx would not count as an act"


def test_limits_on_signing_in_count_clients_behind_a_declared_proxy_and_no_address_they_claim(
    client, rater, settings
):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    def sign_in(number, seen_by_the_proxy):
        answer = client.post(
            reverse("account_login"),
            {"login": f"nobody-{number}@example.org", "password": "a wrong password"},
            headers={"X-Forwarded-For": f"192.0.2.{number}, {seen_by_the_proxy}"},
        )
        return answer.content.decode()

    pages = [sign_in(number, "198.51.100.7") for number in range(11)]

    assert "Too many failed login attempts" not in pages[9]
    assert "Too many failed login attempts" in pages[10]
    assert "Too many failed login attempts" not in sign_in(99, "198.51.100.8")


@pytest.mark.django_db(transaction=True)
def test_of_twelve_who_use_a_link_at_once_one_comes_in(rater):
    token = LoginLink.issue(rater, lives=timedelta(days=1)).strip("/").split("/")[-1]
    start = threading.Barrier(12)

    def use(_number):
        link = LoginLink.objects.for_token(token).get()
        start.wait(timeout=30)
        try:
            return link.use()
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as people:
        came_in = sum(people.map(use, range(12)))

    assert came_in == 1


def enter(text: object) -> str:
    """The link in a mail."""
    link = re.search(r"/enter/[\w-]+/", str(text))
    assert link
    return link.group()


def test_nobody_takes_an_address_that_might_be_invited(client_of, rater):
    browser = client_of(rater)

    for act in ("action_add", "action_primary"):
        page = browser.post(reverse("account_email"), {act: "", "email": "professor@example.org"})
        assert page.status_code == 404

    rater.refresh_from_db()
    assert rater.email == "rater@example.org"
    assert not EmailAddress.objects.filter(email="professor@example.org").exists()


def test_whoever_could_see_the_truth_is_not_made_a_rater(researcher):
    researcher.last_login = timezone.now()
    researcher.save(update_fields=["last_login"])

    with pytest.raises(CommandError, match="must not rate"):
        call_command("person", researcher.email, role=Role.RATER)

    researcher.refresh_from_db()
    assert researcher.role == Role.RESEARCHER


def test_a_role_given_by_mistake_is_taken_back_before_its_person_signs_in(researcher):
    call_command("person", researcher.email, role=Role.RATER, stdout=StringIO())

    researcher.refresh_from_db()
    assert researcher.role == Role.RATER


def test_a_site_that_cannot_send_mail_says_so_and_claims_no_mail_was_sent(client_of, researcher, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    study = frozen_study()
    url = reverse("invite", args=[study.slug])

    page = client_of(researcher).post(url, {"emails": "new@example.org", "send": "1"}).content.decode()

    assert "cannot send mail" in page


def test_a_link_of_a_live_site_names_that_site(settings):
    settings.PRODUCTION = True
    settings.ALLOWED_HOSTS = ["localhost", ".example.org", "ratings.example.org"]
    out = StringIO()

    call_command("person", "new@example.org", role=Role.RESEARCHER, stdout=out)

    assert out.getvalue().startswith("https://ratings.example.org/enter/")
    settings.ALLOWED_HOSTS = ["*"]
    with pytest.raises(CommandError, match="--base-url"):
        call_command("person", "new@example.org", role=Role.RESEARCHER)


def test_an_invitation_names_study_sender_site_and_duration(client_of, researcher):
    SiteSettings.objects.create(pk=1, name="Lung Clinic Heidelberg")
    study = frozen_study()

    client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": "new@example.org"})

    body = mail.outbox[0].body
    assert f"{researcher} invites you to rate images in the study “Reading” (Lung Clinic Heidelberg)." in body
    assert "It has 6 images for you and takes about 2 minutes in all." in body
