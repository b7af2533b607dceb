"""
Statements that are built once and run many times.

The ORM builds the SQL of a query anew at each call, which costs it 0.2 to 0.4 ms; an upload has some twenty statements
and a budget of 10 ms. The models stay the one place that knows tables, columns and how values are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection, models
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=models.Model)


class Place(NamedTuple):
    """Where in a built statement the caller's value of this number goes."""

    number: int


class Statement(NamedTuple):
    """
    A built query.

    Attributes:
        sql: With `%s` where parameters go.
        parameters: In order, with places for the caller's values.
        converters: By column, what makes a value of ours of the database's.
        make: An instance of a row, where the queryset was one of instances.
    """

    sql: str
    parameters: tuple[Any, ...]
    converters: Mapping[int, Any]
    make: Callable[[Sequence[Any]], Any]


Build = Callable[..., "models.QuerySet[Any, Any]"]


def rows(build: Build) -> Callable[..., list[Any]]:
    """
    Make a function of texts and numbers that returns a queryset into one that builds its SQL only once.

    The queryset is of tuples (`values_list`), or of instances, with `select_related` if need be.
    """
    built: dict[str, Statement] = {}

    def run(*values: str | int) -> list[Any]:
        statement = built.get(connection.vendor)
        if statement is None:
            statement = built[connection.vendor] = build_once(build, values)
        filled = [values[each.number] if isinstance(each, Place) else each for each in statement.parameters]
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, filled)
            return [statement.make(converted(row, statement.converters)) for row in cursor.fetchall()]

    return run


def build_once(build: Build, values: tuple[str | int, ...]) -> Statement:
    """Build with marks in the place of values, and see where the marks came to stand."""
    marks = [f"\x02mark {n}\x03" if isinstance(value, str) else -9_000_000_000 - n for n, value in enumerate(values)]
    queryset = build(*marks)
    compiler = queryset.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    places = tuple(Place(marks.index(each)) if each in marks else each for each in parameters)
    columns = compiler.select[: compiler.col_count]
    return Statement(sql, places, compiler.get_converters([each[0] for each in columns]), maker(queryset, compiler))


def converted(row: Sequence[Any], converters: Mapping[int, Any]) -> Sequence[Any]:
    """A row with values as Python has them: times, truth values, JSON."""
    if not converters:
        return row
    values = list(row)
    for column, (functions, expression) in converters.items():
        for function in functions:
            values[column] = function(values[column], expression, connection)
    return values


def maker(queryset: models.QuerySet[Any, Any], compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """What turns a row into what the queryset would have given; as `ModelIterable` does."""
    if queryset._fields is not None:  # type: ignore[attr-defined]
        return tuple
    model, places = compiler.klass_info["model"], compiler.klass_info["select_fields"]
    names = [compiler.select[place][0].target.attname for place in places]
    related = get_related_populators(compiler.klass_info, compiler.select, connection.alias)  # type: ignore[call-arg]

    def make(row: Sequence[Any]) -> Any:
        instance = model.from_db(connection.alias, names, [row[place] for place in places])
        for each in related:
            each.populate(row, instance)
        return instance

    return make


def insert(row: Row) -> Row:
    """Add a new row, as `save(force_insert=True)` does but for signals and expressions; sets its key."""
    sql, fields = insertion(type(row), connection.vendor)
    values = [value_of(field, field.pre_save(row, True)) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, connection.alias
    return row


def value_of(field: models.Field[Any, Any], value: Any) -> Any:
    """A value as the database takes it; most are texts, which every database takes as they are."""
    if type(value) is str and type(field) in (models.CharField, models.TextField):
        return value
    return field.get_db_prep_save(value, connection)


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
