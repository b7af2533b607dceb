"""
The table of contents of a zip: where it must lie, and what each of its entries may say.

A zip can be read from its end (pip, zipfile) or from its start (streaming installers), and the format lets the two
disagree: CVE-2025-54368 installed one thing with uv and another with pip from the same bytes. Here only the one
layout that every reader understands alike is accepted: members from byte 0 on without gaps, the central directory
right behind them, the end record right behind that, and nothing else.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from otumat.spec.archive.findings import Findings, shown
from otumat.spec.archive.limits import Limits
from otumat.spec.archive.window import Window

# APPNOTE 4.3.12, 4.3.14 to 4.3.16
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\5\6"
_FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF

STORED, DEFLATED = 0, 8
_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstandard", 95: "xz", 98: "PPMd"}
ENCRYPTED, DESCRIPTOR, UTF8 = 0x0001, 0x0008, 0x0800
_FLAGS_ALLOWED = 0x0006 | DESCRIPTOR | UTF8  # 0x0006: how hard deflate tried
_EXTRA_ZIP64 = 0x0001
_EXTRAS_REFUSED = {
    0x7075: "a second name (Unicode Path)",
    0x6375: "a second comment (Unicode Comment)",
    0x0017: "encryption",
    0x9901: "encryption",
}
_NEWEST = 63  # APPNOTE 4.4.3: version 6.3, and what zipfile reads
_UNIX = 3
_TYPE_MASK, _FILE, _DIRECTORY, _SYMLINK = 0o170000, 0o100000, 0o040000, 0o120000


class Entry(NamedTuple):
    """
    One member as the central directory has it; `packed` and `size` are bytes, zip64 resolved; `mode` is Unix's, or 0.
    """

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int = 0

    @property
    def is_executable(self) -> bool:
        """Whether installers will make the file executable."""
        return self.mode & _TYPE_MASK == _FILE and bool(self.mode & 0o111)

    @property
    def is_directory(self) -> bool:
        """Zip knows directories by the slash at the end of their name."""
        return self.name.endswith("/")


class End(NamedTuple):
    """What the end records say about the central directory, and where they begin."""

    members: int
    size: int
    offset: int
    begins: int


class BadExtra(ValueError):
    """An extra field that readers would understand differently; the text says what is wrong with it."""


def read_directory(window: Window, findings: Findings, limits: Limits) -> tuple[list[Entry], int]:
    """
    Read the central directory.

    Returns:
        Its entries sorted by the place of their local header, and the offset where it begins.

    Raises:
        Unreadable: It is not where, or not what, it must be; the findings say why.
    """
    end = _read_end(window, findings)
    if end.offset + end.size != end.begins:
        findings.stop(
            "archive.zip_layout",
            f"The central directory ends at byte {end.offset + end.size}, but its end record begins at {end.begins}: "
            "bytes are hidden before the first member or behind the directory.",
        )
    if end.members > limits.members:
        findings.stop(
            "archive.too_many", f"The archive has {end.members} members; at most {limits.members} are accepted."
        )
    if end.size > limits.listing_bytes:
        findings.stop("archive.too_large", f"The central directory is larger than {limits.listing_bytes} bytes.")
    entries = _read_entries(window.at(end.offset, end.size), end.members, findings)
    return sorted(entries, key=lambda entry: entry.offset), end.offset


def _read_end(window: Window, findings: Findings) -> End:
    place = _find_end(window, findings)
    _, disk, directory_disk, here, count, size, offset, comment_size = _END.unpack(window.at(place, _END.size))
    comment = window.at(place + _END.size, comment_size)
    if b"PK" in comment:  # A11
        findings.add("archive.comment", "The archive's comment holds zip records.")
    if disk or directory_disk or here != count:
        findings.stop("archive.zip_layout", "The zip says it is split over several disks.")
    short = End(count, size, offset, place)
    locator = window.at(place - _LOCATOR.size, _LOCATOR.size) if place >= _LOCATOR.size else b""
    if locator.startswith(b"PK\6\7"):
        return _read_end64(window, short, locator, findings)
    if count == _FULL16 or FULL32 in (size, offset):
        findings.stop("archive.zip64", "The end record points to a zip64 record that is not there.")
    return short


def _find_end(window: Window, findings: Findings) -> int:
    """The offset of the one end record; A7: no other record in reach of a reader may look like it."""
    first = max(0, window.size - _END.size - _FULL16)
    tail = window.at(first, window.size - first)
    places = [
        match.start()
        for match in re.finditer(re.escape(_END_MAGIC), tail)
        if match.start() + _END.size + int.from_bytes(tail[match.start() + 20 : match.start() + 22], "little")
        == len(tail)
    ]
    if not places:
        if _END_MAGIC in tail:
            findings.stop("archive.trailing", "There are bytes behind the end of the zip.")
        findings.stop("archive.not_zip", "The file is not a zip archive, or its end is missing.")
    if len(places) > 1:
        findings.stop("archive.second_end", "The zip has a second end record: readers may disagree on its members.")
    return first + places[0]


def _read_end64(window: Window, short: End, locator: bytes, findings: Findings) -> End:
    """A8: the zip64 records must lie directly before the end record and agree with it."""
    _, disk, place, disks = _LOCATOR.unpack(locator)
    begins = short.begins - _LOCATOR.size - _END64.size
    record = window.at(begins, _END64.size) if begins >= 0 else b""
    if disk or disks > 1 or place != begins or len(record) < _END64.size or not record.startswith(b"PK\6\6"):
        findings.stop("archive.zip64", "The zip64 locator does not point to a zip64 record right before it.")
    _, rest, _, _, disk, directory_disk, here, count, size, offset = _END64.unpack(record)
    if rest != _END64.size - 12:  # the size of the record without its signature and this field
        findings.stop("archive.zip64", "The zip64 end record has another length than 56 bytes.")
    if disk or directory_disk or here != count:
        findings.stop("archive.zip64", "The zip64 end record says the zip is split over several disks.")
    pairs = ((short.members, count, _FULL16), (short.size, size, FULL32), (short.offset, offset, FULL32))
    if any(said not in (long, full) for said, long, full in pairs):
        findings.stop("archive.zip64", "The zip64 end record and the end record disagree.")
    return End(count, size, offset, begins)


def _read_entries(table: bytes, count: int, findings: Findings) -> list[Entry]:
    entries: list[Entry] = []
    at = 0
    while at < len(table):
        fields = table[at : at + _ENTRY.size]
        if len(fields) < _ENTRY.size or not fields.startswith(b"PK\1\2"):
            findings.stop("archive.zip_layout", f"Entry {len(entries) + 1} of the central directory is broken.")
        if len(entries) == count:
            findings.stop("archive.zip_layout", f"The central directory has more than the {count} entries it declares.")
        unpacked = _ENTRY.unpack(fields)
        name_at = at + _ENTRY.size
        at = name_at + unpacked[10] + unpacked[11] + unpacked[12]
        if at > len(table):
            findings.stop("archive.zip_layout", f"Entry {len(entries) + 1} of the central directory is cut off.")
        entries.append(_read_entry(unpacked, table[name_at:at], findings))
    if len(entries) != count:
        findings.stop("archive.zip_layout", f"The central directory declares {count} entries and has {len(entries)}.")
    return entries


def _read_entry(fields: tuple[int, ...], variable: bytes, findings: Findings) -> Entry:
    made_by, needed, flags, method = fields[1:5]
    crc, packed, size = fields[7:10]
    name_size, extra_size, comment_size, disk, _, mode, offset = fields[10:]
    raw_name = variable[:name_size]
    name = _decode_name(raw_name, flags, findings)
    if comment_size:  # A11
        findings.add("archive.comment", f"Member {shown(name)} has a comment in the central directory.")
    if disk:
        findings.add("archive.zip_layout", f"Member {shown(name)} says it is on another disk.")
    if needed > _NEWEST:
        findings.add("archive.flags", f"Member {shown(name)} asks for a newer zip reader than there is.")
    if extra_size or FULL32 in (packed, size, offset):
        try:
            size, packed, offset = resolve_zip64(variable[name_size : name_size + extra_size], (size, packed, offset))
        except BadExtra as bad:
            findings.stop("archive.extra", f"Member {shown(name)} has {bad} in the central directory.")
    unix_mode = mode >> 16 if made_by >> 8 == _UNIX else 0
    entry = Entry(name, raw_name, flags, method, crc, packed, size, offset, unix_mode)
    _check_entry(entry, unix_mode & _TYPE_MASK, findings)
    return entry


def _decode_name(raw: bytes, flags: int, findings: Findings) -> str:
    """A10: a name is UTF-8 and says so, or it is ASCII; everything else is read differently by every tool."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "backslashreplace")
        findings.add("archive.name_encoding", f"Member {shown(name)} has a name that is not UTF-8.")
        return name
    if not flags & UTF8 and not raw.isascii():
        findings.add("archive.name_encoding", f"Member {shown(name)} has a name outside ASCII without the UTF-8 flag.")
    return name


