"""A sorted list of texts in one piece of bytes: which number has a text, which text a number, which ones begin so."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from otumat_index.discover.search.engine.folder import Pieces

BLOCK = 64
"""Texts a block. Only the first text of each block is a Python object; a look-up splits one block."""


class Dictionary:
    """Sorted texts without line breaks."""

    def __init__(self, pieces: Pieces, offsets: NDArray[np.uint64], count: int) -> None:
        self.pieces = pieces
        self.offsets = offsets
        self.count = count
        self.block = lru_cache(maxsize=256)(self.read_block)
        self.heads = [self.read_block(number)[0] for number in range(len(offsets) - 1)]

    def read_block(self, number: int) -> list[bytes]:
        return self.pieces.read(int(self.offsets[number]), int(self.offsets[number + 1])).split(b"\n")[:-1]

    def find(self, text: str) -> int:
        """The number of a text, -1 when it is not there."""
        wanted = text.encode()
        at = self.place(wanted)
        return at if at < self.count and self.raw(at) == wanted else -1

    def place(self, wanted: bytes) -> int:
        """How many texts are before this one."""
        number = bisect_right(self.heads, wanted) - 1
        return 0 if number < 0 else number * BLOCK + bisect_left(self.block(number), wanted)

    def beginning(self, text: str) -> tuple[int, int]:
        """The numbers of all texts that begin so: from, until."""
        wanted = text.encode()
        return self.place(wanted), self.place(wanted + b"\xff")

    def raw(self, number: int) -> bytes:
        return self.block(number // BLOCK)[number % BLOCK]

    def text(self, number: int) -> str:
        """The text with a number."""
        return self.raw(number).decode()


def pack(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Sorted texts as bytes, and where each block begins; what `Dictionary` reads."""
    blocks = ["\n".join(texts[at : at + BLOCK]) + "\n" for at in range(0, len(texts), BLOCK)]
    encoded = [block.encode() for block in blocks]
    offsets = np.zeros(len(encoded) + 1, np.uint64)
    np.cumsum([len(block) for block in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets
