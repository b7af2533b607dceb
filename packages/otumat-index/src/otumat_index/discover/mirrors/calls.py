"""
Reading an XML-RPC call defensively: only what a call of ours can look like is taken, element by element. Pure.

There is no document type, hence no entity to expand and nothing to fetch (A69); no arrays or structs, for no method
takes any; no more than a few elements, five deep.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from xml.parsers import expat

MAX_BODY_BYTES = 4_096
MAX_PARAMS = 8
MAX_DIGITS = 18
"""A whole number of so many digits fits into 64 bits, whatever they are."""

# The faults' numbers of the XML-RPC interoperability specification.
NOT_WELL_FORMED, NO_CALL, NO_METHOD, BAD_PARAMETERS, NOT_NOW = -32700, -32600, -32601, -32602, -32500

VALUE = ("methodCall", "params", "param", "value")
INTEGERS = frozenset(("int", "i4", "i8"))
GRAMMAR = {
    *(VALUE[:depth] for depth in range(1, 5)),
    ("methodCall", "methodName"),
    *((*VALUE, kind) for kind in (*INTEGERS, "string")),
}


class Fault(Exception):
    """A call that gets no result; told to the client as XML-RPC tells it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Call(NamedTuple):
    """A method's name and its parameters."""

    method: str
    params: tuple[int | str, ...]


def read_call(body: bytes) -> Call:
    """
    Read a `methodCall` document.

    Raises:
        Fault: It is none, or has what no call of ours needs.
    """
    if len(body) > MAX_BODY_BYTES:
        raise Fault(NO_CALL, f"A call here has {MAX_BODY_BYTES} bytes at most.")
    reader = Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as exc:  # also encodings that there are not
        raise Fault(NOT_WELL_FORMED, f"The call is not well-formed XML: {exc}.") from None
    if not reader.method:
        raise Fault(NO_CALL, "The call names no method.")
    return Call(reader.method, tuple(reader.params))


def refuse_doctype(*_: Any) -> None:
    raise Fault(NO_CALL, "A call has no document type.")


class Reader:
    """Where in the document we are, and what was read so far."""

    def __init__(self) -> None:
        self.path: tuple[str, ...] = ()
        self.method = ""
        self.params: list[int | str] = []
        self.told: list[str] = []
        self.kind = "string"

    def begin(self, name: str, _: dict[str, str]) -> None:
        self.path = (*self.path, name)
        if self.path not in GRAMMAR:
            raise Fault(NO_CALL, f"A call has no <{name[:40]}> here; parameters are numbers or strings.")
        if len(self.params) == MAX_PARAMS:
            raise Fault(BAD_PARAMETERS, "No method takes so many parameters.")
        self.told.clear()
        self.kind = "string" if name == "value" else name if self.path[:-1] == VALUE else self.kind

    def text(self, data: str) -> None:
        self.told.append(data)

    def end(self, name: str) -> None:
        if name == "methodName":
            self.method = "".join(self.told).strip()
        elif name == "value":
            text = "".join(self.told)
            self.params.append(number(text) if self.kind in INTEGERS else text)
        if self.path[:-1] != VALUE:  # a typed value's text is its value's
            self.told.clear()
        self.path = self.path[:-1]


def number(text: str) -> int:
    """A whole number."""
    digits = text.strip().removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise Fault(BAD_PARAMETERS, f"{text[:40]!r} is no whole number of up to {MAX_DIGITS} digits.")
    return -int(digits) if text.strip().startswith("-") else int(digits)
