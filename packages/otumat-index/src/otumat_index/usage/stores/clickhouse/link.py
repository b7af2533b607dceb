"""The way to a server: SQL as text, answers and rows as JSON, so that every engine is told the same words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import local
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from otumat.errors import Invalid, Problem, Unreachable

PORT, PORT_TLS = 8123, 8443
TIMEOUT_S = 30
STEADY = {
    "load_balancing": "in_order",  # who writes to a shard and who reads it meet at the same replica
    "insert_distributed_sync": "1",  # an answer means that the shard has it
    "output_format_json_quote_64bit_integers": "0",
}
UNWAITED = {"mutations_sync": "0"}
"""A deletion that writes years of rows anew is not waited for; old servers never do, and do not know the word."""
PASSING = frozenset({32, 209, 210, 225, 242, 279, 319, 999})
"""Errors of a network, of a replica that lost its keeper, and of a copy that is not there yet."""
TOO_LONG = 159
Result = TypeVar("Result")


class Link(Protocol):
    """A server, or a library that is one."""

    def ask(self, query: str, *, anywhere: bool = False) -> list[list[Any]]:
        """Rows of a SELECT, in our database if not `anywhere`."""

    def do(self, statement: str, *, patience_s: int | None = None) -> None:
        """Anything that has no rows, and names its database; servers that are down do it when they are back."""

    def put(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, all in one block."""


@dataclass(frozen=True)
class Address:
    """`clickhouse://user:password@host:8123/database?cluster=NAME&also=host2:8123&secure=1`; settings may follow."""

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str = field(repr=False)
    database: str
    cluster: str = ""
    secure: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


def address_of(url: str) -> Address:
    """
    Read EVENTS_URL.

    Raises:
        Invalid: A name in it that is no plain word, or a port that is none.
    """
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    also = [text for texts in parse_qs(parts.query).get("also", ()) for text in texts.split(",") if text]
    secure = query.pop("secure", "") in ("1", "true")
    cluster, database = query.pop("cluster", ""), parts.path.strip("/") or "otumat"
    query.pop("also", None)
    try:
        found = [(parts.hostname or "localhost", parts.port or (PORT_TLS if secure else PORT))]
        for text in also:
            other = urlsplit(f"//{text}")
            found.append((other.hostname or "localhost", other.port or (PORT_TLS if secure else PORT)))
    except ValueError as exc:
        raise _bad("a port in it is no number") from exc
    if not database.isidentifier() or (cluster and not cluster.isidentifier()):
        raise _bad("database and cluster are plain words of letters, digits and _")
    user, password = unquote(parts.username or "default"), unquote(parts.password or "")
    return Address(tuple(found), user, password, database, cluster, secure, {**STEADY, **query})


def _bad(why: str) -> Invalid:
    return Invalid([Problem("events_url", "EVENTS_URL", f"EVENTS_URL names no ClickHouse: {why}.")])


class Server:
    """
    One of the servers of a cluster, by `clickhouse-connect`; the next when that one does not answer.

    Everything that is said may be said twice, so a question whose answer was lost is simply put to the next.
    """

    def __init__(self, address: Address, connect: Callable[[Address, str, int], Any] | None = None) -> None:
        self.address = address
        self._connect = connect or connected
        self._own = local()  # a client is for one thread

    def ask(self, query: str, *, anywhere: bool = False) -> list[list[Any]]:
        said = {"fmt": "JSONCompact", "settings": dict(self.address.settings), "use_database": not anywhere}
        rows: list[list[Any]] = json.loads(self._said(lambda client: client.raw_query(query, **said)))["data"]
        return rows

    def do(self, statement: str, *, patience_s: int | None = None) -> None:
        settings = dict(self.address.settings)
        if patience_s is not None:
            settings["distributed_ddl_task_timeout"] = str(patience_s)

        def say(client: Any) -> None:
            known = {name: value for name, value in UNWAITED.items() if name in client.server_settings}
            client.raw_query(statement, settings={**known, **settings}, use_database=False)

        try:
            self._said(say)
        except ClickHouseError as exc:
            if patience_s is None or code_of(exc) != TOO_LONG:
                raise

    def put(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            said = {"insert_block": lines(rows), "fmt": "JSONEachRow", "settings": dict(self.address.settings)}
            self._said(lambda client: client.raw_insert(f"{self.address.database}.{table}", list(rows[0]), **said))

    def _said(self, say: Callable[[Any], Result]) -> Result:
        failed: Exception | None = None
        for _ in range(2 * len(self.address.hosts)):
            try:
                return say(self._client())
            except ClickHouseError as exc:
                if not elsewhere(exc):
                    raise
                failed = exc
                self._own.client, self._own.turn = None, getattr(self._own, "turn", 0) + 1
        raise Unreachable("No ClickHouse server answers.", hint="Look at EVENTS_URL and at the servers.") from failed

    def _client(self) -> Any:
        if getattr(self._own, "client", None) is None:
            turn = getattr(self._own, "turn", 0)
            self._own.client = self._connect(self.address, *self.address.hosts[turn % len(self.address.hosts)])
        return self._own.client


def elsewhere(error: Exception) -> bool:
    """Whether another server may do what this one could not: it was not reached, or did not reach the others itself."""
    return isinstance(error, OperationalError) or code_of(error) in PASSING


def code_of(error: Exception) -> int:
    """ClickHouse's own number of an error; 0 for others."""
    found = re.search(r"Code: (\d+)", str(error))
    return int(found[1]) if found else 0


def connected(address: Address, host: str, port: int) -> Any:
    """A client of one server; it asks a few things at once, for which our database need not be there yet."""
    client = clickhouse_connect.get_client(
        host=host,
        port=port,
        username=address.user,
        password=address.password,
        secure=address.secure,
        autogenerate_session_id=False,
        connect_timeout=5,
        send_receive_timeout=TIMEOUT_S,
    )
    client.database = address.database
    return client


def lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """JSONEachRow; days as text."""
    return b"".join(json.dumps(row, default=str).encode() + b"\n" for row in rows)
