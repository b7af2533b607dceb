"""Random access to the bytes of an archive, whole in memory when it is small."""

from __future__ import annotations

from typing import BinaryIO

# Below this the whole file is read once: slicing bytes is some ten times cheaper than seek and read.
WHOLE_BELOW = 1024 * 1024


class Window:
    """A seekable binary file seen as a sequence of bytes; reads past the end come back shorter, never raise."""

    __slots__ = ("_file", "_whole", "size")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        self._whole: bytes | None = None
        if self.size <= WHOLE_BELOW:
            file.seek(0)
            self._whole = file.read(self.size)

    def at(self, offset: int, size: int) -> bytes:
        """The `size` bytes from `offset` on, fewer where the file ends; both 0 or more."""
        if self._whole is not None:
            return self._whole[offset : offset + size]
        if offset >= self.size:
            return b""
        self._file.seek(offset)
        return self._file.read(size)
