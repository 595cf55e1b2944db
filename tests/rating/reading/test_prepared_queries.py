"""Queries that are made once give what Django would give by making them anew."""

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import CharField, Model, Q
from django.db.models.sql.compiler import SQLCompiler
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.prepared_query import Parameter, PreparedQuery
from rating.models import Presentation, Sitting
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
