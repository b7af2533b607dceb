"""
Statements that are built once and run many times.

The ORM builds the SQL of a query anew at each call, which costs it 0.2 to 0.4 ms; an upload has some twenty statements
and a budget of 10 ms. The models stay the one place that knows tables, columns and how values are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)


class Place(NamedTuple):
    """Where in a built statement the caller's value of this number goes."""

    number: int


class Statement(NamedTuple):
    """A built statement: its SQL, and its parameters with places for the caller's values."""

    sql: str
    parameters: tuple[Any, ...]


Build = Callable[..., "models.QuerySet[Any, Any]"]


def rows(build: Build) -> Callable[..., list[tuple[Any, ...]]]:
    """
    Make a function of texts and numbers that returns a `values_list` queryset into one that builds its SQL only once.

    Rows come as the database gives them: right for texts and numbers, not for times, truth values and JSON on SQLite.
    """
    built: dict[str, Statement] = {}

    def run(*values: str | int) -> list[tuple[Any, ...]]:
        statement = built.get(connection.vendor)
        if statement is None:
            statement = built[connection.vendor] = build_once(build, values)
        filled = [values[each.number] if isinstance(each, Place) else each for each in statement.parameters]
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, filled)
            return list(cursor.fetchall())

    return run


def build_once(build: Build, values: tuple[str | int, ...]) -> Statement:
    """Build with marks in the place of values, and see where the marks came to stand."""
    marks = [f"\x02mark {n}\x03" if isinstance(value, str) else -9_000_000_000 - n for n, value in enumerate(values)]
    sql, parameters = build(*marks).query.sql_with_params()
    return Statement(sql, tuple(Place(marks.index(each)) if each in marks else each for each in parameters))


def insert(row: Row) -> Row:
    """Add a new row, as `save(force_insert=True)` does but for signals and expressions; sets its key."""
    sql, fields = insertion(type(row), connection.vendor)
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, connection.alias
    return row


@lru_cache(maxsize=64)
def insertion(model: type[models.Model], vendor: str) -> tuple[str, tuple[models.Field[Any, Any], ...]]:
    """The INSERT of a model, and the fields whose values it takes; a key the database makes is left to it."""
    key = model._meta.pk
    automatic = isinstance(key, models.AutoField | models.BigAutoField)
    fields = tuple(field for field in model._meta.concrete_fields if not (automatic and field is key))
    quote = connection.ops.quote_name
    names, places = ", ".join(quote(str(field.column)) for field in fields), ", ".join(["%s"] * len(fields))
    table = quote(model._meta.db_table)
    return f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING {quote(str(key.column))}", fields  # noqa: S608
