"""An owner takes a remark away for good, on a page or a command line: gone everywhere, with a trace."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.membership.models import Part
from accounts.models import User
from rating.models import Rating, RatingRevision, Study
from rating.results.export.ratings_csv import csv_lines
from rating.results.verification import verify_study
from tests.audit.tampering import as_superuser
from tests.privacy.canary import exports_of
from tests.privacy.site_role import as_site
from tests.rating.cast import open_study, organiser, presentations

pytestmark = pytest.mark.django_db
NAMES_A_PATIENT = "Looks like Mrs Zyxwvut from ward 7"


@pytest.fixture
def study(rater: User) -> Study:
    """Closed; the first image was given a remark that names a patient, and then another with a reason that does too."""
    study = open_study(raters=[rater], going_back="any", ask_correction_reason=True)
    for number, presentation in enumerate(presentations(study, rater)):
        key = uuid.uuid4()
        Rating.record(presentation, key, label="real", remark="" if number else NAMES_A_PATIENT)
    first = presentations(study, rater)[0]
    key = first.rating.client_key
    Rating.record(first, uuid.uuid4(), replaces=key, label="fake", remark="clear", reason=NAMES_A_PATIENT)
    study.close(organiser())
    return study


def test_it_is_gone_from_rating_revisions_exports_and_page_and_verify_is_green(
    study: Study, rater: User, client_of: Callable[[User], Client], researcher: User
) -> None:
    code = presentations(study, rater)[0].study_image.code
    assert "Zyxwvut" in exports_of(study).decode(errors="replace"), "the control"
    browser = client_of(researcher)

    with as_site():
        page = browser.post(
            reverse("rating:redact", args=[study.slug]),
            {"rater": "r01", "image": code, "reason": "It names a patient."},
            follow=True,
        )

    assert "It names a patient." in page.content.decode(), "the study's log, which is shown next"
    assert "Zyxwvut" not in exports_of(study).decode(errors="replace")
    assert "Zyxwvut" not in "".join(csv_lines(study))
    assert (
        "Zyxwvut" not in browser.get(reverse("rating:analysis_remarks", args=[study.slug])).content.decode()
    )
    assert set(RatingRevision.objects.values_list("remark", "reason")) == {("", "")}
    assert Rating.objects.filter(label="fake").count() == 1
    assert verify_study(study).discrepancies == ()


def test_a_text_that_is_gone_without_its_event_is_seen(study: Study) -> None:
    as_superuser("UPDATE rating_ratingrevision SET reason = '', reason_nonce = ''")

    assert any("no redaction says so" in str(each) for each in verify_study(study).discrepancies)


def test_only_an_owner_redacts(study: Study, client_of: Callable[[User], Client], researcher: User) -> None:
    study.memberships.all().delete()
    study.share_with(researcher, Part.EDITOR)

    page = client_of(researcher).get(reverse("rating:redact", args=[study.slug]))

    assert page.status_code == 404


def test_the_command_refuses_what_was_never_rated_and_fills_the_same_form(study: Study, rater: User) -> None:
    code = presentations(study, rater)[0].study_image.code
    output = StringIO()

    with pytest.raises(CommandError, match="rated no such image"):
        call_command("redact-remark", study.name, rater="R09", image=code, reason="A name.")
    call_command("redact-remark", study.name, rater="R01", image=code, reason="A name.", stdout=output)

    assert output.getvalue().startswith("Taken away in 2 saves")
