"""An erased person is nowhere: not in a table, a file, a log or an export; what they rated stands, and the trail is whole."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from smtplib import SMTPRecipientsRefused

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.erasure import erase_account
from accounts.membership.models import Part
from accounts.models import User
from accounts.preferences import Preferences
from accounts.tokens.models import PersonalToken
from audit.verification import verify_chain
from lungrater.logs import AsLine
from lungrater.privacy.erasure import ErasureForm
from rating.models import Rating
from rating.results.verification import verify_study
from tests.factories import make_dataset
from tests.privacy.canary import ADDRESS, WORDS, canary_everywhere, exports_of, places_of_canary
from tests.privacy.site_role import as_site

pytestmark = pytest.mark.django_db
BEFORE = {
    "accounts_user",
    "account_emailaddress",
    "audit_event",
    "mfa_authenticator",
    "rating_enrolment",
    "rating_rating",
    "rating_ratingrevision",
    "socialaccount_socialaccount",
    "sessions",
    "logs/web.log",
}


def test_a_canary_is_in_every_place_before_and_in_none_after(
    client_of: Callable[[User], Client], admin: User
) -> None:
    person, study = canary_everywhere(client_of)
    labels = list(Rating.objects.order_by("pk").values_list("label", flat=True))
    before = places_of_canary()
    exported = exports_of(study)
    assert set(before) >= BEFORE, "the control: the search sees the canary where it was put"
    assert any(place.startswith("analysis/") for place in before)
    assert ADDRESS.encode() in exported

    browser = client_of(admin)
    with as_site():
        page = browser.post(
            reverse("erase_person", args=[person.uuid]),
            {"address": ADDRESS, "reason": "Asked for it by letter."},
        )

    assert page.status_code == 302
    assert places_of_canary() == []
    assert not any(word.encode() in exports_of(study) for word in WORDS)
    assert list(Rating.objects.order_by("pk").values_list("label", flat=True)) == labels
    assert verify_study(study).discrepancies == ()
    assert list(verify_chain("site")) == []


def test_who_is_erased_can_neither_sign_in_nor_be_named_and_the_address_is_free_again(
    client_of: Callable[[User], Client], admin: User, rater: User
) -> None:
    browser = client_of(rater)

    form = ErasureForm({"address": rater.email, "reason": "Asked."}, person=rater, by=admin)
    assert form.is_valid()
    form.save()

    assert browser.get(reverse("account")).status_code == 302
    erased = User.objects.get(uuid=rater.uuid)
    assert (str(erased), erased.identity, erased.is_active) == ("erased person", "", False)
    assert User.objects.create_user("rater@example.org").uuid != rater.uuid


@pytest.mark.parametrize(
    ("address", "reason", "sentence"),
    [
        ("somebody@example.org", "Asked.", "That is not this person's address."),
        ("rater@example.org", "Rita Rater wrote to us.", "leave the name and the address out"),
        ("rater@example.org", "", "This field is required"),
    ],
)
def test_nobody_is_erased_by_a_wrong_address_or_a_reason_that_names_them(
    rater: User, admin: User, address: str, reason: str, sentence: str
) -> None:
    form = ErasureForm({"address": address, "reason": reason}, person=rater, by=admin)

    assert sentence in str(form.errors.as_data())
    assert User.objects.filter(email=rater.email, erased_at=None).exists()


def test_the_only_admin_and_oneself_are_not_erased(admin: User) -> None:
    form = ErasureForm({"address": admin.email, "reason": "Leaves."}, person=admin)
    own = ErasureForm({"address": admin.email, "reason": "Leaves."}, person=admin, by=admin)

    assert "the only admin" in str(form.errors.as_data())
    assert "Nobody erases themselves" in str(own.errors.as_data())


def test_the_command_fills_the_same_form(rater: User) -> None:
    output = StringIO()

    with pytest.raises(CommandError, match="not this person"):
        call_command("erase-person", rater.email, reason="Asked.", confirm="other@example.org")
    call_command("erase-person", rater.email, reason="Asked.", confirm=rater.email, stdout=output)

    assert "No text of any table names them any more" in output.getvalue()


def test_what_others_wrote_elsewhere_is_named_not_changed(rater: User, admin: User) -> None:
    dataset = make_dataset()
    dataset.citation = "Rita Rater et al., 2024"
    dataset.save()
    form = ErasureForm({"address": rater.email, "reason": "Asked."}, person=rater, by=admin)
    assert form.is_valid()

    erasure = form.save()

    assert erasure.traces == {"pool_dataset.citation": 1}
    dataset.refresh_from_db()
    assert dataset.citation.startswith("Rita Rater")


def test_an_address_that_a_mail_server_refused_is_not_logged() -> None:
    try:
        raise SMTPRecipientsRefused({ADDRESS: (550, b"no such mailbox")})
    except SMTPRecipientsRefused:
        record = logging.LogRecord("mail", logging.ERROR, "", 0, "not sent", None, None)
        record.exc_info = sys.exc_info()

    line = AsLine("{message}", style="{").format(record)

    assert ADDRESS not in line
    assert "no such mailbox" in line


def test_what_exists_only_for_a_person_goes_with_them(researcher):
    Preferences.objects.create(user=researcher)
    PersonalToken.objects.create(
        user=researcher,
        name="Mine",
        digest="0" * 64,
        hint="lr_0",
        expires_at=timezone.now() + timedelta(days=1),
    )
    dataset = make_dataset()
    dataset.share_with(researcher, Part.OWNER)

    erase_account(researcher)

    assert not Preferences.objects.filter(user=researcher).exists()
    assert not PersonalToken.objects.filter(user=researcher).exists()
    assert not dataset.memberships.filter(user=researcher).exists()
