"""Whether a file's own metadata is about the project and version that its name promises (A20, A22)."""

from __future__ import annotations

import re

from otumat.spec.archive.findings import Findings, shown
from otumat.spec.filenames import ParsedFilename
from otumat.spec.names import normalize
from otumat.spec.versions import canonical

_HEADERS_END = re.compile(rb"(?:\A|\n)\n")
_FIELD = re.compile(rb"^(name|version)[ \t]*:[ \t]*(.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)


def same_project(one: str, other: str) -> bool:
    """Whether two spellings mean one project (PEP 503)."""
    return one == other or normalize(one) == normalize(other)


def same_version(one: str, other: str) -> bool:
    """Whether two spellings mean one version (PEP 440); file names write '-' as '_'."""
    return one == other or canonical(one.replace("_", "-")) == canonical(other.replace("_", "-"))


def check_identity(metadata: bytes, label: str, parsed: ParsedFilename, findings: Findings) -> None:
    """
    Record where Name and Version of `metadata` differ from the file name, or are not there exactly once.

    Args:
        metadata: The bytes of METADATA or PKG-INFO.
        label: What that file is called, for the messages.
    """
    said: dict[bytes, list[str]] = {b"name": [], b"version": []}
    lines = metadata.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # a lone CR ends a line for the email parser, too
    end = _HEADERS_END.search(lines)
    for field, value in _FIELD.findall(lines[: end.start()] if end else lines):
        said[field.lower()].append(value.decode("utf-8", "backslashreplace"))
    for field, promised, same in (("Name", parsed.project, same_project), ("Version", parsed.version, same_version)):
        values = said[field.lower().encode()]
        if len(values) != 1:
            findings.add("metadata.identity", f"{label} has {len(values)} {field} fields; it must have one.")
        elif len(values[0]) > 255 or not same(values[0], promised):
            findings.add(
                "metadata.identity",
                f"{label} says {field} {shown(values[0])}, but the file name says {shown(promised)}.",
                value=values[0],
            )
