"""The two small texts of a dist-info folder that trust reads, each with the one reading that it may have."""

from __future__ import annotations

from otumat.spec.statement import EntryPoint, Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TEXT_BYTES = 10 * 1024 * 1024


def identity(metadata: bytes) -> tuple[str, str]:
    """
    Name and version, each of which METADATA must have once.

    Errors:
        Malformed: missing, or there twice: readers would disagree on which counts.
    """
    found: dict[bytes, list[bytes]] = {b"name": [], b"version": []}
    for line in header_lines(metadata):
        key, _, value = line.partition(b":")
        if key.lower() in found:
            found[key.lower()].append(value.strip())
    if any(len(values) != 1 or not values[0].isascii() or not values[0] for values in found.values()):
        raise Malformed("METADATA does not have one Name and one Version")
    return found[b"name"][0].decode(), found[b"version"][0].decode()


def header_lines(metadata: bytes) -> Iterator[bytes]:
    """
    The lines before the first empty one. `splitlines` knows more ends of a line, and would see that one too early.

    >>> list(header_lines(b"Name: a\\r\\nSummary: b\\x0c\\x0cc\\rVersion: 1\\n\\nWords.\\n"))
    [b'Name: a', b'Summary: b\\x0c\\x0cc', b'Version: 1']
    """
    for line in metadata.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        if not line:
            return
        yield line


def entry_points(content: bytes) -> list[EntryPoint]:
    """
    What entry_points.txt declares.

    Errors:
        Malformed: a line that is no section, entry, comment or blank, or one entry twice.
    """
    group, found = "", {}
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise Malformed("entry_points.txt is not UTF-8") from None
    for raw in lines:
        line = raw.strip()
        name, equals, value = (part.strip() for part in line.partition("="))
        if not line or line.startswith(("#", ";")):
            continue
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif not (group and equals and name and value) or (group, name) in found or raw[0].isspace():
            raise Malformed(f"entry_points.txt has the unclear line {line[:120]!r}")
        else:
            found[group, name] = EntryPoint(group, name, value)
    return list(found.values())
