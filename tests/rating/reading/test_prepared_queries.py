"""Queries that are made once give what Django would give by making them anew."""

import uuid

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, Model, Q
from django.db.models.sql.compiler import SQLCompiler
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.prepared_query import Parameter, PreparedQuery
from rating.models import Presentation, Rating, RatingRevision, Sitting
from rating.reading.rating import FIRST_RATINGS, REVISIONS
from rating.views.images import LOOKED_AT, OF_TOKEN
from rating.views.sitting import OF_TOKENS, SITTINGS
from tests.rating.long_study import long_study

pytestmark = pytest.mark.django_db
QUESTION = {"code": "quality", "words": "How good?", "kind": "scale"}


@pytest.fixture
def sitting(rater) -> Sitting:
    study = long_study("Any", raters=[rater], images=8, second_questions=[QUESTION])
    return Sitting.objects.get(enrolment__study=study)


def contents(row: Model) -> dict[str, object]:
    """All that a row holds, and the rows it brought along."""
    values = {name: value for name, value in vars(row).items() if name != "_state"}
    return values | {
        name: contents(related) if related else None for name, related in row._state.fields_cache.items()
    }


def test_rows_are_those_of_the_queryset_with_all_that_comes_along(rater, sitting):
    slug = sitting.enrolment.study.slug
    first, second = sitting.presentations.all()[:2]
    plain = Presentation.objects.of(rater).reachable().with_sitting()
    both = plain.select_related("study_image__image", "rating").filter(pk__in=[first.pk, second.pk])
    alone = plain.select_related("study_image").only(*LOOKED_AT).filter(pk=first.pk)
    sittings = Sitting.objects.open_to(rater).select_related("enrolment__study")

    prepared = OF_TOKENS.rows(user=rater.pk, slug=slug, token=first.token, showing=second.token)

    assert sorted(map(repr, map(contents, prepared))) == sorted(map(repr, map(contents, both)))
    assert [*map(contents, OF_TOKEN.rows(user=rater.pk, token=first.token))] == [*map(contents, alone)]
    assert [*map(contents, SITTINGS.rows(user=rater.pk, slug=slug))] == [*map(contents, sittings)]
    assert prepared[0].sitting.enrolment.study.second_questions == [QUESTION]


def test_each_call_asks_with_its_own_values_and_makes_no_sql(rater, other_rater, sitting, monkeypatch):
    tokens = list(sitting.presentations.values_list("token", flat=True)[:2])
    OF_TOKEN.first(user=rater.pk, token="none")

    monkeypatch.setattr(SQLCompiler, "as_sql", lambda *_: pytest.fail("SQL was made again"))
    rows = [OF_TOKEN.first(user=rater.pk, token=token) for token in tokens]

    assert [row and row.places for row in rows] == ["", ""]
    assert rows[0] != rows[1]
    assert OF_TOKEN.first(user=other_rater.pk, token=tokens[0]) is None


def test_a_value_is_a_value_whatever_stands_in_it(rater):
    of_address = PreparedQuery(lambda: User.objects.filter(Q(email=Parameter("email", CharField()))))

    assert of_address.first(email=rater.email) == rater
    assert of_address.rows(email="' OR ''='") == []
    assert of_address.rows(email="100 %s") == []


def test_a_session_that_was_ended_or_ran_out_opens_nothing(client_of, rater):
    ended, ran_out = client_of(rater), client_of(rater)
    Session.objects.filter(pk=ended.session.session_key).delete()
    Session.objects.filter(pk=ran_out.session.session_key).update(expire_date=timezone.now())

    pages = [browser.get(reverse("rating:reading_list")) for browser in (ended, ran_out)]

    assert [page.status_code for page in pages] == [302, 302]


def test_a_session_cookie_with_a_nul_is_that_of_nobody(client):
    """A browser's cookie may hold one in octal, which no text of PostgreSQL can."""
    page = client.get(reverse("account_login"), HTTP_COOKIE='sessionid="\\000aaaaaaaaaaaaaaa"')

    assert page.status_code == 200


