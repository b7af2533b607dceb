"""
The members of a tar stream, read the one way that every tar reader shares.

Header extensions are where readers differ (a pax size that contradicts the header's own hid whole archives from some of
them), so only those are accepted that cannot change what a member is: long names, times, owners, comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from otumat.spec.archive.findings import Findings, shown
from otumat.spec.archive.gzip_stream import GzipStream
from otumat.spec.archive.limits import Limits

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_CHECKSUM = slice(148, 156)
_KINDS: dict[bytes, Literal["file", "directory", "symlink", "hardlink"]] = {
    b"\0": "file",
    b"0": "file",
    b"7": "file",  # contiguous file, which is a plain file everywhere
    b"1": "hardlink",
    b"2": "symlink",
    b"5": "directory",
}
_DEVICES = {b"3": "a character device", b"4": "a block device", b"6": "a named pipe"}
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = b"x", b"g", b"L", b"K"
_HEADER_BYTES = 1024 * 1024
_PAX_RECORD = re.compile(rb"([1-9][0-9]{0,6}) ")
_SPARSE = ("GNU.sparse.", "SCHILY.realsize", "SUN.holesdata")
_REFUSED_GLOBALLY = frozenset({"path", "linkpath", "size", "hdrcharset"})


class Member(NamedTuple):
    """One member; `path` of a directory ends in '/', `target` is empty unless it is a link."""

    path: str
    kind: Literal["file", "directory", "symlink", "hardlink"]
    target: str
    size: int


class _Header(NamedTuple):
    kind: bytes
    path: bytes
    target: bytes
    size: int


def read_members(stream: GzipStream, findings: Findings, limits: Limits, kept: dict[str, bytes]) -> Iterator[Member]:
    """
    The members in their order; the content of `*/PKG-INFO` is put into `kept`.

    Raises:
        Unreadable: A broken header, or one that readers take differently.
    """
    count = 0
    while (header := _next_header(stream, findings)) is not None:
        extended: dict[str, str] = {}
        while header.kind in (_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK):
            _extend(extended, header, _read_content(stream, header.size, _HEADER_BYTES, findings), findings)
            following = _next_header(stream, findings)
            if following is None:
                if extended:
                    findings.stop(
                        "archive.tar_header", "The archive ends with a header for a member that is not there."
                    )
                return
            header = following
        count += 1
        if count > limits.members:
            findings.stop("archive.too_many", f"The archive has more than {limits.members} members.")
        member = _member(header, extended, findings)
        if member.path.count("/") == 1 and member.path.endswith("/PKG-INFO") and member.kind == "file":
            kept[member.path] = _read_content(stream, member.size, limits.metadata_bytes, findings)
        elif not stream.skip(_padded(member.size)):
            findings.stop("archive.truncated", f"The archive ends inside member {shown(member.path)}.")
        yield member


def _next_header(stream: GzipStream, findings: Findings) -> _Header | None:
    block = stream.read(_BLOCK)
    if not block or block == _ZEROS:
        if not stream.rest_is_zero():
            findings.stop("archive.trailing", "There is data behind the end of the tar archive.")
        return None
    digits = block[_CHECKSUM].strip(b" \0")
    if (
        len(block) < _BLOCK
        or not digits.isdigit()
        or _octal(digits) != sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")
    ):
        findings.stop("archive.tar_header", "The tar archive has a broken header, or is none at all.")
    path = _text(block[:100])
    if block[257:263] == b"ustar\0" and block[345] != 0:  # the prefix belongs to POSIX headers only
        path = _text(block[345:500]) + b"/" + path
    size = _number(block[124:136])
    if size is None:
        findings.stop("archive.tar_header", "The tar archive has a header with an unreadable size.")
    return _Header(block[156:157], path, _text(block[157:257]), size)


def _extend(extended: dict[str, str], header: _Header, content: bytes, findings: Findings) -> None:
    """Add to `extended` what a pax or GNU header says about the next member; said twice is refused."""
    if header.kind == _PAX:
        records = _pax_records(content, findings)
    elif header.kind == _PAX_GLOBAL:
        bad = _REFUSED_GLOBALLY.intersection(_pax_records(content, findings))
        if bad:
            findings.stop("archive.tar_header", f"A global pax header sets {sorted(bad)[0]!r} for all members.")
        return
    else:
        key = "path" if header.kind == _GNU_NAME else "linkpath"
        records = {key: _decoded(content.removesuffix(b"\0"), findings)}
    if extended.keys() & records.keys():
        findings.stop("archive.tar_header", f"Member {shown(header.path.decode('utf-8', 'replace'))} is named twice.")
    extended.update(records)


def _pax_records(content: bytes, findings: Findings) -> dict[str, str]:
    records: dict[str, str] = {}
    at = 0
    while at < len(content):
        match = _PAX_RECORD.match(content, at)
        end = at + int(match[1]) if match else 0
        key, equals, value = content[match.end() : end - 1].partition(b"=") if match else (b"", b"", b"")
        if not equals or content[end - 1 : end] != b"\n":
            findings.stop("archive.tar_header", "A pax header is malformed.")
        name = key.decode("utf-8", "backslashreplace")
        if name in records:
            findings.stop("archive.tar_header", f"A pax header sets {shown(name)} twice.")
        if name.startswith(_SPARSE):  # A13
            findings.stop("archive.sparse", "The archive has a sparse member, which unpacks to more than it holds.")
        records[name] = _decoded(value, findings) if name in ("path", "linkpath") else value.decode("utf-8", "replace")
        at = end
    return records


def _member(header: _Header, extended: dict[str, str], findings: Findings) -> Member:
    path = extended["path"] if "path" in extended else _decoded(header.path, findings)
    target = extended["linkpath"] if "linkpath" in extended else _decoded(header.target, findings)
    if "\0" in path or "\0" in target:
        findings.stop("archive.name_control", f"Member {shown(path)} has a NUL in its name.")
    if header.kind in _DEVICES:  # A14
        findings.stop("archive.device", f"Member {shown(path)} is {_DEVICES[header.kind]}.")
    if header.kind == b"S":
        findings.stop("archive.sparse", f"Member {shown(path)} is sparse: it unpacks to more than it holds.")
    kind = _KINDS.get(header.kind)
    if kind is None:
        findings.stop("archive.tar_type", f"Member {shown(path)} is of type {header.kind!r}, which is not accepted.")
    if extended.get("size", str(header.size)) != str(header.size):
        findings.stop("archive.tar_header", f"Member {shown(path)} has two sizes, one of them in a pax header.")
    if "hdrcharset" in extended:
        findings.stop("archive.name_encoding", f"Member {shown(path)} changes the encoding of names.")
    if kind == "file" and path.endswith("/") and not header.size:
        kind = "directory"  # before 1988, directories were files with a slash at the end
    if kind != "file" and header.size:
        findings.stop("archive.tar_header", f"Member {shown(path)} is a {kind} and has content.")
    if kind == "directory":
        path = path.rstrip("/") + "/"
    return Member(path, kind, target if kind in ("symlink", "hardlink") else "", header.size)


def _read_content(stream: GzipStream, size: int, most: int, findings: Findings) -> bytes:
    if size > most:
        findings.stop("archive.too_large", f"A header or PKG-INFO has {size} bytes; at most {most} are accepted.")
    content = stream.read(_padded(size))
    if len(content) < _padded(size):
        findings.stop("archive.truncated", "The archive ends inside a header or PKG-INFO.")
    return content[:size]


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _decoded(raw: bytes, findings: Findings) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "backslashreplace")
        findings.add("archive.name_encoding", f"Member {shown(name)} has a name that is not UTF-8.")
        return name


def _number(field: bytes) -> int | None:
    """A size: octal digits, or (GNU) a binary number marked by its first byte; None when it is neither."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    return _octal(field.strip(b" \0"))


def _octal(digits: bytes) -> int | None:
    return None if digits.strip(b"01234567") else int(digits or b"0", 8)
