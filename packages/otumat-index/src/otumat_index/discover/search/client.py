"""A web worker's side: one kept connection a thread, short patience, and None whenever somebody else must answer."""

from __future__ import annotations

import logging
import socket
import threading
import time
from array import array
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any

from django.conf import settings

from otumat_index.discover.search import wire
from otumat_index.discover.search.asked import Query
from otumat_index.discover.search.found import Found
from otumat_index.discover.search.state import BUILDING, OFF, READY, State

log = logging.getLogger(__name__)
PATIENCE_S = 2.0
BEHIND_MAX = 20_000
"""Changes that the searcher may not know of yet; beyond that, an import is under way and SQL knows better."""
SILENT_MAX_S = 10.0
"""Since the searcher last heard from the journal; longer means that it has lost the catalogue."""
PAUSE_S = 0.5
"""After a failure to connect, or no answer in time: pages that come meanwhile do not even try."""


@dataclass(slots=True)
class Connection:
    """To the searcher, with the names of classifiers it told."""

    socket: socket.socket
    nodes: list[str] = field(default_factory=list)
    version: str = ""


_kept = threading.local()
_pause = {"until": 0.0}


def socket_path() -> Path:
    """Where the searcher listens."""
    path: Path = settings.CONFIG.search_path / "searcher.sock"
    return path


def ask(query: Query, *, sees: frozenset[int], rows: int, place: str, counts: bool, at: int) -> Found | None:
    """The searcher's answer; None when there is no searcher, or it does not know enough."""
    about = {"sees": sorted(sees), "rows": rows, "place": place, "counts": counts, "at": at}
    told = exchange({"ask": wire.query_as_told(query), **about})
    if told is None or state_of(told[0]).kind != READY:
        return None
    answer, numbers, nodes = told
    return Found(
        total=answer["total"],
        ids=tuple(answer["ids"]),
        next=answer["next"],
        previous=answer["previous"],
        counts=named(nodes, numbers),
        suggestion=answer["suggestion"],
        serial=answer["serial"],
    )


def describe() -> State:
    """How the searcher is."""
    told = exchange({})
    return state_of(told[0]) if told is not None else State(OFF)


def state_of(told: dict[str, Any]) -> State:
    is_late = told["behind"] > BEHIND_MAX or told["silent_s"] > SILENT_MAX_S
    kind = READY if told["ready"] and not is_late else BUILDING
    return State(kind, told["fraction"], told["serial"], told["projects"])


def named(nodes: list[str], numbers: bytes) -> dict[str, int]:
    """Counts by classifier, those with any."""
    counts = array("I")
    counts.frombytes(numbers)
    return dict(zip(compress(nodes, counts), filter(None, counts), strict=True))


def exchange(question: dict[str, Any]) -> tuple[dict[str, Any], bytes, list[str]] | None:
    """A question to the searcher and its answer, with the names of its counts; None when it cannot be reached."""
    for _ in range(2):  # a kept connection may have ended with a searcher that was started again since
        is_kept = hasattr(_kept, "connection")
        connection = kept()
        if connection is None:
            return None
        try:
            wire.send(connection.socket, {**question, "nodes": connection.version})
            answer, numbers = wire.receive(connection.socket, most=wire.ANSWER_MAX_BYTES)
        except (OSError, wire.Broken) as exc:
            forget()
            if is_kept and not isinstance(exc, TimeoutError):
                continue
            _pause["until"] = time.monotonic() + PAUSE_S
            log.warning("The searcher did not answer: %s", exc or type(exc).__name__)
            return None
        if "nodes" in answer:
            connection.nodes, connection.version = answer["nodes"], answer["version"]
        if "failed" in answer:
            return None
        return answer, numbers, connection.nodes
    return None


def kept() -> Connection | None:
    """This thread's connection, made when there is none; None while the searcher is not to be reached."""
    if time.monotonic() < _pause["until"]:
        return None
    found: Connection | None = getattr(_kept, "connection", None)
    if found is None:
        try:
            found = _kept.connection = Connection(connect())
        except OSError:
            _pause["until"] = time.monotonic() + PAUSE_S
    return found


def connect() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(PATIENCE_S)
    try:
        with wire.Address(socket_path()) as address:
            made.connect(address)
    except OSError:
        made.close()
        raise
    return made


def forget() -> None:
    """End this thread's connection."""
    found: Connection | None = getattr(_kept, "connection", None)
    if found is not None:
        found.socket.close()
        del _kept.connection
