"""A QuerySet, or the insert of a row, whose SQL is made once and then asked with other values.

Django makes the SQL of a query anew each time it is asked, and PostgreSQL plans it anew, which both take longer than the
answer. The few queries behind each image and each answer of a rater are made once a process and prepared once a connection:

    OF_TOKEN = PreparedQuery(lambda: Presentation.objects.filter(token=Parameter("token", CharField())))
    OF_TOKEN.rows(token="…")

    ADDED = PreparedInsert(lambda: Rating, unless_there=True)
    ADDED.add(Rating(…))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
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


class PreparedInsert(Generic[M]):
    """Of a row that is not stored yet, with all its fields but those that the database alone has a default for.

    With `unless_there` a row is not added where another has its key; without, that raises IntegrityError. No signals are sent.
    """

    def __init__(self, model: Callable[[], type[M]], *, unless_there: bool = False) -> None:
        self._model, self._unless_there = model, unless_there

    def add(self, row: M) -> bool:
        """Whether it was added; then it knows its primary key and what the database has filled in."""
        sql, fields, filled_in = self._made
        connection = connections[DEFAULT_DB_ALIAS]
        values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
        with transaction.mark_for_rollback_on_error(DEFAULT_DB_ALIAS), _cursor(DEFAULT_DB_ALIAS) as cursor:
            cursor.execute(sql, values)
            stored = cursor.fetchone()
        if stored is None:
            return False
        for field, value in zip(filled_in, stored, strict=True):
            setattr(row, field.attname, value)
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        return True

    @cached_property
    def _made(self) -> tuple[str, list[models.Field[Any, Any]], list[models.Field[Any, Any]]]:
        """The SQL, the fields whose values it takes, and those it brings back."""
        meta, quoted = self._model()._meta, connections[DEFAULT_DB_ALIAS].ops.quote_name
        left_out = [
            each for each in meta.local_concrete_fields if each.has_db_default() and not each.has_default()
        ]
        fields = [
            each for each in meta.local_concrete_fields if each not in left_out and not each.primary_key
        ]
        filled_in = [meta.pk, *left_out]
        columns, returned = (
            ", ".join(quoted(str(each.column)) for each in group) for group in (fields, filled_in)
        )
        places = ", ".join(["%s"] * len(fields))
        conflict = "ON CONFLICT DO NOTHING " if self._unless_there else ""
        sql = f"INSERT INTO {quoted(meta.db_table)} ({columns}) VALUES ({places}) {conflict}RETURNING {returned}"  # noqa: S608  (names of the model's own)
        return sql, fields, filled_in
