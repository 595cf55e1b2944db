"""A sitting's own columns say what a count of its presentations and ratings would say, whoever has rated."""

import threading
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Avg, Count, Max, Min, Q
from django.test import Client
from django.urls import reverse

from rating.models import Enrolment, Presentation, Rating, Sitting, Study
from rating.reading.simulation import Readers, simulate
from tests.rating.cast import draft_study, open_study, organiser, presentations
from tests.rating.reading.rooms import reading_study


def counted(sitting: Sitting) -> dict[str, object]:
    """The same numbers from the rows themselves."""
    unrated = Q(rating=None)
    return sitting.presentations.aggregate(
        presentation_count=Count("pk"),
        practice_count=Count("pk", filter=Q(kind=Presentation.Kind.PRACTICE)),
        rated_count=Count("rating"),
        next_position=Min("position", filter=unrated),
        furthest_position=Max("position", filter=~unrated, default=0),
        ended_at=Max("rating__rated_at"),
        pace_ms=Avg("rating__active_ms"),
    )


def stored(sitting: Sitting) -> dict[str, object]:
    sitting.refresh_from_db()
    names = [name for name in counted(sitting) if name != "pace_ms"]
    pace = sitting.timed_ms / sitting.timed_count if sitting.timed_count else None
    return {**{name: getattr(sitting, name) for name in names}, "pace_ms": pace}


def rate(presentation: Presentation, **answer) -> None:
    Rating.record(presentation, uuid.uuid4(), **{"label": "real", **answer})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "order",
    [[], [1], [1, 2, 3], [3], [3, 1], [2, 3, 1], [1, 3, 5, 2], range(1, 9), range(8, 0, -1)],
    ids=str,
)
def test_the_columns_are_what_a_count_says(rater, order):
    study = reading_study(raters=[rater], practice=1)
    shown = presentations(study, rater)
    sitting = shown[0].sitting

    for position in order:
        rate(shown[position - 1], active_ms=1000 * position if position % 2 else None)

    assert stored(sitting) == counted(sitting)
    assert sitting.practice_count == 2


@pytest.mark.django_db
def test_a_correction_moves_nothing_on(rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]
    rate(first, active_ms=5000)
    before = stored(first.sitting)

    Rating.record(first, uuid.uuid4(), replaces=first.rating.client_key, label="fake", active_ms=1)

    assert stored(first.sitting) == before
    assert Rating.objects.get().label == "fake"


@pytest.mark.django_db
def test_ratings_written_in_bulk_move_every_sitting_on(rater, other_rater):
    study = draft_study(real=4, fake=4)
    for person in (rater, other_rater):
        Enrolment.enrol(study, person)

    copy = simulate(study, Readers(raters=3), by=organiser())

    sittings = list(Sitting.objects.filter(enrolment__study=copy))
    assert [stored(sitting) for sitting in sittings] == [counted(sitting) for sitting in sittings]
    assert [sitting.is_read for sitting in sittings] == [True, True, True]


@pytest.mark.django_db
def test_the_progress_of_raters_and_studies_is_the_sum_of_their_sittings(rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    for presentation in presentations(study, rater)[:4]:
        rate(presentation, active_ms=3000)

    [first, second] = Enrolment.objects.filter(study=study).with_progress().order_by("number")
    [row] = Study.objects.with_progress().filter(pk=study.pk)

    assert (first.rated_count, first.presentation_count, first.unrated_count, first.pace_ms) == (
        4,
        6,
        2,
        3000,
    )
    assert (second.rated_count, second.unrated_count, second.pace_ms, second.last_rated_at) == (
        0,
        6,
        None,
        None,
    )
    assert (row.rated_count, row.presentation_count, row.rater_count) == (4, 12, 2)


@contextmanager
def beside(act):
    """`act` under way in a thread with a connection of its own, which waits for this block's transaction."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():

        def start() -> None:
            thread.start()
            until_somebody_waits()

        yield start
    thread.join(timeout=30)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def until_somebody_waits() -> None:
    """For a lock of this database; a save comes so far in milliseconds."""
    asks = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(3000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(asks)
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waits for a lock")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_two_ratings_at_once_leave_no_frontier_behind(rater, order):
    study = open_study(raters=[rater])
    shown = presentations(study, rater)
    first, second = (shown[position - 1] for position in order)

    with beside(lambda: rate(second)) as start:
        rate(first)
        start()

    assert stored(shown[0].sitting) == counted(shown[0].sitting)
    assert shown[0].sitting.next_position == 3


@pytest.mark.django_db(transaction=True)
def test_the_same_save_sent_twice_at_once_is_one_rating_and_both_are_told_so(rater):
    study = open_study(raters=[rater])
    [first, *_] = presentations(study, rater)
    key = uuid.uuid4()
    told = []

    with beside(lambda: told.append(Rating.record(first, key, label="fake"))) as start:
        told.append(Rating.record(Presentation.objects.get(pk=first.pk), key, label="fake"))
        start()

    assert len({rating.pk for rating in told}) == 1
    assert Rating.objects.get().revisions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_correction_sent_twice_at_once_is_one_revision(rater):
    study = open_study(raters=[rater])
    [first, *_] = presentations(study, rater)
    rate(first)
    before, key = Rating.objects.get().client_key, uuid.uuid4()

    def correct() -> Rating:
        return Rating.record(
            Presentation.objects.get(pk=first.pk), key, replaces=before, label="unsure", remark="odd"
        )

    with beside(correct) as start:
        correct()
        start()

    assert Rating.objects.get().revisions.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_save_under_way_while_the_study_closes_is_not_taken_and_stays_in_the_browser(rater):
    study = open_study(raters=[rater])
    [first, *_] = presentations(study, rater)
    browser = Client()
    browser.force_login(rater, backend="accounts.sign_in.backend.SignInBackend")
    url = reverse("rating:rate", args=[study.slug, first.token])
    answers = []

    def save() -> None:
        answer = {"label": "real", "client_key": str(uuid.uuid4())}
        answers.append(browser.post(url, answer, HTTP_ACCEPT="application/json"))

    with beside(save) as start:
        study.close(organiser())
        start()

    assert (
        answers[0].status_code == 410
    )  # 409 would say that an answer stands, and the browser would forget its own
    assert answers[0].json()["error"] == "This study is closed and takes no more answers."
    assert not Rating.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_that_stamp_the_same_images_none_waits_for_the_other_and_is_waited_for(rater):
    first, second, *_ = presentations(open_study(raters=[rater]), rater)

    with beside(
        lambda: Presentation.objects.mark_shown({second.pk: timedelta(), first.pk: timedelta()})
    ) as start:
        Presentation.objects.select_for_update().get(pk=first.pk)
        start()
        Presentation.objects.select_for_update(nowait=True).get(pk=second.pk)
