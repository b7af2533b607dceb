"""Writing XML-RPC answers, piece by piece, so that a long one need not be held twice. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from xml.sax.saxutils import escape

LINES_AT_ONCE = 1_000
NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What no XML 1.0 document can hold (section 2.2), escaped or not."""

ChangedRow = tuple[str, str | None, int, str, int]
"""Project, version if there is one, seconds since 1970, what was done, serial."""


def serials(of: Iterable[tuple[str, int]]) -> Iterator[bytes]:
    """A struct of names and serials. Names are normalised: no character of theirs needs escaping."""
    members = (f"<member><name>{name}</name><value><int>{serial}</int></value></member>\n" for name, serial in of)
    return document(chain(["<struct>\n"], members, ["</struct>"]))


def changes(rows: Iterable[ChangedRow]) -> Iterator[bytes]:
    """An array of rows, each an array of five."""
    return document(chain(["<array><data>\n"], (change(*row) for row in rows), ["</data></array>"]))


def change(name: str, version: str | None, at: int, action: str, serial: int) -> str:
    """One row; without a version it has a nil, as clients expect."""
    told = "<nil/>" if version is None else f"<string>{text(version)}</string>"
    return (
        f"<value><array><data><value><string>{name}</string></value><value>{told}</value><value><int>{at}</int></value>"
        f"<value><string>{text(action)}</string></value><value><int>{serial}</int></value></data></array></value>\n"
    )


def integer(value: int) -> bytes:
    return b"".join(document([f"<int>{value}</int>"]))


def fault(code: int, message: str) -> str:
    """The answer to a call that has no result."""
    members: Mapping[str, str] = {"faultCode": f"<int>{code}</int>", "faultString": f"<string>{text(message)}</string>"}
    told = "".join(f"<member><name>{name}</name><value>{value}</value></member>" for name, value in members.items())
    value = f"<fault><value><struct>{told}</struct></value></fault>"
    return f'<?xml version="1.0"?>\n<methodResponse>\n{value}\n</methodResponse>\n'


def text(given: str) -> str:
    """Text as XML can hold it."""
    return escape(NOT_XML.sub("\ufffd", given))


def document(value: Iterable[str]) -> Iterator[bytes]:
    """An answer with one value, in pieces of many lines."""
    yield b'<?xml version="1.0"?>\n<methodResponse>\n<params><param>\n<value>'
    lines = iter(value)
    while piece := "".join(islice(lines, LINES_AT_ONCE)):
        yield piece.encode("utf-8", "replace")
    yield b"</value>\n</param></params>\n</methodResponse>\n"
