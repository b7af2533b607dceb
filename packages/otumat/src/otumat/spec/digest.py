"""
The value that git gives a folder, computed without git, and the other digests a signature is made over.

Pure; standard library only. `listing_digest` is `git ls-files -s FOLDER | git hash-object --stdin`: one line per file
(mode, blob, stage, name) in the order of whole names as bytes, names quoted as git quotes them. Contents are the bytes
as they lie there: no filter, no line-end conversion, no attribute and no ignore file takes part.
"""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

REGULAR, EXECUTABLE, LINK = "100644", "100755", "120000"
EMPTY_LISTING_DIGEST = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
"""What git says of nothing. A signature over it would vouch for everything that cannot be found: never accepted."""

_ESCAPES = {7: b"a", 8: b"b", 9: b"t", 10: b"n", 11: b"v", 12: b"f", 13: b"r", 34: b'"', 92: b"\\"}
_QUOTED = frozenset([*range(32), 34, 92, *range(127, 256)])


def blob_hasher(size_bytes: int) -> hashlib._Hash:
    """A SHA-1 that has taken in what git puts before a blob of this size."""
    return hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)


def blob_digest(data: bytes) -> str:
    """
    The name git gives these bytes, 40 hexadecimal digits.

    >>> blob_digest(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    hasher = blob_hasher(len(data))
    hasher.update(data)
    return hasher.hexdigest()


def quoted(path: bytes) -> bytes:
    r"""
    A file name as git prints it (`core.quotePath` at its default): in quotes, C-style, when it holds anything special.

    >>> quoted(b"pkg/a b.py"), quoted("pkg/é.py".encode())
    (b'pkg/a b.py', b'"pkg/\\303\\251.py"')
    """
    if _QUOTED.isdisjoint(path):
        return path
    return b'"' + b"".join(_quoted_byte(byte) for byte in path) + b'"'


def listing(lines: Iterable[tuple[bytes, str, str]]) -> bytes:
    """
    What `git ls-files -s` prints of these files.

    Args:
        lines: (path with '/', mode as git writes it, blob digest), in any order.
    """
    return b"".join(
        b"%s %s 0\t%s\n" % (mode.encode(), digest.encode(), quoted(path)) for path, mode, digest in sorted(lines)
    )


def listing_digest(lines: Iterable[tuple[bytes, str, str]]) -> str:
    """The 40 digits that a legacy signature is made over; of no files, `EMPTY_LISTING_DIGEST`."""
    return blob_digest(listing(lines))


def folder_digest(files: Iterable[tuple[str, str]]) -> str:
    """
    SHA-256 of a folder: in-toto's `dirHash`, the lines that `sha256sum` prints of its files, sorted by name.

    Args:
        files: (path, SHA-256 of the content in hexadecimal). No path may hold a newline: the signer refuses those.
    """
    lines = sorted((path.encode(), digest) for path, digest in files)
    return hashlib.sha256(b"".join(b"%s  %s\n" % (digest.encode(), path) for path, digest in lines)).hexdigest()


def _quoted_byte(byte: int) -> bytes:
    if byte in _ESCAPES:
        return b"\\" + _ESCAPES[byte]
    return b"\\%03o" % byte if byte in _QUOTED else bytes([byte])
