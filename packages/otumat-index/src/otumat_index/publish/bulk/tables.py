"""Writing many rows with ids known beforehand, on SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, models

# SQLite, while an import runs. More pages of the indexes stay in memory; the log is folded into the database after
# 64 MB instead of 4, so that a page that changes in every batch is copied back once, not each time. No memory map: it
# counts as memory too.
SQLITE_WHILE_IMPORTING = {"cache_size": -64_000, "wal_autocheckpoint": 16_384, "mmap_size": 0}

Row = Sequence[Any]


def take_ids(model: type[models.Model], count: int) -> range | list[int]:
    """Fresh primary keys, inside a transaction that has begun to write."""
    table, key = model._meta.db_table, "id"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, key, count]
            )
            return [number for (number,) in cursor.fetchall()]
        # AUTOINCREMENT keeps this up to date, also for rows that bring their own key; a writer is alone (IMMEDIATE).
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
    last = found[0] if found else 0
    return range(last + 1, last + 1 + count)


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """
    Add rows: values as the database keeps them, every other column at its model's default (the key excepted).

    PostgreSQL takes them as COPY, SQLite through one prepared statement.
    """
    filled = _defaults(model, columns)
    names = [connection.ops.quote_name(name) for name in (*columns, *filled)]
    rest = tuple(filled.values())
    complete = [(*row, *rest) for row in rows]
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
                for row in complete:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", complete)  # noqa: S608


def update(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Set columns by primary key, which stands last in each row."""
    quote = connection.ops.quote_name
    values = ", ".join(f"{quote(name)} = %s" for name in columns)
    key = quote("id")
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {quote(model._meta.db_table)} SET {values} WHERE {key} = %s", rows)  # noqa: S608


def stored(model: type[models.Model], column: str, value: Any) -> Any:
    """A Python value as the database keeps it in this column."""
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    return field.get_db_prep_save(value, connection)


def _defaults(model: type[models.Model], columns: Sequence[str]) -> dict[str, Any]:
    """What the other columns hold. Django leaves no default in the database, so every one of them must be named."""
    others = [f for f in model._meta.concrete_fields if f.column not in columns and not f.primary_key]
    return {str(field.column): field.get_db_prep_save(field.get_default(), connection) for field in others}


@contextlib.contextmanager
def at_length() -> Iterator[None]:
    """Settings of the connection while an import runs; as they were afterwards."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = {name: cursor.execute(f"PRAGMA {name}").fetchone() for name in SQLITE_WHILE_IMPORTING}
        _set(cursor, SQLITE_WHILE_IMPORTING)
        try:
            yield
        finally:
            _set(cursor, {name: value[0] for name, value in before.items() if value})


def _set(cursor: Any, values: dict[str, int]) -> None:
    for name, value in values.items():
        cursor.execute(f"PRAGMA {name} = {value:d}").fetchall()
