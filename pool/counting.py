"""Counts beside the rows of a list, each by a look of its own.

A count over a join makes the database bring together and group all rows there are before it can give a page of them,
and evaluates every other subquery for each of those; this one is asked for the rows that are shown.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce


def count_of(rows: QuerySet[Any], by: str) -> Coalesce:
    """How many of these rows refer to the outer query's row by this field.

    Of whatever column: for one that is named the database would look into each row, where an index is enough.
    """
    own = rows.filter(**{by: OuterRef("pk")}).order_by().values(by).annotate(number=Count("*"))
    return Coalesce(Subquery(own.values("number")), 0)
