"""Columns as PostgreSQL sends them in binary arrays, given to Arrow without a text or a Python object a row.

A column is one array, of texts two: their lengths, and all of them one after the other. What is NULL stands as `NONE`, as
the instant before all others, or as the length -1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

if TYPE_CHECKING:
    import pyarrow as pa

Page = TypeVar("Page")
NONE = -(2**31)  # of columns in which no number is as small
BEFORE_ALL = -(2**63)  # how PostgreSQL sends -infinity
MS_TO_2000 = 946_684_800_000  # from 1970, where Arrow's instants begin, to where PostgreSQL's do
HEAD = 20  # bytes before the first value: dimensions, flags, type, length, lower bound


def aggregates(name: str, kind: pa.DataType) -> list[str]:
    """What to select of a column of this type."""
    import pyarrow as pa

    if pa.types.is_string(kind):
        return [f"array_agg(coalesce(octet_length({name}), -1))", f"string_agg({name}, '')"]
    if pa.types.is_timestamp(kind):
        return [f"array_agg(coalesce({name}, '-infinity'))"]
    return [f"array_agg(coalesce({name}, {NONE})::{'int' if kind == pa.int32() else 'bigint'})"]


def fetched(query: str, pages: Iterable[tuple[Page, Sequence[Any]]]) -> Iterator[tuple[Page, list[bytes]]]:
    """Of each page and its parameters the one row of the query, each cell as PostgreSQL sends it in binary.

    PostgreSQL is at the next page while the caller is at this one, on the caller's connection and so in its snapshot.
    """
    here = connections[DEFAULT_DB_ALIAS]
    here.ensure_connection()

    def row(parameters: Sequence[Any]) -> list[bytes]:
        with here.wrap_database_errors, psycopg.Cursor(here.connection) as cursor:
            # A pooler knows no prepared statement.
            cursor.execute(query, parameters, binary=True, prepare=False)
            result: Any = cursor.pgresult
            return [result.get_value(0, place) or b"" for place in range(result.nfields)]

    with ThreadPoolExecutor(1, thread_name_prefix="next page") as thread:
        following: tuple[Page, Future[list[bytes]]] | None = None
        for page, parameters in pages:
            current, following = following, (page, thread.submit(row, parameters))
            if current is not None:
                yield current[0], current[1].result()
        if following is not None:
            yield following[0], following[1].result()


def column_of(cells: Iterator[bytes], kind: pa.DataType) -> pa.Array:
    """The column of this type whose cells come next. Raises StopIteration where there are none."""
    import pyarrow as pa

    if pa.types.is_string(kind):
        return _of_texts(_values(next(cells), np.dtype(">i4")), next(cells))
    if pa.types.is_timestamp(kind):
        micros = _values(next(cells), np.dtype(">i8"))
        is_there = micros != BEFORE_ALL
        return _array(kind, is_there, micros // 1000 + MS_TO_2000)
    width = kind.byte_width
    values = _values(next(cells), np.dtype(f">i{width}"))
    return _array(kind, values != NONE, values)


def _values(cell: bytes, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """The values of a binary array without a NULL: each has its length before it."""
    if len(cell) < HEAD:
        return np.empty(0, kind.newbyteorder("="))
    rows = np.frombuffer(cell, [("length", ">i4"), ("value", kind)], offset=HEAD)
    return rows["value"].astype(kind.newbyteorder("="))


def _array(kind: pa.DataType, is_there: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(values), [_bitmap(is_there), pa.py_buffer(values)])


def texts(values: Sequence[str | None]) -> pa.Array:
    """These texts as a column."""
    encoded = [None if value is None else value.encode() for value in values]
    lengths = np.array([-1 if value is None else len(value) for value in encoded], np.int32)
    return _of_texts(lengths, b"".join(value for value in encoded if value is not None))


def _of_texts(lengths: npt.NDArray[Any], data: bytes) -> pa.Array:
    import pyarrow as pa

    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
    if offsets[-1] != len(data):
        raise ValueError("PostgreSQL counts other bytes than it sends: the database is not in UTF-8.")
    buffers = [_bitmap(lengths >= 0), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(lengths), buffers)


def _bitmap(is_there: npt.NDArray[np.bool_]) -> pa.Buffer | None:
    import pyarrow as pa

    return None if is_there.all() else pa.py_buffer(np.packbits(is_there, bitorder="little"))
