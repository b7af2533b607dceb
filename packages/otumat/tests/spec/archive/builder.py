"""
A writer of zips, wheels and tars that does not know right from wrong.

Every byte can be chosen: a `Zipped` says separately what goes into the local header, the data and the central
directory; `zip_bytes` puts them together with anything before, between and behind. Left alone, the result is what good
tools write.

    zip_bytes([Zipped("a.txt", b"hello"), Zipped("b.txt", b"x", local={"crc": 0})], suffix=b"junk")
    wheel({"demo/__init__.py": b""})             # a right wheel, with RECORD
    sdist([Tarred("demo-1.0/PKG-INFO", PKG_INFO), Tarred("demo-1.0/pipe", type=b"6")])
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

WHEEL_NAME = "demo-1.0-py3-none-any.whl"
SDIST_NAME = "demo-1.0.tar.gz"
INFO = "demo-1.0.dist-info"
METADATA = b"Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n\nName: not a header\n"
PKG_INFO = METADATA
WHEEL = b"Wheel-Version: 1.0\nGenerator: builder\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
FULL32 = 0xFFFFFFFF


@dataclass
class Zipped:
    """
    One member of a zip.

    Attributes:
        packed: The bytes in the archive; deflated or stored `content` by default.
        local, central: What the local header or the central entry says instead of the truth, by field name:
            flags, method, crc, packed, size, name, extra; central only: offset, comment, mode, system, disk, needed.
        descriptor: Bytes behind the data.
        before: Bytes before the local header.
    """

    name: str | bytes
    content: bytes = b""
    method: int = 8
    packed: bytes | None = None
    local: dict[str, object] = field(default_factory=dict)
    central: dict[str, object] = field(default_factory=dict)
    descriptor: bytes = b""
    before: bytes = b""
    in_directory: bool = True
    in_body: bool = True

    def truth(self) -> dict[str, object]:
        name = self.name.encode() if isinstance(self.name, str) else self.name
        return {
            "name": name,
            "flags": 0 if name.isascii() else 0x800,
            "method": self.method,
            "crc": zlib.crc32(self.content),
            "packed": len(self.data()),
            "size": len(self.content),
            "extra": b"",
        }

    def data(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.content) if self.method == 8 else self.content

    def local_bytes(self) -> bytes:
        f = self.truth() | self.local
        numbers = (
            20,
            f["flags"],
            f["method"],
            0,
            33,
            f["crc"],
            f["packed"],
            f["size"],
            len(f["name"]),
            len(f["extra"]),
        )
        return b"PK\3\4" + struct.pack("<5H3L2H", *numbers) + f["name"] + f["extra"] + self.data() + self.descriptor

    def central_bytes(self, offset: int) -> bytes:
        extras = {"offset": offset, "comment": b"", "mode": 0o100644, "system": 3, "disk": 0, "needed": 20}
        f = self.truth() | extras | self.central
        numbers = (f["system"] << 8 | 20, f["needed"], f["flags"], f["method"], 0, 33, f["crc"], f["packed"], f["size"])
        sizes = (len(f["name"]), len(f["extra"]), len(f["comment"]), f["disk"], 0, f["mode"] << 16, f["offset"])
        return (
            b"PK\1\2"
            + struct.pack("<6H3L", *numbers)
            + struct.pack("<5H2L", *sizes)
            + f["name"]
            + f["extra"]
            + f["comment"]
        )


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def zip_bytes(
    members: list[Zipped],
    *,
    prefix: bytes = b"",
    between: bytes = b"",
    suffix: bytes = b"",
    comment: bytes = b"",
    shift: int | None = None,
    end: dict[str, int] | None = None,
    zip64: dict[str, int] | None = None,
) -> bytes:
    """
    A zip of `members`.

    Args:
        prefix, between, suffix: Bytes before all, between members and central directory, and behind all.
        shift: Added to all offsets; by default the length of `prefix`, which is what a careful forger writes.
        end: What the end record says instead of the truth: disk, count, here, size, offset, comment_size.
        zip64: When given, zip64 end records are written, too, with these lies: count, here, size, offset, rest, place.
    """
    shift = len(prefix) if shift is None else shift
    body = b""
    directory = b""
    for member in members:
        offset = len(body) + len(member.before)
        if member.in_body:
            body += member.before + member.local_bytes()
        if member.in_directory:
            directory += member.central_bytes(offset + shift)
    body += between
    count = sum(member.in_directory for member in members)
    truth = {"disk": 0, "here": count, "count": count, "size": len(directory), "offset": len(body) + shift}
    far = b"" if zip64 is None else _end64(truth | zip64, len(prefix) + len(body) + len(directory))
    f = truth | {"comment_size": len(comment)} | (end or {})
    near = struct.pack("<4H2LH", f["disk"], 0, f["here"], f["count"], f["size"], f["offset"], f["comment_size"])
    return prefix + body + directory + far + b"PK\5\6" + near + comment + suffix


def _end64(f: dict[str, int], place: int) -> bytes:
    rest = f.get("rest", 44)
    record = struct.pack("<Q2H2L4Q", rest, 45, 45, 0, 0, f["here"], f["count"], f["size"], f["offset"])
    return b"PK\6\6" + record + b"PK\6\7" + struct.pack("<LQL", 0, f.get("place", place), 1)


def record_row(name: str, content: bytes, algorithm: str = "sha256") -> str:
    digest = urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
    return f'"{name}",{algorithm}={digest},{len(content)}\n'


def wheel_files(
    files: dict[str, bytes] | None = None, *, info: str = INFO, record: str | None = None
) -> dict[str, bytes]:
    """The files of a right wheel, RECORD last; a value of None in `files` leaves that file out, RECORD included."""
    every = {"demo/__init__.py": b"print('hi')\n" * 20, f"{info}/METADATA": METADATA, f"{info}/WHEEL": WHEEL} | (
        files or {}
    )
    present = {name: content for name, content in every.items() if content is not None}
    if f"{info}/RECORD" not in every:
        rows = "".join(record_row(name, content) for name, content in present.items()) + f"{info}/RECORD,,\n"
        present[f"{info}/RECORD"] = (rows if record is None else record).encode()
    return present


def wheel_members(files: dict[str, bytes] | None = None, **options: object) -> list[Zipped]:
    return [Zipped(name, content) for name, content in wheel_files(files, **options).items()]


def wheel(files: dict[str, bytes] | None = None, **options: object) -> bytes:
    return zip_bytes(wheel_members(files, **options))


@dataclass
class Tarred:
    """One member of a tar; `header` overrides bytes of its block by offset, `size` is what the header says."""

    name: str | bytes
    content: bytes = b""
    type: bytes = b"0"
    target: str | bytes = b""
    size: int | None = None
    header: dict[int, bytes] = field(default_factory=dict)
    checksum: bytes | None = None

    def block(self) -> bytes:
        block = bytearray(512)
        size = len(self.content) if self.size is None else self.size
        values = {
            0: _raw(self.name)[:100],
            100: b"0000644\0",
            124: b"%011o\0" % size,
            136: b"00000000000\0",
            148: b" " * 8,
            156: self.type,
            157: _raw(self.target)[:100],
            257: b"ustar\x0000",
        }
        for at, value in (values | self.header).items():
            block[at : at + len(value)] = value
        block[148:156] = self.checksum or b"%06o\0 " % sum(block)
        return bytes(block)

    def bytes(self) -> bytes:
        return self.block() + self.content + bytes(-len(self.content) % 512)


def pax(records: dict[str, str | bytes], type: bytes = b"x") -> Tarred:
    """A pax header for the next member, or with type `g` for all."""
    content = b"".join(pax_record(key, value) for key, value in records.items())
    return Tarred("PaxHeader", content, type=type)


def pax_record(key: str, value: str | bytes) -> bytes:
    text = b" " + key.encode() + b"=" + _raw(value) + b"\n"
    length = len(text) + 1
    while len(str(length)) + len(text) != length:
        length = len(str(length)) + len(text)
    return str(length).encode() + text


def tar(members: list[Tarred], *, end: bytes = bytes(1024)) -> bytes:
    return b"".join(member.bytes() for member in members) + end


def sdist(extra: list[Tarred] | None = None, *, end: bytes = bytes(1024)) -> bytes:
    """A right sdist of demo 1.0, followed by `extra` members."""
    right = [
        Tarred("demo-1.0/", type=b"5"),
        Tarred("demo-1.0/PKG-INFO", PKG_INFO),
        Tarred("demo-1.0/demo.py", b"pass\n"),
    ]
    return gzip.compress(tar(right + (extra or []), end=end), mtime=0)


def _raw(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