def test_the_server_plans_them_once_a_connection(rater, sitting):
    token = sitting.presentations.first().token
    for other in (token, "none", token):
        OF_TOKEN.first(user=rater.pk, token=other)

    assert statements_like("rating_presentation") == 1


def test_behind_a_pooler_the_server_keeps_none(rater, sitting, monkeypatch):
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    token = sitting.presentations.first().token

    assert OF_TOKEN.first(user=rater.pk, token=token)
    assert statements_like("rating_presentation") == 0


def statements_like(table: str) -> int:
    """How many of the prepared statements of this connection read a table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%{table}%"])
        return int(cursor.fetchone()[0])


def columns(row: Model) -> dict[str, object]:
    """As stored, but for its key, its time and what is new with every save."""
    [stored] = type(row)._default_manager.filter(pk=row.pk).values()
    new = {"id", "rated_at", "saved_at", "client_key", "sha256"}
    return {name: value for name, value in stored.items() if name not in new}


def test_an_insert_made_once_stores_what_save_stores(sitting):
    first, second = (
        Rating(presentation=each, label="fake", remark="100 %s", reasons=["rib"], confidence=4)
        for each in sitting.presentations.all()[:2]
    )
    first.save()
    assert FIRST_RATINGS.add(second)
    words = {"number": 1, "label": "fake", "remark": "same"}
    RatingRevision(rating=first, client_key=uuid.uuid4(), **words).save()
    assert REVISIONS.add(RatingRevision(rating=second, client_key=uuid.uuid4(), **words))
    known = second.rated_at

    assert columns(second) | {"presentation_id": first.presentation_id} == columns(first)
    second.refresh_from_db()
    assert second.rated_at == known
    apart = {"rating_id", "chain_number", "remark_nonce", "remark_sha256"}
    one, other = (columns(each.revisions.get()) for each in (first, second))
    assert {name for name in one if one[name] != other[name]} <= apart
    assert (one["chain_number"], other["chain_number"]) == (1, 2)


def test_a_row_that_is_there_stands_or_is_told(sitting):
    presentation = sitting.presentations.first()
    assert FIRST_RATINGS.add(Rating(presentation=presentation, label="fake"))
    key = uuid.uuid4()
    REVISIONS.add(RatingRevision(rating=Rating.objects.get(), number=1, label="fake", client_key=key))

    assert not FIRST_RATINGS.add(Rating(presentation=presentation, label="real"))
    with pytest.raises(IntegrityError), transaction.atomic():
        REVISIONS.add(RatingRevision(rating=Rating.objects.get(), number=2, label="real", client_key=key))

    assert [*Rating.objects.values_list("label", flat=True)] == ["fake"]


@pytest.mark.django_db(transaction=True)
def test_a_save_is_one_transaction_without_a_savepoint(client_of, rater, sitting):
    token, showing = sitting.presentations.values_list("token", flat=True)[:2]
    browser, asked = client_of(rater), []
    answer = {"label": "fake", "client_key": str(uuid.uuid4()), "showing": showing}
    url = reverse("rating:rate", args=[sitting.enrolment.study.slug, token])

    def note(execute, sql, params, many, context):
        asked.append((sql.split()[0], connection.in_atomic_block))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert browser.post(url, answer, HTTP_ACCEPT="application/json").status_code == 200

    written = [("UPDATE", True), ("INSERT", True), ("INSERT", True)]
    assert [each for each in asked if each[1]] == written


def test_a_session_of_before_the_sign_in_had_a_name_of_its_own_goes_on(client_of, rater):
    browser = client_of(rater)
    session = browser.session
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session.save()

    assert browser.get(reverse("rating:reading_list")).status_code == 200


def test_whoever_is_switched_off_is_signed_out(client_of, rater):
    browser = client_of(rater)
    User.objects.filter(pk=rater.pk).update(is_active=False)

    assert browser.get(reverse("rating:reading_list")).status_code == 302
