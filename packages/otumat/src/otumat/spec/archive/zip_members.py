"""
The members of a zip: each local header says what the central directory says, and the content is what both say.

Members are gone through in the order of their bytes, so a gap, an overlap or a header nobody lists cannot hide.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, Protocol

from otumat.spec.archive.findings import Findings, shown
from otumat.spec.archive.limits import Limits
from otumat.spec.archive.window import Window
from otumat.spec.archive.zip_directory import (
    DEFLATED,
    DESCRIPTOR,
    ENCRYPTED,
    FULL32,
    STORED,
    BadExtra,
    Entry,
    resolve_zip64,
)

_LOCAL = struct.Struct("<4s5H3L2H")  # APPNOTE 4.3.7
_DESCRIPTOR_MAGIC = b"PK\7\x08"
# Members up to this size are unpacked in one call; larger ones flow through in pieces, so memory stays bounded.
_PIECE = 1024 * 1024


class Taker(Protocol):
    """A digest, or whatever else takes in bytes."""

    def update(self, data: bytes, /) -> object: ...


class Contents(NamedTuple):
    """What was learned by unpacking: digests by member name, and the bytes of the few members asked for."""

    digests: dict[str, bytes]
    kept: dict[str, bytes]


def check_sizes(entries: Collection[Entry], findings: Findings, limits: Limits, *, file_bytes: int) -> None:
    """
    Refuse a bomb by what it declares (A13), before anything is unpacked; unpacking stops at the declared size.

    Raises:
        Unreadable: It would unpack to more than the limits allow.
    """
    total = sum(entry.size for entry in entries)
    if total > limits.unpacked_bytes:
        findings.stop(
            "archive.too_large", f"The archive unpacks to {total} bytes; at most {limits.unpacked_bytes} are accepted."
        )
    if total > limits.ratio_from_bytes and total > limits.ratio * file_bytes:
        findings.stop("archive.ratio", f"The archive unpacks to more than {limits.ratio} times its size.")
    for entry in entries:
        if entry.size > limits.ratio_from_bytes and entry.size > limits.ratio * entry.packed:
            findings.stop(
                "archive.ratio", f"Member {shown(entry.name)} unpacks to more than {limits.ratio} times its size."
            )


def read_members(
    window: Window,
    entries: list[Entry],
    ends: int,
    findings: Findings,
    *,
    algorithms: Mapping[str, str] | None,
    keep: Collection[str],
    beside: Mapping[str, Taker] | None = None,
) -> Contents:
    """
    Check every member's header and content, once, in the order of their bytes.

    Args:
        entries: Sorted by offset, as `read_directory` returns them.
        ends: Where the central directory begins, hence where the last member must end.
        algorithms: Name of the digest to take of each member, `sha256` for those not in it; None takes none.
        keep: Names of the members whose content is wanted.
        beside: What takes in the members of these names as well, piece by piece.

    Raises:
        Unreadable: Bytes between, before or inside members belong to no member or to several (A4 to A7).
    """
    contents = Contents({}, {})
    position = 0
    for index, entry in enumerate(entries):
        following = entries[index + 1].offset if index + 1 < len(entries) else ends
        if entry.offset != position:
            _tell_gap(entry, position, findings)
        data_at, wide = _check_local(window, entry, findings)
        position = data_at + entry.packed
        if entry.flags & DESCRIPTOR:
            position += _check_descriptor(window, entry, position, following, findings, wide=wide)
        if position > ends:
            findings.stop("archive.zip_layout", f"Member {shown(entry.name)} runs into the central directory.")
        digest = None if algorithms is None else hashlib.new(algorithms.get(entry.name, "sha256"))
        kept: list[bytes] | None = [] if entry.name in keep else None
        takers: list[Taker] = [digest] if digest is not None else []
        takers += [beside[entry.name]] if beside and entry.name in beside else []
        if _unpack(window, entry, data_at, takers, kept, findings):
            if kept is not None:
                contents.kept[entry.name] = b"".join(kept)
            if digest is not None:
                contents.digests[entry.name] = digest.digest()
    if position != ends:
        findings.stop("archive.zip_layout", "There are bytes between the last member and the central directory.")
    return contents


def read_member(window: Window, entry: Entry) -> bytes | None:
    """The content of one small member, None when it does not unpack to its declared size; nothing is recorded."""
    try:
        content = b"".join(member_pieces(window, entry))
    except (zlib.error, ValueError):
        return None
    return content if len(content) == entry.size else None


def member_pieces(window: Window, entry: Entry) -> Iterator[bytes]:
    """The content of one member piece by piece; ValueError or zlib.error when it does not unpack."""
    header = window.at(entry.offset, _LOCAL.size)
    if len(header) < _LOCAL.size:
        raise ValueError("the file ends inside it")
    yield from _pieces(window, entry, entry.offset + _LOCAL.size + sum(_LOCAL.unpack(header)[9:]))


def _tell_gap(entry: Entry, position: int, findings: Findings) -> None:
    if entry.offset < position:
        findings.stop(
            "archive.overlap",
            f"Member {shown(entry.name)} begins inside the member before it, or both share one header.",
        )
    if position == 0:
        findings.stop("archive.prefix", f"There are {entry.offset} bytes before the first member.")
    findings.stop(
        "archive.gap",
        f"There are {entry.offset - position} bytes before member {shown(entry.name)} that the central directory does "
        "not know; a reader that starts at the front sees other members there.",
    )


def _check_local(window: Window, entry: Entry, findings: Findings) -> tuple[int, bool]:
    """
    Compare the local header of `entry` with its directory entry (A4, A5, A8).

    Returns:
        Where the data begins, and whether the header is of the zip64 kind, whose descriptor has sizes of 8 bytes.
    """
    header = window.at(entry.offset, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
        findings.stop("archive.local_header", f"Member {shown(entry.name)} has no local header where it should be.")
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack(header)
    variable = window.at(entry.offset + _LOCAL.size, name_size + extra_size)
    if variable[:name_size] != entry.raw_name:
        other = variable[:name_size].decode("utf-8", "backslashreplace")
        findings.add("archive.local_header", f"Member {shown(entry.name)} is named {shown(other)} in its local header.")
    wide = FULL32 in (packed, size)
    if extra_size or wide:
        try:
            size, packed = resolve_zip64(variable[name_size:], (size, packed))
        except BadExtra as bad:
            findings.stop("archive.extra", f"Member {shown(entry.name)} has {bad} in its local header.")
    told = (flags, method, crc, packed, size)
    listed = (entry.flags, entry.method, entry.crc, entry.packed, entry.size)
    if told != listed and not (entry.flags & DESCRIPTOR and told == (entry.flags, entry.method, 0, 0, 0)):
        findings.add(
            "archive.local_header",
            f"Member {shown(entry.name)} has another {_differences(told, listed)} in its local header than in the "
            "central directory.",
        )
    return entry.offset + _LOCAL.size + name_size + extra_size, wide


def _differences(told: tuple[int, ...], listed: tuple[int, ...]) -> str:
    names = ("flags", "method", "checksum", "packed size", "size")
    return ", ".join(name for name, a, b in zip(names, told, listed, strict=True) if a != b)


def _check_descriptor(window: Window, entry: Entry, at: int, following: int, findings: Findings, *, wide: bool) -> int:
    """
    Check the data descriptor behind a member that was written as a stream (A9); return its length.

    A reader that streams must find the end of the data by itself: deflate marks it, stored data does not. And it must
    tell the descriptor's four forms apart: with or without signature, sizes of 4 or 8 bytes.
    """
    if entry.method == STORED and entry.size:
        findings.add(
            "archive.descriptor",
            f"Member {shown(entry.name)} is stored with its size behind it: a streaming reader cannot find its end.",
        )
    length = following - at
    form = window.at(at, length) if length in (12, 16, 20, 24) else b""
    said = struct.pack("<LQQ" if wide else "<LLL", entry.crc, entry.packed, entry.size)
    unsigned = said if not said.startswith(_DESCRIPTOR_MAGIC) else b""  # else it could be read either way
    if not form or form not in (_DESCRIPTOR_MAGIC + said, unsigned):
        findings.stop(
            "archive.descriptor",
            f"Member {shown(entry.name)} is not followed by a data descriptor that repeats its sizes and checksum.",
        )
    return length


def _unpack(
    window: Window,
    entry: Entry,
    data_at: int,
    takers: list[Taker],
    kept: list[bytes] | None,
    findings: Findings,
) -> bool:
    """Unpack one member through its checksum, into `takers` and `kept`; whether it is what the zip declares."""
    if entry.method not in (STORED, DEFLATED) or entry.flags & ENCRYPTED:
        return False
    crc = size = 0
    try:
        for piece in _pieces(window, entry, data_at):
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            for taker in takers:
                taker.update(piece)
            if kept is not None:
                kept.append(piece)
    except (zlib.error, ValueError) as error:
        findings.add("archive.content", f"Member {shown(entry.name)} cannot be unpacked: {error}.")
        return False
    if size != entry.size:
        findings.add("archive.content", f"Member {shown(entry.name)} unpacks to another size than {entry.size} bytes.")
    elif crc != entry.crc:
        findings.add("archive.content", f"Member {shown(entry.name)} does not have the checksum the zip declares.")
    return size == entry.size and crc == entry.crc


def _pieces(window: Window, entry: Entry, data_at: int) -> Iterator[bytes]:
    """The content of a member piece by piece, at most one byte more than it declares; ValueError when it is cut off."""
    if entry.method == STORED:
        yield from _raw_pieces(window, data_at, entry.packed)
    elif entry.method == DEFLATED:
        yield from _inflated_pieces(window, data_at, entry)


def _raw_pieces(window: Window, at: int, size: int) -> Iterator[bytes]:
    while size > 0:
        piece = window.at(at, min(size, _PIECE))
        if not piece:
            raise ValueError("the file ends inside it")
        yield piece
        at += len(piece)
        size -= len(piece)


def _inflated_pieces(window: Window, at: int, entry: Entry) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    room = entry.size + 1  # one byte more than declared tells a member that lies about its size
    for packed in _raw_pieces(window, at, entry.packed):
        if inflater.eof:
            raise ValueError("there are bytes behind its end")
        for piece in inflate(inflater, packed, _PIECE, room):
            room -= len(piece)
            yield piece
        if not room:
            return
    if not inflater.eof:
        raise ValueError("its data is cut off")
    if inflater.unused_data:
        raise ValueError("there are bytes behind its end")


def inflate(inflater: zlib._Decompress, packed: bytes, most: int, room: int) -> Iterator[bytes]:
    """What `packed` adds to a deflated stream, in pieces of at most `most` bytes and `room` bytes in all."""
    while room:
        asked = min(room, most)
        piece = inflater.decompress(packed, asked)
        if piece:
            yield piece
        room -= len(piece)
        packed = inflater.unconsumed_tail
        # A piece as long as asked may have more behind it in the inflater, even when all input is taken.
        if inflater.eof or (not packed and len(piece) < asked):
            return
