"""What an image, a save and the next images cost does not grow with the length of the study."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import SiteSettings
from rating.models import Presentation, Rating, RatingRevision, Sitting, Study
from rating.studies.reading_settings import ReadingRoom
from tests.database_work import Work, analyze, database_work, rows_of_tables
from tests.rating.long_study import long_study

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}
SHORT, LONG = 40, 4000
NEXT_TO_RATE = {"begin": 2, "end": -3}  # of the sitting, where little or nearly all has been read
# Queries and rows at most: of tables of a page or two the planner reads all, so the rows have some room. A save has room
# for one query more, the sitting's entry in the audit trail.
LIMITS = {
    "image": (3, 100),
    "ahead": (4, 400),
    "page": (7, 400),
    "reading_list": (16, 400),
    "correction": (8, 400),
    "save": (7, 400),
}


@pytest.fixture(autouse=True)
def durable(monkeypatch):
    """A process asks the database every ten seconds, not with every save."""
    monkeypatch.setattr("rating.views.sitting.why_not_durable", lambda: None)


@pytest.fixture(autouse=True)
def recent_settings(db, monkeypatch):
    """Nor for the site's settings with every request."""
    monkeypatch.setattr("accounts.site_settings.RECENT_SECONDS", float("inf"))
    SiteSettings.recent()


class Reader:
    """A rater's browser at one place of one sitting."""

    def __init__(self, browser, study: Study, at: int, session: int = 1):
        self.browser, self.study = browser, study
        self.sitting = Sitting.objects.get(enrolment__study=study, session=session)
        self.position = at if at > 0 else self.sitting.presentation_count + 1 + at
        _rate_before(self.sitting, self.position)
        analyze()
        self.ahead_url = reverse("rating:ahead", args=[study.slug]) + f"?session={session}"

    def token(self, position: int) -> str:
        return self.sitting.presentations.values_list("token", flat=True).get(position=position)

    def image(self) -> Work:
        url = reverse("rating:presented", args=[self.token(self.position)])
        return self._work(lambda: self.browser.get(url), 200)

    def ahead(self) -> Work:
        return self._work(lambda: self.browser.get(self.ahead_url, **JSON), 200)

    def page(self) -> Work:
        url = reverse("rating:read", args=[self.study.slug])
        return self._work(lambda: self.browser.get(url), 200)

    def reading_list(self) -> Work:
        return self._work(lambda: self.browser.get(reverse("rating:reading_list")), 200)

    def save(self, **fields: str) -> Work:
        showing, after = self.token(self.position + 1), self.position + 4
        return self._post(self.position, showing=showing, after=str(after), **fields)

    def correction(self) -> Work:
        """Of the answer before, while the image after it is shown."""
        rating = Rating.objects.get(
            presentation__sitting=self.sitting, presentation__position=self.position - 1
        )
        key, showing = str(rating.client_key), self.token(self.position)
        return self._post(self.position - 1, replaces=key, showing=showing, after=str(self.position + 4))

    def rate_next(self) -> None:
        presentation = self.sitting.presentations.get(position=self.position)
        Rating.objects.create(presentation=presentation, label="real")
        self.position += 1

    def _post(self, position: int, **fields: str) -> Work:
        url = reverse("rating:rate", args=[self.study.slug, self.token(position)])
        answer = {"label": "real", "client_key": str(uuid.uuid4()), **fields}
        return self._work(lambda: self.browser.post(url, answer, **JSON), 200)

    def _work(self, ask: Callable[[], Any], status: int) -> Work:
        with database_work() as work:
            response = ask()
        assert response.status_code == status
        return work


def _rate_before(sitting: Sitting, position: int) -> None:
    """All images before this one, as raters rate them, but in bulk."""
    before = sitting.presentations.filter(position__lt=position)
    ratings = Rating.objects.bulk_create(
        (Rating(presentation=each, label="real") for each in before), batch_size=1000
    )
    RatingRevision.objects.bulk_create(
        (RatingRevision(rating=each, number=1, client_key=uuid.uuid4(), label="real") for each in ratings),
        batch_size=1000,
    )


@pytest.fixture
def readers(client_of, rater, other_rater) -> Callable[..., tuple[Reader, Reader]]:
    """The same place in a short and in a long study, read by two people."""

    def placed(at: int, **protocol) -> tuple[Reader, Reader]:
        short = long_study("Short", raters=[rater], images=SHORT, **protocol)
        long = long_study("Long", raters=[other_rater], images=LONG, **protocol)
        return Reader(client_of(rater), short, at), Reader(client_of(other_rater), long, at)

    return placed


@pytest.mark.parametrize("at", NEXT_TO_RATE.values(), ids=NEXT_TO_RATE)
def test_what_it_costs_is_the_same_in_a_short_and_a_long_study(readers, at):
    short, long = readers(at, going_back=ReadingRoom.GoingBack.LAST)

    for what, (queries, rows) in LIMITS.items():
        of_short, of_long = getattr(short, what)(), getattr(long, what)()

        assert len(of_long.queries) == len(of_short.queries) <= queries, (what, of_long.queries)
        assert of_long.rows <= rows, what


def test_a_browser_that_may_hold_a_whole_study_is_served_as_cheaply(client_of, rater):
    long = Reader(client_of(rater), long_study("Long", raters=[rater], images=LONG, hold_ahead=5000), 1)

    costs = [long.page(), long.ahead(), long.save()]

    assert all(work.rows <= 800 for work in costs), [work.rows for work in costs]


def test_an_image_of_a_second_session_costs_as_little(client_of, rater):
    study = long_study("Twice", raters=[rater], images=SHORT, sessions=2, washout_days=0)
    Reader(client_of(rater), study, SHORT + 1)
    second = Reader(client_of(rater), study, 1, session=2)

    assert len(second.image().queries) == 3
    assert len(second.save().queries) <= 7


@pytest.mark.parametrize("images", [SHORT, LONG])
def test_moving_a_sitting_on_reads_few_rows(client_of, rater, images):
    reader = Reader(client_of(rater), long_study("Any", raters=[rater], images=images), -20)
    for _ in range(7):  # the trigger's plans are made anew five times, then they stand
        reader.rate_next()

    with rows_of_tables() as work:
        reader.rate_next()

    reader.sitting.refresh_from_db()
    assert reader.sitting.next_position == images - 20 + 1 + 8
    assert work.rows <= 60


def test_the_rows_are_those_of_the_plan(client_of, rater):
    """Else the bounds above would prove nothing."""
    reader = Reader(client_of(rater), long_study("Any", raters=[rater], images=SHORT), 1)

    with database_work() as scan:
        assert Presentation.objects.filter(kind="probe").order_by().first() is None
    with database_work() as insert:
        reader.rate_next()

    assert (len(scan.queries), scan.rows) == (1, SHORT)
    assert any(query.startswith("INSERT") for query in insert.queries)
    assert Rating.objects.count() == 1
