"""A rater withdraws by themselves: their part ends, and their ratings stay or go as the study says, with a trace."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from rating.models import Enrolment, Rating, RatingRevision, Sitting, Study
from rating.reading.rating import StudyOverError
from rating.reading.withdrawal import leave
from rating.results.cache import ResultCache
from rating.results.study_facts import facts_of
from rating.results.verification import verify_study
from rating.studies.study import NotPossibleError
from rating.studies.trail.sitting_heads import enter_heads
from tests.audit.tampering import as_superuser
from tests.privacy.site_role import as_site
from tests.rating.bundles import bundle
from tests.rating.cast import open_study, organiser, presentations, rate_all

pytestmark = pytest.mark.django_db


def study_read_by(*raters: User, withdrawal: str) -> Study:
    """Open, and everything rated; the log knows the heads of all sittings."""
    study = open_study(raters=raters, withdrawal=withdrawal)
    for rater in raters:
        rate_all(study, rater, "real", remark="clear lungs")
    enter_heads(Sitting.objects.all())
    return study


@pytest.mark.parametrize("withdrawal", ["keep", "remove"])
def test_who_withdraws_reads_no_more_and_the_trail_is_whole(
    rater: User, other_rater: User, client_of: Callable[[User], Client], withdrawal: str
) -> None:
    study = study_read_by(rater, other_rater, withdrawal=withdrawal)
    browser = client_of(rater)

    with as_site():
        browser.post(reverse("rating:leave", args=[study.slug]), {"sure": "on"})

    own = RatingRevision.objects.filter(sitting__enrolment__user=rater).count()
    assert own == (6 if withdrawal == "keep" else 0)
    answer = browser.get(reverse("rating:read", args=[study.slug]))
    assert (answer.status_code, answer["Location"]) == (302, f"/reading/{study.slug}/end/")
    assert verify_study(study).discrepancies == ()
    event = study.events.get(action="withdrew")
    assert (event.actor_kind, event.actor, event.identity) == ("rater", None, "R01")


def test_removed_ratings_are_in_no_table_analysis_or_export_and_the_flow_says_so(
    rater: User, other_rater: User
) -> None:
    study = study_read_by(rater, other_rater, withdrawal="remove")
    keys = [
        str(key)
        for key in RatingRevision.objects.filter(sitting__enrolment__user=rater).values_list(
            "client_key", flat=True
        )
    ]
    assert len(keys) == 6

    leave(study.enrolments.get(user=rater))

    study.close(organiser())
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(r::text, '') FROM rating_ratingrevision r")
        rows = cursor.fetchone()[0]
    assert not any(key in rows for key in keys)
    assert Rating.objects.count() == 6
    assert ResultCache(study).columns().raters == ("R02",)
    flow = facts_of(study).raters
    assert (flow["withdrawn"], flow["of these with their ratings removed"]) == (1, 1)
    assert not any(key.encode() in bundle(study, "2026-11-28") for key in keys)
    assert verify_study(study).discrepancies == ()


def test_the_profile_goes_with_the_ratings(rater: User) -> None:
    study = study_read_by(rater, withdrawal="remove")
    enrolment = study.enrolments.get()
    enrolment.consent(years=12, subspecialty="chest", ai_knowledge="used")
    enrolment.sittings.update(display={"width": 1280, "levels": [0, 15], "room": "dim"})

    leave(enrolment)

    assert (enrolment.years, enrolment.subspecialty, enrolment.ai_knowledge) == (None, "", "")
    assert enrolment.sittings.get().display == {}
    assert enrolment.consented_at is not None, "that they had agreed stays provable"


def test_an_organiser_who_withdraws_a_rater_removes_nothing(rater: User) -> None:
    study = study_read_by(rater, withdrawal="remove")

    study.enrolments.get().withdraw(organiser(), "Reads too fast.")

    assert Rating.objects.count() == 6


def test_no_save_comes_after_the_removal(rater: User) -> None:
    study = study_read_by(rater, withdrawal="remove")
    presentation = presentations(study, rater)[0]
    leave(study.enrolments.get())

    with pytest.raises(StudyOverError, match="withdrawn"):
        Rating.record(type(presentation).objects.get(pk=presentation.pk), uuid.uuid4(), label="fake")

    assert verify_study(study).discrepancies == ()


def test_nobody_withdraws_once_the_truth_is_known(rater: User) -> None:
    study = study_read_by(rater, withdrawal="remove")
    study.close(organiser())
    study.unblind(organiser(), "All have finished.")

    with pytest.raises(NotPossibleError, match="unblinded"):
        leave(Enrolment.objects.get())


def test_ratings_are_deleted_only_of_who_has_withdrawn_and_beside_an_event(rater: User) -> None:
    study = study_read_by(rater, withdrawal="remove")

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT rating_remove_ratings(%s)", [study.enrolments.get().pk])

    assert Rating.objects.count() == 6


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rating_enrolment SET ratings_removed_at = NULL",
        "DELETE FROM rating_ratingrevision WHERE sitting_id IN (SELECT id FROM rating_sitting s WHERE s.enrolment_id = 0)",
    ],
)
def test_a_removal_the_log_does_not_know_or_the_table_denies_is_seen(rater: User, statement: str) -> None:
    study = study_read_by(rater, withdrawal="remove")
    leave(study.enrolments.get())
    if statement.startswith("DELETE"):
        as_superuser("DELETE FROM audit_event WHERE action = 'redacted'")
    else:
        as_superuser(statement)

    assert verify_study(study).discrepancies


def test_the_copy_of_the_consent_is_there_after_withdrawal_and_mailed_when_given(
    rater: User, client_of: Callable[[User], Client], django_capture_on_commit_callbacks
) -> None:
    study = open_study(raters=[rater], consent="I know that my answers are published without my name.")
    Enrolment.objects.update(consented_at=None, consent_version="")
    browser = client_of(rater)
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(reverse("rating:begin", args=[study.slug]), {"consent": "on", "years": "3"})

    leave(study.enrolments.get())
    address = reverse("rating:consent_copy", args=[study.slug])
    text = browser.get(address).content.decode()

    assert address in browser.get(reverse("rating:reading_list")).content.decode()
    assert "I know that my answers are published without my name." in text
    assert study.consent_version() in text
    assert f"{study.events.filter(action='consented').first().at:%Y-%m-%d %H:%M:%S}" in text
    assert [(message.to, study.consent in message.body) for message in mail.outbox] == [([rater.email], True)]


def test_the_copy_of_a_first_phase_does_not_tell_the_purpose(
    rater: User, client_of: Callable[[User], Client]
) -> None:
    study = open_study(raters=[rater], design="two-phase", sessions=2, washout_days=0, name="Chest films")

    text = client_of(rater).get(reverse("rating:consent_copy", args=[study.slug])).content.decode()

    assert study.first_instructions in text
    assert study.instructions not in text


@pytest.mark.parametrize("is_rated", [False, True])
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_an_answer_on_its_way_while_its_rater_withdraws_is_told_so(
    rater: User,
    client_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
    is_rated: bool,
    accept: str,
) -> None:
    study = open_study(raters=[rater], withdrawal="remove", going_back="any")
    presentation, answer = presentations(study, rater)[0], {"label": "fake", "client_key": str(uuid.uuid4())}
    if is_rated:
        rating = Rating.record(presentation, uuid.uuid4(), label="real")
        answer["replaces"] = str(rating.client_key)
    record = Rating.record

    def record_late(*arguments: Any, **fields: Any) -> Rating:
        leave(study.enrolments.get())
        return record(*arguments, **fields)

    monkeypatch.setattr(Rating, "record", staticmethod(record_late))
    response = client_of(rater).post(
        reverse("rating:rate", args=[study.slug, presentation.token]), answer, headers={"accept": accept}
    )

    assert response.status_code == 410
    page = response.content.decode()
    assert "You no longer take part in this study." in page
    assert "kept with the study" not in page
    assert not Rating.objects.exists()
    assert verify_study(study).discrepancies == ()
