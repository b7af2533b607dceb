"""A part of a file, as who looks into a wheel without loading it asks for. Source: RFC 9110, section 14."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

CHUNK_BYTES = 64 * 1024
# No file has a size of more digits; a number that no database or disk knows is none that is asked for.
_ONE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*\Z", re.IGNORECASE | re.ASCII)


class Range(NamedTuple):
    """Bytes from `first` to `last`, both included; none when `last` is below `first`."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return max(0, self.last + 1 - self.first)


def asked(header: str, size: int) -> Range | None:
    """
    What a Range header asks of a file of so many bytes.

    Returns:
        None for the whole file: what is no range, or several, may be ignored, and is (A72). An empty range (14.1.2)
        where the file has nothing of what was asked for.

    >>> asked("bytes=2-", 10), asked("bytes=-3", 10), asked("bytes=0-0,5-6", 10), asked("bytes=10-", 10)
    (Range(first=2, last=9), Range(first=7, last=9), None, Range(first=10, last=9))
    """
    match = _ONE.match(header)
    if match is None:
        return None
    first, last = match[1], match[2]
    if not first:
        return Range(max(0, size - int(last)), size - 1) if last else None
    if last and int(last) < int(first):
        return None
    return Range(int(first), min(int(last or size), size - 1))


class Part:
    """Bytes of an open file; ends with them, and closes it."""

    def __init__(self, file: BinaryIO, part: Range) -> None:
        self._file = file
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._part.first)
        left = self._part.size
        while left and (piece := self._file.read(min(left, CHUNK_BYTES))):
            left -= len(piece)
            yield piece

    def close(self) -> None:
        self._file.close()
