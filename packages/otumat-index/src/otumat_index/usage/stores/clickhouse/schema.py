"""
The tables, on one server or on a cluster.

On a cluster each is twice there: `NAME_local` on every server, replicated within its shard, and `NAME`, which spreads
rows over the shards. What belongs to one install is in one shard. Only what ClickHouse 18.16 knows is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Table(NamedTuple):
    """Rows with the same `key` are one; with a `version`, the one with the highest, else the last that was written."""

    name: str
    columns: str
    key: str
    shard: str
    version: str = ""
    partition: str = ""


TABLES = (
    # The batch as it was taken. Written last: a batch that has no row here was not taken.
    Table(
        "told",
        "project UInt64, install UInt64, batch String, sequence UInt64, sha256 String, received_on Date, at UInt64,"
        " counted UInt64, refused String",
        "install, batch",
        "install",
    ),
    Table(
        "body",
        "install UInt64, batch String, received_on Date, body String",
        "install, batch",
        "install",
        "",
        "received_on",
    ),
    # What a batch adds up to, without a word of whose it was.
    Table(
        "counted",
        "project UInt64, token String, first_day Date, last_day Date, days Array(Date), events Array(String),"
        " properties Array(String), releases Array(String), times Array(UInt64),"
        " lost_on Date, reasons Array(String), lost_events Array(String), lost Array(UInt64)",
        "project, token",
        "cityHash64(token)",
    ),
    # A day on which an install was used, by each batch that told of it; `is_left` when the install was erased.
    Table(
        "used",
        "project UInt64, install UInt64, day Date, batch String, at UInt64, release String, python String,"
        " system String, machine String, ci String, events Array(String), is_left UInt8",
        "project, install, day, batch",
        "install",
    ),
    Table("closed", "install UInt64", "install", "install"),
    # How far the erasure of an install is: 1, its days are being copied to `token`; 2, only the copies count.
    Table("gone", "install UInt64, token UInt64, state UInt8, erased_on Date", "install", "install", "state"),
)


def statements(database: str, cluster: str) -> Iterator[str]:
    """What makes the tables, where they are not there; a cluster has macros `shard` and `replica`."""
    everywhere = f" ON CLUSTER {cluster}" if cluster else ""
    yield f"CREATE DATABASE IF NOT EXISTS {database}{everywhere}"
    for table in TABLES:
        if not cluster:
            yield created(database, table, f"ReplacingMergeTree({table.version})")
            continue
        place = f"'/clickhouse/tables/{{shard}}/{database}/{table.name}', '{{replica}}'"
        arguments = f"{place}, {table.version}" if table.version else place
        local = table._replace(name=f"{table.name}_local")
        yield created(database, local, f"ReplicatedReplacingMergeTree({arguments})", everywhere)
        yield (
            f"CREATE TABLE IF NOT EXISTS {database}.{table.name}{everywhere} ({table.columns})"
            f" ENGINE = Distributed({cluster}, {database}, {table.name}_local, {table.shard})"
        )


def created(database: str, table: Table, engine: str, where: str = "") -> str:
    partition = f" PARTITION BY {table.partition}" if table.partition else ""
    name = f"{database}.{table.name}"
    begun = f"CREATE TABLE IF NOT EXISTS {name}{where} ({table.columns})"
    return f"{begun} ENGINE = {engine}{partition} ORDER BY ({table.key})"