def _check_entry(entry: Entry, file_type: int, findings: Findings) -> None:
    name = entry.name
    if entry.method not in (STORED, DEFLATED):  # A12
        method = _METHODS.get(entry.method, f"number {entry.method}")
        findings.add(
            "archive.method",
            f"Member {shown(name)} is packed with {method}; installers read only stored and deflated members.",
        )
    if entry.flags & ENCRYPTED:
        findings.add("archive.encrypted", f"Member {shown(name)} is encrypted.")
    elif entry.flags & ~_FLAGS_ALLOWED:
        findings.add(
            "archive.flags", f"Member {shown(name)} uses zip features {entry.flags:#06x} that are not accepted."
        )
    if file_type == _SYMLINK:  # A14
        findings.add("archive.link", f"Member {shown(name)} is a symbolic link; installers would write it as a file.")
    elif file_type not in (0, _FILE, _DIRECTORY):
        findings.add("archive.device", f"Member {shown(name)} is neither a file nor a directory.")
    if entry.is_directory and entry.size:
        findings.add("archive.directory", f"Member {shown(name)} is named like a directory but has content.")


def resolve_zip64(extra: bytes, said: tuple[int, ...]) -> tuple[int, ...]:
    """
    The true values of `said` (unpacked size, packed size and, in the central directory, offset).

    A value of 0xFFFFFFFF stands in the zip64 extra field instead, in this order (APPNOTE 4.5.3). Some writers put all
    values there whether needed or not; that is accepted when nothing in it contradicts the header.

    Raises:
        BadExtra: Malformed, doubled or refused extra fields, or values that can be read in two ways (A8, A10).
    """
    field = _split_extra(extra).get(_EXTRA_ZIP64)
    if field is None:
        if FULL32 in said:
            raise BadExtra("a size or offset that needs a zip64 field, but no such field")
        return said
    if len(field) % 8:
        raise BadExtra("a zip64 field of impossible length")
    numbers = tuple(int.from_bytes(field[at : at + 8], "little") for at in range(0, len(field), 8))
    missing = [value == FULL32 for value in said]
    if 2 <= len(numbers) <= len(said) and not any(missing[len(numbers) :]):
        in_place = numbers + said[len(numbers) :]
        if all(gap or a == b for gap, a, b in zip(missing, in_place, said, strict=True)):
            return in_place
    # Both sizes stand in a local header's field; a packed size alone is read as the other one by careless readers.
    if len(said) > 2 and len(numbers) == sum(missing) and missing[0] >= missing[1]:
        left = iter(numbers)
        return tuple(next(left) if gap else value for gap, value in zip(missing, said, strict=True))
    raise BadExtra("a zip64 field that does not fit its header")


def _split_extra(extra: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        kind, size = int.from_bytes(extra[at : at + 2], "little"), int.from_bytes(extra[at + 2 : at + 4], "little")
        at += 4 + size
        if at > len(extra):
            raise BadExtra("a malformed extra field")
        if kind in _EXTRAS_REFUSED:
            raise BadExtra(_EXTRAS_REFUSED[kind])
        if kind in fields:
            raise BadExtra("the same extra field twice")
        fields[kind] = extra[at - size : at]
    return fields
