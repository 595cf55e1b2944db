"""A QuerySet whose SQL is made once and then asked with other values.

Django makes the SQL of a query anew each time it is asked, and PostgreSQL plans it anew, which both take longer than the
answer. The few queries behind each image and each answer of a rater are made once a process and prepared once a connection:

    OF_TOKEN = PreparedQuery(lambda: Presentation.objects.filter(token=Parameter("token", CharField())))
    OF_TOKEN.rows(token="…")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections, models
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=models.Model)


class Parameter(models.Expression):
    """Stands in a QuerySet where a value comes with each call; no lookup may look at that value to make its SQL."""

    def __init__(self, name: str, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


def _cursor(using: str) -> CursorWrapper:
    """The server plans a statement the first time that a connection asks it, and knows it from then on.

    Where a pooler in between keeps no statement for anybody (DATABASE_POOLED), it is asked as any other query is.
    """
    connection: Any = connections[using]
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    if connection.connection.prepare_threshold is None:
        return connection.cursor()  # type: ignore[no-any-return]  # the stubs know no PostgreSQL
    with connection.wrap_database_errors:
        cursor: Any = ServerBindingCursor  # Django's stubs leave out what it inherits
        return connection._prepare_cursor(cursor(connection.connection))  # type: ignore[no-any-return]  # as above


class _Prepared:
    def __init__(self, build: Callable[[], models.QuerySet[Any, Any]]) -> None:
        self._build = build

    @cached_property
    def _made(self) -> tuple[SQLCompiler, str, Sequence[object], dict[int, Any]]:
        """The compiler, which knows the columns by now, its SQL, values and parameters, and the columns' converters."""
        queryset = self._build()
        compiler = queryset.query.get_compiler(using=queryset.db)
        sql, params = compiler.as_sql()
        columns = [expression for expression, *_ in compiler.select]
        return compiler, sql, params, compiler.get_converters(columns)

    def _tuples(self, values: dict[str, object]) -> Iterable[Sequence[Any]]:
        compiler, sql, params, converters = self._made
        filled: list[Any] = [values[each.name] if isinstance(each, Parameter) else each for each in params]
        with _cursor(str(compiler.using)) as cursor:
            cursor.execute(sql, filled)
            rows: list[Sequence[Any]] = cursor.fetchall()
        return compiler.apply_converters(rows, converters) if converters else rows


class PreparedValues(_Prepared):
    """Of a QuerySet of `values_list`."""

    def rows(self, **values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._tuples(values)]


class PreparedQuery(_Prepared, Generic[M]):
    """Of a QuerySet of rows, with what it selects beside them; not of what it would prefetch."""

    def __init__(self, build: Callable[[], models.QuerySet[M, M]]) -> None:
        super().__init__(build)

    def rows(self, **values: object) -> list[M]:
        return list(self._models(self._tuples(values)))

    def first(self, **values: object) -> M | None:
        """Of a query that has one row at most, or an order."""
        return next(self._models(self._tuples(values)), None)

    def _models(self, rows: Iterable[Sequence[Any]]) -> Iterator[M]:
        """As Django's own ModelIterable makes them."""
        compiler = self._made[0]
        first, names, model, populators = self._shape
        for row in rows:
            instance = model.from_db(compiler.using, names, row[first : first + len(names)])
            for populator in populators:
                populator.populate(row, instance)
            for name, column in compiler.annotation_col_map.items():
                setattr(instance, name, row[column])
            yield instance

    @cached_property
    def _shape(self) -> tuple[int, list[str], type[M], list[Any]]:
        """The first column of the model, its fields from there on, itself, and who makes what is selected beside it."""
        compiler = self._made[0]
        shape: Any = compiler.klass_info
        fields = shape["select_fields"]
        names = [compiler.select[column][0].target.attname for column in fields]
        using = str(compiler.using)
        populators = get_related_populators(shape, compiler.select, using)  # type: ignore[call-arg]  # the stubs are of a later Django, which has fetch modes
        return fields[0], names, shape["model"], populators
