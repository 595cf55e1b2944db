"""Raters who withdraw, are replaced, start over or learn the truth, whatever the study's design."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from rating.models import Enrolment, Presentation, Sitting
from rating.studies.invitations import invite
from rating.studies.study import NotPossibleError
from tests.rating.cast import draft_study, open_study, organiser, presentations, rate_all

pytestmark = pytest.mark.django_db

DESIGNS: dict[str, dict[str, Any]] = {
    "pair": {"real": 12, "fake": 12},
    "quartet": {"real": 6, "fake": 18},
    "two-phase": {"sessions": 2, "washout_days": 0, "name": "Chest films", "real": 8, "fake": 8},
}


@pytest.fixture
def browser(client_of, researcher):
    return client_of(researcher)


def replace(browser, study, number, email):
    url = reverse("rating:replace", args=[study.slug, number])
    return browser.post(url, {"email": email}, follow=True).content.decode()


@pytest.mark.parametrize("design", sorted(DESIGNS))
def test_a_rater_of_any_design_is_replaced_by_one_with_orders_of_their_own(
    browser, rater, other_rater, design
):
    study = open_study(
        raters=[rater], design=design, primary_endpoint="accuracy", blocks=2, **DESIGNS[design]
    )
    study.enrolments.get().withdraw(organiser(), "Has left.")

    replace(browser, study, 1, other_rater.email)

    def read(person, session):
        return [(p.study_image_id, p.places) for p in presentations(study, person, session)]

    for session in range(1, study.sessions + 1):
        mine, theirs = read(rater, session), read(other_rater, session)
        assert sorted(image for image, _ in mine) == sorted(image for image, _ in theirs)
        assert mine != theirs
    assert Enrolment.objects.get(user=other_rater).informed_at is None


def test_blocks_go_on_in_turn_after_a_replacement(rater, other_rater, stranger):
    study = open_study(raters=[rater, other_rater], blocks=2)
    gone = study.enrolments.get(user=other_rater)
    gone.withdraw(organiser(), "Has left.")
    gone.replace(stranger)

    late = Enrolment.enrol(study, User.objects.create_user("late@example.org"))

    read = dict(study.enrolments.values_list("number", "slot"))
    assert read == {1: 1, 2: 2, 3: 2, late.number: 3}  # the third slot is the first block again


def test_a_rater_is_replaced_once(browser, rater, other_rater, stranger):
    study = open_study(raters=[rater])
    study.enrolments.get().withdraw(organiser(), "Has left.")
    replace(browser, study, 1, other_rater.email)

    page = replace(browser, study, 1, stranger.email)

    assert "R01 has been replaced by R02 already." in page
    assert study.enrolments.count() == 2


def test_who_reads_already_replaces_nobody(browser, rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    study.enrolments.get(user=rater).withdraw(organiser(), "Has left.")

    page = replace(browser, study, 1, other_rater.email)

    assert f"{other_rater.email} is R02 of this study already." in page
    assert not Enrolment.objects.filter(replaces__isnull=False).exists()


def test_a_rater_who_has_withdrawn_is_not_invited_again(rater):
    study = open_study(raters=[rater])
    study.enrolments.get().withdraw(organiser(), "Has left.")

    with pytest.raises(NotPossibleError, match="R01 has withdrawn; enrol another rater"):
        invite(study, rater.email)


def test_who_knew_the_truth_before_the_freeze_is_not_marked_in_vain(rater):
    study = draft_study()
    enrolment = Enrolment.enrol(study, rater)

    with pytest.raises(NotPossibleError, match="no order yet; withdraw"):
        enrolment.mark_unblinded(organiser(), "Saw the dataset list.")


def test_a_first_phase_is_not_started_over_once_its_rater_knows_the_purpose(rater):
    study = open_study(raters=[rater], design="two-phase", sessions=2, washout_days=0, name="Chest films")
    rate_all(study, rater, "usual")
    study.enrolments.get().consent(session=2)

    with pytest.raises(NotPossibleError, match="knows the purpose"):
        Sitting.objects.of(rater, study).get(session=1).reset(organiser(), "Wrong screen.")
    assert Presentation.objects.count() == 12
