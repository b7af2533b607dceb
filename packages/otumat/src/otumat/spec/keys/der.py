"""
Just enough of DER to read public keys, and only in the one encoding that DER allows for each value.

A reader that is lenient here lets two byte strings be the same key: then a key is counted twice, or revoked under one
name and used under another.
"""

from __future__ import annotations

INTEGER, BIT_STRING, NULL, OBJECT_ID, SEQUENCE = 0x02, 0x03, 0x05, 0x06, 0x30


class BadDer(ValueError):
    """The bytes are no DER, or not what was expected; the text says what is wrong."""


def read(data: bytes, tag: int, at: int = 0) -> tuple[bytes, int]:
    """
    The content of the element with this tag at `at`, and where the next one begins.

    Raises:
        BadDer: another tag, a length that is not the shortest form, or bytes missing.
    """
    if len(data) < at + 2 or data[at] != tag:
        raise BadDer(f"there is no element of kind {tag:#04x} at byte {at}")
    size, at = data[at + 1], at + 2
    if size >= 0x80:
        count = size & 0x7F
        raw = data[at : at + count]
        if not 1 <= count <= 4 or len(raw) != count or raw[0] == 0:
            raise BadDer("a length is not written as DER wants it")
        size, at = int.from_bytes(raw, "big"), at + count
        if size < 0x80:
            raise BadDer("a length is longer than it need be")
    if len(data) < at + size:
        raise BadDer("it is cut off")
    return data[at : at + size], at + size


def read_whole(data: bytes, tag: int) -> bytes:
    """The content of the one element that `data` is; nothing may stand behind it."""
    content, end = read(data, tag)
    if end != len(data):
        raise BadDer("there are bytes behind its end")
    return content


def read_unsigned(data: bytes, at: int = 0) -> tuple[int, int]:
    """A whole number, 0 or more, and where the next element begins."""
    raw, end = read(data, INTEGER, at)
    if not raw or raw[0] >= 0x80 or (len(raw) > 1 and raw[0] == 0 and raw[1] < 0x80):
        raise BadDer("a number is negative or not written as DER wants it")
    return int.from_bytes(raw, "big"), end


def written(tag: int, content: bytes) -> bytes:
    """An element."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    raw = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(raw)]) + raw + content


def written_unsigned(number: int) -> bytes:
    """A whole number, 0 or more."""
    return written(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))
