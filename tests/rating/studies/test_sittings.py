"""Who reads what, when, and how often: practice, probes, repeats, blocks, sessions, starting over."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from rating.models import Enrolment, Freeze, Presentation, Rating, Sitting, Stratum, Study
from rating.studies.study import NotPossibleError
from tests.factories import make_dataset, make_image
from tests.rating.cast import draft_study, open_study, organiser, presentations, rate_all

pytestmark = pytest.mark.django_db


def freeze(study, *raters):
    for rater in raters:
        Enrolment.enrol(study, rater)
    job = Freeze.objects.create(study=study)
    job.perform()
    assert job.state == Freeze.State.SUCCEEDED, job.error
    study.refresh_from_db()
    return study


def with_extra(study, role: str, count: int):
    dataset = make_dataset(name=role)
    for _ in range(count):
        make_image(dataset)
    Stratum.objects.create(study=study, dataset=dataset, count=count, role=role)


def counted(study) -> list[Presentation]:
    """The rated main images that an analysis counts."""
    sittings = Sitting.objects.counted().filter(enrolment__study=study)
    return list(Presentation.objects.filter(sitting__in=sittings, kind="main").exclude(rating=None))


def codes(study, rater, session: int = 1, kinds: tuple[str, ...] = ("main", "probe", "repeat", "practice")):
    sitting = Sitting.objects.get(
        enrolment__study=study, enrolment__user=rater, session=session, reset_at=None
    )
    shown = sitting.presentations.filter(kind__in=kinds).order_by("position")
    return list(shown.values_list("study_image__code", flat=True))


def test_practice_comes_first_and_is_the_same_for_all(rater, other_rater):
    study = draft_study(real=4, fake=4)
    with_extra(study, "practice", 3)

    freeze(study, rater, other_rater)

    assert [p.kind for p in presentations(study, rater)][:4] == ["practice"] * 3 + ["main"]
    assert codes(study, rater, kinds=("practice",)) == codes(study, other_rater, kinds=("practice",))


def test_probes_stand_among_the_others_and_do_not_count(rater):
    study = draft_study(real=4, fake=4)
    with_extra(study, "probe", 2)
    freeze(study, rater)
    study.open(organiser())

    rate_all(study, rater, "real")

    assert [p.kind for p in presentations(study, rater)].count("probe") == 2
    assert len(counted(study)) == 8


def test_repeats_come_back_after_the_gap_and_do_not_count_twice(rater):
    study = draft_study(real=8, fake=8)
    study.repeats, study.repeat_gap = 4, 6
    study.save()
    freeze(study, rater)
    study.open(organiser())

    rate_all(study, rater, "fake")

    shown = presentations(study, rater)
    first = {p.study_image_id: p.position for p in shown if p.kind == "main"}
    repeats = [p for p in shown if p.kind == "repeat"]
    assert len(repeats) == 4
    assert all(p.position - first[p.study_image_id] > 6 for p in repeats)
    assert len(counted(study)) == 16


def test_repeats_that_do_not_fit_keep_the_study_a_draft():
    study = draft_study(real=5, fake=5)
    study.repeats = 4

    assert "4 repeats with 20 images between do not fit" in study.reasons_not_to_freeze()[0]


def test_each_rater_reads_the_anchors_and_one_block_in_turn(rater, other_rater, stranger):
    study = draft_study(real=10, fake=10)
    study.blocks, study.anchors = 2, 4
    study.save()

    freeze(study, rater, other_rater, stranger)

    one, two, three = (set(codes(study, person)) for person in (rater, other_rater, stranger))
    assert one == three
    assert len(one) == len(two) == 12
    assert one & two == set(study.images.filter(block=0).values_list("code", flat=True))
    assert len(one | two) == 20


def test_every_session_has_a_new_order_of_the_same_images(rater):
    study = draft_study(real=8, fake=8)
    study.sessions = 2
    study.save()

    freeze(study, rater)

    assert sorted(codes(study, rater, 1)) == sorted(codes(study, rater, 2))
    assert codes(study, rater, 1) != codes(study, rater, 2)


def test_the_second_session_begins_after_the_washout(rater, client_of):
    study = draft_study()
    study.sessions, study.washout_days = 2, 7
    study.save()
    freeze(study, rater)
    study.open(organiser())
    for presentation in presentations(study, rater, session=1):
        Rating.record(presentation, uuid.uuid4(), label="real", remark="")
    study.enrolments.get().consent()
    browser = client_of(rater)
    url = reverse("rating:read", args=[study.slug])

    waiting = browser.get(url)
    Sitting.objects.filter(session=1).update(ended_at=F("ended_at") - timedelta(days=8))
    reading = browser.get(url)

    second = Sitting.objects.current(rater, study)
    assert "Session 2 comes later" in waiting.content.decode()
    assert second.session == 2
    assert second.next_presentation().token in reading.content.decode()


def test_a_session_started_over_has_a_new_order_and_the_old_one_is_kept(rater):
    study = open_study(raters=[rater], real=8, fake=8)
    rate_all(study, rater, "fake")
    old = Sitting.objects.current(rater, study)
    before = codes(study, rater)

    old.reset(organiser(), "Read on a telephone.")

    new = Sitting.objects.current(rater, study)
    assert new.pk != old.pk
    assert codes(study, rater) != before
    assert Rating.objects.filter(presentation__sitting=old).count() == 16
    assert counted(study) == []
    event = Event.objects.get(action="reset")
    assert (event.reason, event.actor) == ("Read on a telephone.", organiser().uuid)


def test_starting_over_needs_a_reason_and_happens_once(rater):
    study = open_study(raters=[rater])
    sitting = Sitting.objects.current(rater, study)

    with pytest.raises(NotPossibleError, match="Say why"):
        sitting.reset(organiser(), " ")
    sitting.reset(organiser(), "Interrupted.")
    with pytest.raises(NotPossibleError, match="already"):
        sitting.reset(organiser(), "Interrupted.")


def test_a_withdrawn_rater_reads_no_more_and_counts_no_more(rater, client_of):
    study = open_study(raters=[rater])
    token = presentations(study, rater)[0].token
    rate_all(study, rater, "fake")

    study.enrolments.get().withdraw(organiser(), "Asked to leave.")

    assert counted(study) == []
    assert Rating.objects.count() == 6
    assert client_of(rater).get(reverse("rating:presented", args=[token])).status_code == 404


def test_a_replacement_reads_the_block_of_the_one_replaced(rater, other_rater, stranger):
    study = draft_study(real=10, fake=10)
    study.blocks, study.anchors = 2, 4
    study.save()
    freeze(study, rater, other_rater)
    leaving = study.enrolments.get(user=other_rater)
    leaving.withdraw(organiser(), "Fell ill.")

    Enrolment.enrol(study, stranger, by=organiser(), replaces=leaving)

    assert set(codes(study, stranger)) == set(codes(study, other_rater))
    assert codes(study, stranger) != codes(study, other_rater)


def test_a_sitting_marked_unblinded_is_left_out(rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    rate_all(study, rater, "fake")
    rate_all(study, other_rater, "real")

    study.enrolments.get(user=rater).mark_unblinded(organiser(), "Saw the dataset list.")

    assert {row.sitting.enrolment.pseudonym for row in counted(study)} == {"R02"}


def test_whoever_has_known_the_truth_cannot_start_over(rater):
    study = open_study(raters=[rater])
    rate_all(study, rater, "fake")
    study.enrolments.get(user=rater).mark_unblinded(organiser(), "Saw the dataset list.")

    with pytest.raises(NotPossibleError, match="withdraw and replace"):
        Sitting.objects.current(rater, study).reset(organiser(), "Again.")
    assert counted(study) == []


def test_the_progress_of_a_study_counts_what_stands(rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    rate_all(study, rater, "fake")
    rate_all(study, other_rater, "fake")
    Sitting.objects.current(rater, study).reset(organiser(), "Read on a telephone.")
    study.enrolments.get(user=other_rater).withdraw(organiser(), "Has left.")

    [row] = Study.objects.with_progress().filter(pk=study.pk)

    assert (row.rater_count, row.rated_count, row.presentation_count) == (1, 0, 6)


def test_closing_asks_the_database_as_often_for_six_raters_as_for_two():
    def queries_to_close(name, rater_count):
        emails = [f"{name}-{number}@example.org" for number in range(rater_count)]
        study = open_study(
            name, raters=[User.objects.create_user(email, role=Role.RATER) for email in emails]
        )
        person = organiser()
        with CaptureQueriesContext(connection) as queries:
            study.close(person)
        return len(queries)

    assert queries_to_close("Large", 6) == queries_to_close("Small", 2)


def test_a_rater_who_became_a_researcher_is_left_out_when_the_study_closes(rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    rate_all(study, rater, "fake")
    rate_all(study, other_rater, "real")
    rater.role = Role.RESEARCHER
    rater.save(update_fields=["role"])

    study.close(organiser())

    assert {row.sitting.enrolment.pseudonym for row in counted(study)} == {"R02"}
    assert Event.objects.get(action="marked unblinded").detail["rater"] == "R01"
