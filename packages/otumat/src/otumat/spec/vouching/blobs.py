"""What git names one member of a wheel, and what otumat 0.3 named it, taken in piece by piece."""

from __future__ import annotations

import codecs

from otumat.spec.digest import blob_hasher


class Blob:
    """
    A member on its way through.

    Attributes:
        is_text: Whether it is UTF-8 without CR so far; 0.3 had no name of its own for anything else.
        characters: How many there were.
    """

    __slots__ = ("_decoder", "_hasher", "characters", "is_text")

    def __init__(self, size_bytes: int) -> None:
        self._hasher, self._decoder = blob_hasher(size_bytes), codecs.getincrementaldecoder("utf-8")()
        self.is_text, self.characters = True, 0

    def update(self, piece: bytes) -> None:
        """The next piece; nothing is done any more with what is no text."""
        if not self.is_text:
            return
        try:
            self.characters += len(self._decoder.decode(piece))
        except UnicodeDecodeError:
            self.is_text = False
        self.is_text = self.is_text and b"\r" not in piece
        self._hasher.update(piece)

    def hexdigest(self) -> str:
        """What git names it."""
        return self._hasher.hexdigest()
