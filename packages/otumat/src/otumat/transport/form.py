"""Forms that are written while they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    Progress = Callable[[int, int], None]

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class FilePart:
    """A file field of a form. `file` is read from its beginning, `size_bytes` of it."""

    name: str
    filename: str
    file: BinaryIO
    size_bytes: int


class Form:
    """
    A multipart/form-data body (RFC 7578) that is written while it is sent: files are never held in memory.

    Iterating yields the body in pieces and may be done again; `size_bytes` is known beforehand.
    """

    def __init__(
        self, fields: list[tuple[str, str]], files: list[FilePart] | None = None, *, progress: Progress | None = None
    ) -> None:
        from secrets import token_hex

        self.fields = fields
        self.files = files or []
        self.progress = progress
        self._boundary = token_hex(16)
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    @property
    def size_bytes(self) -> int:
        fields = sum(len(self._field(name, value)) for name, value in self.fields)
        files = sum(len(self._head(part.name, part.filename)) + part.size_bytes + 2 for part in self.files)
        return fields + files + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        total, sent = self.size_bytes, 0
        for piece in self._pieces():
            yield piece
            sent += len(piece)
            if self.progress is not None:
                self.progress(sent, total)

    def _pieces(self) -> Iterator[bytes]:
        yield b"".join(self._field(name, value) for name, value in self.fields)
        for part in self.files:
            yield self._head(part.name, part.filename)
            yield from _exactly(part)
            yield b"\r\n"
        yield self._end

    def _field(self, name: str, value: str) -> bytes:
        return self._head(name) + value.encode() + b"\r\n"

    def _head(self, name: str, filename: str | None = None) -> bytes:
        lines = [f"--{self._boundary}", f'Content-Disposition: form-data; name="{_quoted(name)}"']
        if filename is not None:
            lines[-1] += f'; filename="{_quoted(filename)}"'
            lines.append("Content-Type: application/octet-stream")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _exactly(part: FilePart) -> Iterator[bytes]:
    """The promised number of bytes of a file, or an error: a body shorter than announced would hang the other side."""
    part.file.seek(0)
    left = part.size_bytes
    while left:
        piece = part.file.read(min(CHUNK_BYTES, left))
        if not piece:
            raise Conflict(
                f"{part.filename} became shorter while it was sent.", code="file.changed", hint="Send it again."
            )
        left -= len(piece)
        yield piece


def _quoted(text: str) -> str:
    """A name or filename inside quotes, as browsers write it (WHATWG HTML, multipart/form-data encoding algorithm)."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
