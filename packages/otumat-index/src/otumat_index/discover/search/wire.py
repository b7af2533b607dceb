"""
What web workers and the searcher say to each other: frames over a Unix domain socket in the data folder.

A frame is two lengths, JSON, and raw numbers behind it (the counts, which as JSON would cost more than the search).
Both sides bound what they read. Plain values only: nothing here can name code.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otumat_index.discover.search.asked import Order, Query, Term

LENGTHS = struct.Struct("!II")
QUESTION_MAX_BYTES = 1 << 20
ANSWER_MAX_BYTES = 8 << 20
ADDRESS_MAX_BYTES = 100


class Broken(Exception):
    """The other side went away, or said what no side of ours says."""


def send(connection: socket.socket, told: Mapping[str, Any], numbers: bytes = b"") -> None:
    connection.sendall(packed(told, numbers))


def packed(told: Mapping[str, Any], numbers: bytes = b"") -> bytes:
    text = json.dumps(told, separators=(",", ":")).encode()
    return LENGTHS.pack(len(text), len(numbers)) + text + numbers


def receive(connection: socket.socket, *, most: int) -> tuple[dict[str, Any], bytes]:
    """
    One frame.

    Raises:
        Broken: It ends early, is larger than `most` bytes, or is no JSON object.
        TimeoutError: It takes longer than the connection's timeout.
    """
    text_bytes, number_bytes = LENGTHS.unpack(exactly(connection, LENGTHS.size))
    if text_bytes + number_bytes > most:
        raise Broken(f"A frame of {text_bytes + number_bytes} bytes.")
    told = parsed(exactly(connection, text_bytes))
    return told, exactly(connection, number_bytes)


def parsed(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise Broken("A frame that is no JSON.") from exc
    if not isinstance(told, dict):
        raise Broken("A frame that is no object.")
    return told


def exactly(connection: socket.socket, count: int) -> bytes:
    room = bytearray(count)
    view, got = memoryview(room), 0
    while got < count:
        some = connection.recv_into(view[got:])
        if not some:
            raise Broken("The other side is gone.")
        got += some
    return bytes(room)


def query_as_told(query: Query) -> dict[str, Any]:
    """A question as JSON."""
    terms = [[term.field, list(term.values), term.negated] for term in query.terms]
    return {"terms": terms, "order": query.order.value, "typing": query.is_typing}


def query_of(told: Mapping[str, Any]) -> Query:
    """The same back; ValueError, KeyError or TypeError when it is none."""
    terms = tuple(Term(str(field), tuple(map(str, values)), bool(negated)) for field, values, negated in told["terms"])
    return Query(terms, Order(told["order"]), bool(told["typing"]))


class Address:
    """
    A socket's path as the system takes it: one too long for it goes by way of an open folder (Linux).

    Use it in a `with`; the text is good until its end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = -1

    def __enter__(self) -> str:
        if len(os.fsencode(self.path)) <= ADDRESS_MAX_BYTES:
            return str(self.path)
        self.folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self.folder}/{self.path.name}"

    def __exit__(self, *_: object) -> None:
        if self.folder >= 0:
            os.close(self.folder)
