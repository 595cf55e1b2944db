"""Inviting people to rate in a study: who becomes a rater, and whom the link reaches."""

import re
from smtplib import SMTPException

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import LoginLink, User
from accounts.roles import Role
from accounts.sign_in.context import names_this_machine
from accounts.site_settings import SiteSettings
from rating.models import Enrolment
from tests.rating.cast import frozen_study, open_study

pytestmark = pytest.mark.django_db
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


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

    def refused_the_second(letter):
        if letter.to == ["b@example.org"]:
            raise SMTPException("mailbox unknown")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refused_the_second)

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


def test_two_addresses_that_look_the_same_are_refused(client_of, researcher):
    study = frozen_study()

    page = client_of(researcher).post(
        reverse("invite", args=[study.slug]), {"emails": "rater\u200b@example.org"}
    )

    assert "characters that cannot be seen" in page.content.decode()
    assert not study.enrolments.exists()


def enter(text: object) -> str:
    """The link in a mail."""
    link = re.search(r"/enter/[\w-]+/", str(text))
    assert link
    return link.group()


def test_a_site_that_cannot_send_mail_says_so_and_claims_no_mail_was_sent(client_of, researcher, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    study = frozen_study()
    url = reverse("invite", args=[study.slug])

    page = client_of(researcher).post(url, {"emails": "new@example.org", "send": "1"}).content.decode()

    assert "cannot send mail" in page


def test_an_invitation_names_study_sender_site_and_duration(client_of, researcher):
    SiteSettings.objects.create(pk=1, name="Lung Clinic Heidelberg")
    study = frozen_study()

    client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": "new@example.org"})

    body = mail.outbox[0].body
    assert f"{researcher} invites you to rate images in the study “Reading” (Lung Clinic Heidelberg)." in body
    assert "It has 6 images for you and takes about 2 minutes in all." in body


def test_whoever_came_by_a_link_that_worked_once_learns_how_to_come_back(client_of, rater, settings):
    settings.EMAIL_BACKEND = NO_MAIL
    rater.set_unusable_password()
    rater.save()
    warning = "Your link worked once."

    assert warning in client_of(rater).get(reverse("rating:reading_list")).content.decode()

    rater.set_password("a-long-phrase-of-one-rater")
    rater.save()
    assert warning not in client_of(rater).get(reverse("rating:reading_list")).content.decode()


def test_whoever_could_not_come_back_is_warned_before_signing_out(client_of, rater, settings):
    settings.EMAIL_BACKEND = NO_MAIL
    rater.set_unusable_password()
    rater.save()
    begin = reverse("rating:begin", args=[open_study(raters=[rater]).slug])
    warning = "once signed out, only a new link lets you in again"

    assert warning in client_of(rater).get(begin).content.decode()

    rater.set_password("a-long-phrase-of-one-rater")
    rater.save()
    assert warning not in client_of(rater).get(begin).content.decode()


def test_after_an_invitation_the_form_is_empty_for_the_next_ones(client_of, researcher):
    study = frozen_study()

    page = client_of(researcher).post(reverse("invite", args=[study.slug]), {"emails": "new@example.org"})

    assert "new@example.org" in page.content.decode()
    assert not page.context["form"].is_bound


@pytest.mark.parametrize(
    ("host", "here_only"),
    [
        ("localhost:8000", True),
        ("127.0.0.1", True),
        ("[::1]:8000", True),
        ("0.0.0.0:8000", True),
        ("reader-study.example.org", False),
        ("10.0.0.7:8000", False),
    ],
)
def test_a_link_that_opens_on_this_machine_alone_says_so(host, here_only):
    assert names_this_machine(host) is here_only


def test_a_link_that_no_mail_took_along_opens_no_more(client_of, researcher, monkeypatch):
    study = frozen_study()

    def refused(_letter):
        raise SMTPException("nobody there")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refused)
    invitation = {"emails": "a@example.org"}

    page = client_of(researcher).post(reverse("invite", args=[study.slug]), invitation).content.decode()
    raters = client_of(researcher).get(reverse("rating:raters", args=[study.slug])).content.decode()

    assert "on its way" not in page
    assert "link opens no more" in raters
