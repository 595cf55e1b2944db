"""A text is taken away for good, with a trace, and everything stays verifiable."""

from __future__ import annotations

import pytest
from django.db import connection

import audit
import audit.actors
from accounts.models import User
from audit.models import Event
from audit.redaction import erase_identity, redact
from audit.verification import verify_chain
from rating.models import Rating, RatingRevision
from rating.reading.redaction import redact_remark
from rating.results.verification import verify_study
from tests.rating.cast import organiser, over_study

pytestmark = pytest.mark.django_db


def test_a_remark_is_gone_from_rating_and_revisions_and_the_study_is_whole(rater: User) -> None:
    study = over_study(raters=[rater])
    rating = Rating.objects.first()
    assert rating is not None

    assert redact_remark(rating, by=organiser(), reason="It names a patient.") == 1

    assert verify_study(study).sentence.endswith("as they were written.")
    assert not RatingRevision.objects.filter(rating=rating).exclude(remark="").exists()
    event = study.events.get(action="redacted")
    assert (event.actor, event.reason, event.rater) == (organiser().uuid, "It names a patient.", "R01")


def test_a_reason_is_gone_and_its_chain_is_whole(researcher: User) -> None:
    audit.record(None, researcher, "noted", reason="Canary wrote it.")

    assert redact(Event.objects.filter(action="noted"), "reason", by=researcher, reason="A name.") == 1

    assert list(verify_chain("site")) == []
    assert not Event.objects.filter(reason__contains="Canary").exists()


def test_an_erased_person_is_nowhere_in_the_log_and_all_chains_are_whole(rater: User, admin: User) -> None:
    canary = User.objects.create_user(
        "canary@example.org", first_name="Carla", last_name="Canary", role="researcher"
    )
    study = over_study(raters=[rater])
    audit.record(study, canary, "looked at the truth")
    audit.record(canary, canary, "signed in")
    audit.record(canary, audit.actors.stranger("canary@example.org"), "failed to sign in")

    assert erase_identity(canary.uuid, by=admin, reason="Asked for it.") == 3

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(e::text, '') FROM audit_event e")
        assert "canary" not in cursor.fetchone()[0].lower()
    assert list(verify_chain("site")) == list(verify_chain(study.trail)) == []
    assert study.events.get(action="looked at the truth").who == "redacted"
