"""
What marshal wrote, taken apart without making any object of it: `marshal.loads` of a stranger's bytes may crash Python.

Two dumps of one code object differ in what they tell once and refer to later, by how often something happened to be
referred to at the time. `canonical` undoes that: equal values give equal texts.

Source: CPython, `Python/marshal.c`, versions 4 and 5 (Python 3.11 to 3.14).
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FLAG_REF = 0x80
_MOST_DEPTH, _MOST_VALUES = 400, 2_000_000
_PLAIN = {ord("N"): "None", ord("F"): "False", ord("T"): "True", ord("S"): "StopIteration", ord("."): "Ellipsis"}
_TEXTS = {ord("u"): 4, ord("t"): 4, ord("a"): 4, ord("A"): 4, ord("z"): 1, ord("Z"): 1}
_COUNTED = {ord("("): 4, ord(")"): 1, ord("["): 4, ord("<"): 4, ord(">"): 4}
_KINDS = {ord("("): "tuple", ord(")"): "tuple", ord("["): "list", ord("<"): "set", ord(">"): "frozenset"}
# argcount, posonlyargcount, kwonlyargcount, stacksize, flags; then values; then firstlineno; then two values.
_CODE_NUMBERS, _CODE_BEFORE, _CODE_FILENAME, _CODE_AFTER = 5, 8, 5, 2


class Unreadable(ValueError):
    """The bytes are not what marshal writes."""


def canonical(data: bytes) -> Any:
    """
    The value as nested tuples, names of source files left out: they are of no consequence but for tracebacks, and of
    the machine that compiled it.

    Errors:
        Unreadable: whatever is wrong with the bytes.
    """
    reader = _Reader(data)
    try:
        value = reader.value(0)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise Unreadable("it is cut off or damaged") from None
    if reader.at != len(data):
        raise Unreadable("there are bytes behind its end")
    return value


class _Reader:
    __slots__ = ("at", "data", "left", "refs")

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.left = data, 0, _MOST_VALUES
        self.refs: list[Any] = []

    def value(self, depth: int) -> Any:
        self.left -= 1
        if depth > _MOST_DEPTH or self.left < 0:
            raise Unreadable("it is nested too deeply or too large")
        kind = self.data[self.at]
        self.at += 1
        if kind == ord("r"):
            return self._referred()
        kept = -1
        if kind & _FLAG_REF:
            kind &= ~_FLAG_REF & 0xFF
            kept = len(self.refs)
            self.refs.append(None)
        value = self._value(kind, depth)
        if kept >= 0:
            self.refs[kept] = (value,)
        return value

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _PLAIN:
            return ("singleton", _PLAIN[kind])
        if kind == ord("i"):
            return ("int", self.number())
        if kind == ord("l"):
            count = self.number()
            return ("long", count, self.taken(2 * abs(count)))
        if kind == ord("g"):
            return ("float", self.taken(8))
        if kind == ord("y"):
            return ("complex", self.taken(16))
        if kind == ord("s"):
            return ("bytes", self.taken(self.number()))
        if kind in _TEXTS:
            size = self.number() if _TEXTS[kind] == 4 else self.taken(1)[0]
            return ("str", self.taken(size))
        if kind in _COUNTED:
            return self._several(kind, depth)
        if kind == ord(":"):
            return ("slice", *(self.value(depth + 1) for _ in range(3)))
        if kind == ord("c"):
            return self._code(depth)
        raise Unreadable(f"it holds a value of the unknown kind {kind}")

    def _several(self, kind: int, depth: int) -> Any:
        count = self.number() if _COUNTED[kind] == 4 else self.taken(1)[0]
        if not 0 <= count <= len(self.data):
            raise Unreadable("a count is impossible")
        values = [self.value(depth + 1) for _ in range(count)]
        if kind in (ord("<"), ord(">")):  # their order is that of hashes, which differ from process to process
            values.sort(key=repr)
        return (_KINDS[kind], *values)

    def _code(self, depth: int) -> Any:
        numbers = self.taken(4 * _CODE_NUMBERS)
        before = [self.value(depth + 1) for _ in range(_CODE_BEFORE)]
        if before[_CODE_FILENAME][0] != "str":
            raise Unreadable("a code object names no file")
        before[_CODE_FILENAME] = ("file",)
        line = self.taken(4)
        return ("code", numbers, *before, line, *(self.value(depth + 1) for _ in range(_CODE_AFTER)))

    def _referred(self) -> Any:
        number = self.number()
        if not 0 <= number < len(self.refs) or self.refs[number] is None:
            raise Unreadable("it refers to what is not there")
        return self.refs[number][0]

    def number(self) -> int:
        return int(struct.unpack("<i", self.taken(4))[0])

    def taken(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        if size < 0 or len(piece) != size:
            raise Unreadable("it is cut off or damaged")
        self.at += size
        return piece
