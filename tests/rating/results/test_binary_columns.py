"""Columns that PostgreSQL sends in binary, held against the values that went in."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from django.db import ProgrammingError, transaction

from rating.results.export.binary_columns import aggregates, column_of, fetched

pytestmark = pytest.mark.django_db
INSTANT = pa.timestamp("ms", tz="UTC")
TYPES = {"word": pa.string(), "small": pa.int32(), "large": pa.int64(), "at": INSTANT}


def columns(rows: list[tuple[object, ...]]) -> list[dict[str, object]]:
    """These rows (word, small, large, at) sent by PostgreSQL a page of two at a time."""
    cells = ", ".join(each for name, kind in TYPES.items() for each in aggregates(name, kind))
    values = "SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::timestamptz[]) AS page (word, small, large, at)"
    pages = [rows[place : place + 2] for place in range(0, len(rows), 2)]
    parameters = ((len(page), [list(column) for column in zip(*page, strict=True)]) for page in pages)
    read = []
    for count, row in fetched(f"SELECT {cells} FROM ({values}) AS page", parameters):
        sent = iter(row)
        table = pa.table({name: column_of(sent, kind) for name, kind in TYPES.items()})
        table.validate(full=True)
        assert table.num_rows == count
        read += table.to_pylist()
    return read


def test_every_value_comes_as_it_is_and_null_as_none() -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    rows: list[tuple[object, ...]] = [
        ("", 0, 0, moment),
        ("blurred “vessels”, 肺", -1, 2**40, datetime(1999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
        (None, None, None, None),
        (None, 7, None, moment),
        ('a\nb"c,', None, -(2**40), None),
    ]

    assert columns(rows) == [dict(zip(TYPES, row, strict=True)) for row in rows]


def test_what_is_less_than_a_millisecond_is_cut_off_as_in_the_csv() -> None:
    ((row),) = columns([("", 0, 0, datetime(2026, 3, 1, 12, 0, 0, 123_999, tzinfo=UTC))])

    assert row["at"] == datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)


def test_a_page_without_rows_has_columns_without_values() -> None:
    query = "SELECT array_agg(number), array_agg(octet_length(word)), string_agg(word, '') FROM (SELECT 1 AS number, '' AS word WHERE false) AS page"

    ((_, row),) = fetched(query, [(None, [])])
    sent = iter(row)

    assert len(column_of(sent, pa.int32())) == len(column_of(sent, pa.string())) == 0


def test_a_fault_in_the_query_is_djangos() -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        list(fetched("SELECT nothing_of_that_name", [(None, [])]))
