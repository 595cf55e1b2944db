"""Counts beside the rows of a list, each by a look of its own.

A count over a join makes the database bring together and group all rows there are before it can give a page of them,
and evaluates every other subquery for each of those; this one is asked for the rows that are shown.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, JSONField, OuterRef, QuerySet, Subquery, TextField
from django.db.models.expressions import Func
from django.db.models.functions import Cast, Coalesce


def count_of(rows: QuerySet[Any], by: str) -> Coalesce:
    """How many of these rows refer to the outer query's row by this field.

    Of whatever column: for one that is named the database would look into each row, where an index is enough.
    """
    own = rows.filter(**{by: OuterRef("pk")}).order_by().values(by).annotate(number=Count("*"))
    return Coalesce(Subquery(own.values("number")), 0)


class _NumbersByKey(Subquery):
    """The second column of a query of two, by its first: one JSON object."""

    template = "(SELECT jsonb_object_agg(numbered.key, numbered.number) FROM (%(subquery)s) AS numbered (key, number))"
    output_field = JSONField()


def count_once(rows: QuerySet[Any], by: str, *, of: str) -> Coalesce:
    """How many different `of` these rows have that refer to the outer query's row by this field.

    For rows of which the whole site has few: all of them are counted before the first outer row, and never again. A look of its own
    for each outer row could not go by an index where `by` stands in another table, and would see all rows each time.
    """
    numbers = _NumbersByKey(rows.order_by().values_list(by).annotate(number=Count(of, distinct=True)))
    own = Func(numbers, Cast("pk", TextField()), function="jsonb_extract_path_text", output_field=TextField())
    return Coalesce(Cast(own, IntegerField()), 0)
