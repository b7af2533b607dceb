"""
The same archive with some members replaced or added: every other byte is copied as it lies there.

Members keep their compressed bytes, their order, their times and their attributes. What is replaced stays at its place;
what is new comes right before RECORD, with RECORD's time, so that the same wheel and keys give the same archive.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import struct
import zlib
from base64 import urlsafe_b64encode

from otumat.errors import Invalid, Problem
from otumat.spec.archive.zip_directory import FULL32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from otumat.spec.vouching.wheel import Wheel

_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_DEFLATED, _UTF8, _UNIX_3_0, _NEEDED = 8, 0x0800, 3 << 8 | 30, 20
_PIECE = 1024 * 1024


def record_with(record: bytes, changed: Mapping[str, bytes], record_path: str) -> bytes:
    """RECORD with the rows of these members in place of theirs, or before its own row; all other lines as they are."""
    end = b"\r\n" if record.endswith(b"\r\n") else b"\n"
    rows = {path: _row(path, data) for path, data in changed.items()}
    lines: list[bytes] = []
    place = None
    for line in record.decode("utf-8").splitlines(keepends=True):
        path = next(csv.reader([line]), [""])[0]
        if path == record_path:
            place = len(lines)
        if path in rows:
            lines.append(rows.pop(path) + end)
        else:
            lines.append(line.encode("utf-8") if line.endswith("\n") else line.encode("utf-8") + end)
    place = len(lines) if place is None else place
    lines[place:place] = [row + end for row in rows.values()]
    return b"".join(lines)


def write(wheel: Wheel, source: BinaryIO, changed: Mapping[str, bytes], path: str, *, mode: int) -> None:
    """
    Write the archive beside `path`, make it durable, and put it there at once.

    Args:
        changed: Content by name of the members to be replaced or added; RECORD is one of them.
    """
    scratch = f"{path}.{os.urandom(8).hex()}"
    try:
        with os.fdopen(
            os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode), "wb", 0
        ) as to:
            _Rewriting(wheel, source, to).run(dict(changed))
            os.fsync(to.fileno())
        os.chmod(scratch, mode)
        os.replace(scratch, path)
    finally:
        if os.path.lexists(scratch):
            os.unlink(scratch)


class _Rewriting:
    def __init__(self, wheel: Wheel, source: BinaryIO, to: io.FileIO | BinaryIO) -> None:
        self.wheel, self.source, self.to = wheel, source, to
        self.record_path = f"{wheel.dist_info}/RECORD"
        self.central = dict(_central_entries(source, wheel))
        self.offsets: dict[str, int] = {}
        self.added: dict[str, bytes] = {}
        self.at = 0

    def run(self, changed: dict[str, bytes]) -> None:
        ends = [entry.offset for entry in self.wheel.entries[1:]] + [self.wheel.directory_at]
        new = {name: data for name, data in changed.items() if name not in self.central}
        run_begin = run_end = 0
        for entry, end in zip(self.wheel.entries, ends, strict=True):
            content = changed.get(entry.name)
            if content is None:
                # Members next to each other are copied in one call.
                self.offsets[entry.name] = self.at + (entry.offset - run_begin)
                run_end = end
                continue
            self._copy(run_begin, run_end)
            run_begin = run_end = end
            if entry.name == self.record_path:
                for name, data in new.items():
                    self._add(name, data)
            self._add(entry.name, content)
        self._copy(run_begin, run_end)
        self._finish()

    def _copy(self, begin: int, end: int) -> None:
        if end <= begin:
            return
        copy_file_range = getattr(os, "copy_file_range", None)
        at = begin
        while at < end:
            done = 0
            if copy_file_range is not None:
                try:
                    done = copy_file_range(self.source.fileno(), self.to.fileno(), end - at, at)
                except OSError:  # not between these two file systems
                    copy_file_range = None
            if not done:
                self.source.seek(at)
                piece = self.source.read(min(end - at, _PIECE))
                if not piece:
                    raise OSError(f"{self.wheel.filename} became shorter while it was being read")
                self.to.write(piece)
                done = len(piece)
            at += done
        self.at += end - begin

    def _add(self, name: str, data: bytes) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(data) + packer.flush()
        raw = name.encode()
        record = _ENTRY.unpack(self.central[self.record_path][: _ENTRY.size])
        flags = 0 if name.isascii() else _UTF8
        shared = (flags, _DEFLATED, record[5], record[6], zlib.crc32(data), len(packed), len(data), len(raw))
        self.offsets[name] = self.at
        local = _LOCAL.pack(b"PK\3\4", _NEEDED, *shared, 0) + raw
        self.to.write(local + packed)
        self.at += len(local) + len(packed)
        # Attributes as RECORD has them: mode and, with that, who may read it.
        self.added[name] = (
            _ENTRY.pack(b"PK\1\2", record[1] or _UNIX_3_0, _NEEDED, *shared, 0, 0, 0, record[14], record[15], 0) + raw
        )

    def _finish(self) -> None:
        table: list[bytes] = []
        for name, raw in self.central.items():
            if name == self.record_path:
                table += [self._placed(new, self.added[new]) for new in self.added if new not in self.central]
            table.append(self._placed(name, self.added.get(name, raw)))
        directory = b"".join(table)
        end = _END.pack(b"PK\5\6", 0, 0, len(table), len(table), len(directory), self.at, 0)
        self.to.write(directory + end)

    def _placed(self, name: str, raw: bytes) -> bytes:
        return raw[:42] + self.offsets[name].to_bytes(4, "little") + raw[46:]


def _central_entries(source: BinaryIO, wheel: Wheel) -> Iterator[tuple[str, bytes]]:
    source.seek(wheel.directory_at)
    table, at = source.read(), 0
    for _ in wheel.entries:
        fields = _ENTRY.unpack(table[at : at + _ENTRY.size])
        end = at + _ENTRY.size + fields[10] + fields[11] + fields[12]
        if fields[16] == FULL32:
            told = f"{wheel.filename} is of the zip64 kind, which is not rewritten. Build it without."
            raise Invalid([Problem("wheel.zip64", "content", told)], message=told)
        yield table[at + _ENTRY.size : at + _ENTRY.size + fields[10]].decode(), table[at:end]
        at = end


def _row(path: str, data: bytes) -> bytes:
    digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([path, f"sha256={digest}", len(data)])
    return text.getvalue().encode()
