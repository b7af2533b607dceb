"""
One prepared answer: what is sent for one path in one format, plain and compressed. Pure, but for looking at a file's
size.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Format = Literal["html", "json", "raw"]
Header = tuple[str, str]

# 6 and not 9: on a 400 kB page level 9 takes 2.5 times as long for 2 % less.
GZIP_LEVEL = 6
# Below this a compressed answer saves no packet.
GZIP_FROM_BYTES = 512
PATH_LIMIT = 2048

_PATH = re.compile(r"/[!-\"$->@-~]*\Z")  # visible ASCII without '#' and '?'
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_VALUE = re.compile(r"[!-~](?:[ !-~]*[!-~])?\Z")
_DIGEST = re.compile(r"[0-9A-Za-z_-]{16,128}\Z")
# The lane sends these itself; a second one would contradict it.
_FRAMING = {"connection", "content-encoding", "content-length", "content-type", "transfer-encoding"}
_OWN = frozenset(_FRAMING | {"date", "etag", "server", "vary", "x-content-type-options"})

# "no-cache" is: keep it, but ask each time; the ETag makes asking cheap, and a new release shows at once.
_DEFAULTS: dict[Format, dict[str, str]] = {
    "html": {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    },
    "json": {"Cache-Control": "no-cache"},
    # A file's name is never reused, so its bytes never change; "private" projects never get here.
    "raw": {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    },
}


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What to send for one path in one format. Made by `prepare` (bytes) or `of_file` (a local file), never by hand.

    `digest` is the heart of the ETag; `size` the length of the plain body. Either `body` or `file` is set;
    `compressed` or `compressed_file` when there is a gzip form.
    """

    path: str
    format: Format
    content_type: str
    digest: str
    size: int
    headers: tuple[Header, ...]
    body: bytes | None = None
    compressed: bytes | None = None
    file: str | None = None
    compressed_file: str | None = None
    compressed_size: int | None = None


def prepare(
    path: str, body: bytes, *, content_type: str, format: Format, headers: Iterable[Header] = (), compress: bool = True
) -> Answer:
    """
    Prepare an answer whose bytes live in the store.

    Args:
        path: The path exactly as it stands in the request line, without a query (`/simple/otumat/`).
        format: "html" and "json" take part in content negotiation; "raw" answers whatever the client accepts.
        headers: More headers, or other values for Cache-Control and Content-Security-Policy.

    Raises:
        ValueError: The path or a header cannot stand in an HTTP message.
    """
    packed = gzip.compress(body, GZIP_LEVEL, mtime=0) if compress and len(body) >= GZIP_FROM_BYTES else None
    if packed is not None and len(packed) * 10 > len(body) * 9:
        packed = None
    digest = hashlib.sha256(body).hexdigest()[:40]
    return Answer(
        _path(path),
        format,
        *_described(content_type, digest),
        len(body),
        _headers(format, headers),
        body=body,
        compressed=packed,
        compressed_size=None if packed is None else len(packed),
    )


def of_file(
    path: str,
    file: Path,
    *,
    content_type: str,
    digest: str,
    format: Format = "raw",
    compressed_file: Path | None = None,
    headers: Iterable[Header] = (),
) -> Answer:
    """
    Prepare an answer whose bytes stay in a local file, which must never change under its name.

    Whoever calls has made sure that the file may be read by everybody; here it only has to be a regular file.

    Args:
        digest: 16 to 128 letters or digits that differ when the bytes differ, such as the file's SHA-256.
        compressed_file: The same bytes in gzip form.

    Raises:
        ValueError: The path, the digest or a header cannot stand in an HTTP message, or a file is not a regular one.
        OSError: A file cannot be looked at.
    """
    return Answer(
        _path(path),
        format,
        *_described(content_type, digest),
        _size(file),
        _headers(format, headers),
        file=str(file.absolute()),
        compressed_file=None if compressed_file is None else str(compressed_file.absolute()),
        compressed_size=None if compressed_file is None else _size(compressed_file),
    )


def _path(path: str) -> str:
    if len(path) > PATH_LIMIT or not _PATH.match(path):
        raise ValueError(f"{path[:80]!r} is no raw URL path. Give it as in the request line: quoted, without a query.")
    return path


def _described(content_type: str, digest: str) -> tuple[str, str]:
    if not _VALUE.match(content_type):
        raise ValueError(f"{content_type!r} is no content type.")
    if not _DIGEST.match(digest):
        raise ValueError(f"{digest!r} is no digest. Give 16 to 128 letters or digits, such as a SHA-256.")
    return content_type, digest


def _headers(format: Format, more: Iterable[Header]) -> tuple[Header, ...]:
    if format not in get_args(Format):
        raise ValueError(f"{format!r} is no format. Use one of {', '.join(get_args(Format))}.")
    headers = {name.lower(): (name, value) for name, value in _DEFAULTS[format].items()}
    for name, value in more:
        if not _NAME.match(name) or not _VALUE.match(value) or name.lower() in _OWN:
            raise ValueError(f"Header {name!r}: {value!r} cannot be sent with a prepared answer.")
        headers[name.lower()] = (name, value)
    return tuple(headers.values())


def _size(file: Path) -> int:
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{str(file)!r} is not a regular file.")
    return found.st_size
