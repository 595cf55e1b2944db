"""Sign-in links, passwords, sessions and roles of people."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

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
from audit.models import Event
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
    assert client.post(url).url == f"{reverse('rating:reading_list')}#{study.slug}"
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


def test_the_use_of_somebody_elses_link_is_logged_and_told_to_its_person(
    client, researcher, rater, django_capture_on_commit_callbacks
):
    url = LoginLink.issue(rater, lives=timedelta(days=1), made_by=researcher)

    with django_capture_on_commit_callbacks(execute=True):
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


def test_the_page_of_the_qr_code_lets_the_browser_show_it(client_of, admin, settings):
    settings.EMAIL_BACKEND = NO_MAIL
    page = client_of(admin).get(reverse("mfa_activate_totp"), follow=True)

    assert "data:image/svg+xml" in page.content.decode()
    assert "data:" in page["Content-Security-Policy"]
    assert "data:" not in client_of(admin).get(reverse("account"))["Content-Security-Policy"]


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
        for tag in re.findall(r"<[^>]*hx-get=[^>]*>", template.read_text(encoding="utf-8")):
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


def test_limits_on_signing_in_count_by_account_wherever_its_password_is_guessed_from(client, rater, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    def sign_in(number):
        answer = client.post(
            reverse("account_login"),
            {"login": rater.email, "password": "a wrong password"},
            headers={"X-Forwarded-For": f"192.0.2.{number}"},
        )
        return answer.content.decode()

    pages = [sign_in(number) for number in range(6)]

    assert "Too many failed login attempts" not in pages[4]
    assert "Too many failed login attempts" in pages[5]


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


def test_a_link_of_a_live_site_names_that_site(settings):
    settings.PRODUCTION = True
    settings.ALLOWED_HOSTS = ["localhost", ".example.org", "ratings.example.org"]
    out = StringIO()

    call_command("person", "new@example.org", role=Role.RESEARCHER, stdout=out)

    assert out.getvalue().startswith("https://ratings.example.org/enter/")
    settings.ALLOWED_HOSTS = ["*"]
    with pytest.raises(CommandError, match="--base-url"):
        call_command("person", "new@example.org", role=Role.RESEARCHER)
