"""A gzip file read forward once, with every unpacked byte counted."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from otumat.spec.archive.findings import Findings
from otumat.spec.archive.limits import Limits
from otumat.spec.archive.window import Window
from otumat.spec.archive.zip_members import inflate

_PIECE = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class GzipStream:
    """
    The unpacked bytes of a gzip file, front to back.

    Every read may raise `Unreadable`: the data is broken, or unpacks to more than the limits allow (A13).
    """

    __slots__ = ("_at", "_buffer", "_findings", "_limits", "_pieces", "unpacked")

    def __init__(self, window: Window, findings: Findings, limits: Limits) -> None:
        self._findings = findings
        self._limits = limits
        self._buffer = b""
        self._at = 0
        self._pieces = self._unpack(window)
        self.unpacked = 0

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end."""
        if len(self._buffer) - self._at >= size:
            self._at += size
            return self._buffer[self._at - size : self._at]
        parts = [self._buffer[self._at :]]
        missing = size - len(parts[0])
        while missing and self._fill():
            parts.append(self._buffer[:missing])
            self._at = len(parts[-1])
            missing -= self._at
        return b"".join(parts)

    def skip(self, size: int) -> bool:
        """Go `size` bytes on; False when the stream ends before."""
        while size > len(self._buffer) - self._at:
            size -= len(self._buffer) - self._at
            if not self._fill():
                return False
        self._at += size
        return True

    def rest_is_zero(self) -> bool:
        """Read to the end; whether nothing but zeros was there."""
        clean = not self._buffer[self._at :].strip(b"\0")
        while self._fill():
            clean = clean and not self._buffer.strip(b"\0")
        return clean

    def _fill(self) -> bool:
        self._buffer, self._at = next(self._pieces, b""), 0
        return bool(self._buffer)

    def _unpack(self, window: Window) -> Iterator[bytes]:
        inflater = zlib.decompressobj(_GZIP)
        try:
            for at in range(0, window.size, _PIECE):
                if inflater.eof:
                    self._tell_trailing()
                for piece in inflate(inflater, window.at(at, _PIECE), _PIECE, self._limits.unpacked_bytes + 1):
                    self._count(piece, window.size)
                    yield piece
        except zlib.error as error:
            self._findings.stop("archive.gzip", f"The gzip data is broken: {error}.")
        if not inflater.eof:
            self._findings.stop("archive.truncated", "The gzip data is cut off.")
        if inflater.unused_data:
            self._tell_trailing()

    def _tell_trailing(self) -> None:
        self._findings.stop(
            "archive.trailing", "There are bytes behind the gzip data; readers disagree on whether they count."
        )

    def _count(self, piece: bytes, packed: int) -> None:
        self.unpacked += len(piece)
        limits = self._limits
        if self.unpacked > limits.unpacked_bytes:
            self._findings.stop("archive.too_large", f"The archive unpacks to more than {limits.unpacked_bytes} bytes.")
        if self.unpacked > limits.ratio_from_bytes and self.unpacked > limits.ratio * packed:
            self._findings.stop("archive.ratio", f"The archive unpacks to more than {limits.ratio} times its size.")
