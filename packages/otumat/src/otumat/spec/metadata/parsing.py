"""
The third way in: METADATA or PKG-INFO bytes, headers in the format of mail. Never raises, whatever comes.

`packaging` reads them, as it does for pip; what is here keeps it from data that would take hours, undoes the folding of
long values, and says aloud what a reader would silently pass over.
"""

from __future__ import annotations

import re
from email.errors import MessageError
from typing import Any

from packaging.metadata import parse_email

from otumat.errors import Problem
from otumat.spec.metadata.fields import ATTRIBUTES, BY_HEADER, FOLD, Field, Metadata
from otumat.spec.metadata.reading import Gathered, given_twice, tidy_text, unknown_field

METADATA_MAX_BYTES = 4 * 2**20
"""METADATA beyond this is not parsed. The largest real ones have about 1 MiB."""

_HEAD_MAX_BYTES = 2**20
_HEAD_MAX_LINES = 50_000
_MAX_HEADER_NAMES = 100
"""There are 32 fields. Reading takes time that grows with lines times different names: without limits, hours."""


def from_bytes(data: bytes) -> tuple[Metadata, list[Problem]]:
    """
    Read METADATA or PKG-INFO as installers do (the `email` format), and tell what they would silently pass over.

    Problems: fields given twice, not in UTF-8 or unknown (a warning), headers that break off, MIME headers (they would
    make the body something else for some readers), a missing Metadata-Version.

    Source: core metadata; `packaging.metadata.parse_email` is what pip reads with.
    """
    if len(data) > METADATA_MAX_BYTES:
        message = f"The metadata has {len(data)} bytes; {METADATA_MAX_BYTES} are read."
        return Metadata(), [Problem("metadata.too_large", "metadata", message, hint="Shorten the description.")]
    head = _head(data)
    refused = _unsafe_head(head)
    if refused is not None:
        return Metadata(), [refused]
    try:
        raw, unparsed = parse_email(data)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, MessageError) as exc:
        message = f"The metadata cannot be read ({type(exc).__name__})."
        return Metadata(), [Problem("metadata.unreadable", "metadata", message, hint="Build the file anew.")]
    gathered = Gathered()
    gathered.problems += _broken_off(head, data[len(head) :])
    described_in_head = _DESCRIPTION_HEADER.search(head) is not None
    for attribute, value in raw.items():
        _gather_raw(gathered, attribute, value, folded=attribute != "description" or described_in_head)
    for header, values in unparsed.items():
        _gather_unparsed(gathered, header, values)
    if "metadata_version" not in gathered.texts:
        gathered.problems.append(_no_metadata_version())
    return gathered.metadata(), gathered.problems


# Lines as Python's mail parser sees them, so that nothing it takes for a header escapes: they end in LF, CR or both,
# and "From " or a bare colon may begin one.
_HEADERS = re.compile(rb"(?:(?:From |[!-9;-~]*:|[ \t])[^\r\n]*(?:\r\n|\r|\n|\Z))*")
_HEADER_NAME = re.compile(rb"(?<![^\r\n])([!-9;-~]+):")
_DESCRIPTION_HEADER = re.compile(rb"(?i)(?<![^\r\n])description:")
_NO_HEADER = re.compile(rb"(?<![^\r\n])(?:From |:)[^\r\n]*")


def _head(data: bytes) -> bytes:
    """The header lines, up to the first line that is none."""
    match = _HEADERS.match(data)
    return match.group() if match else b""


def _unsafe_head(head: bytes) -> Problem | None:
    """Why the data should not even be parsed: too many headers, or MIME ones (nested parts cost depth and hours)."""
    lines = head.count(b"\n") + head.count(b"\r")
    if len(head) > _HEAD_MAX_BYTES or lines > _HEAD_MAX_LINES:
        return _head_too_large(f"The headers have {len(head)} bytes in {lines} lines.")
    different = {name.lower() for name in _HEADER_NAME.findall(head)}
    if len(different) > _MAX_HEADER_NAMES:
        return _head_too_large(f"There are headers with {len(different)} different names.")
    mime = sorted(name.decode("ascii") for name in different if name.startswith((b"content-", b"mime-")))
    return _mime(mime[0]) if mime else None


def _head_too_large(message: str) -> Problem:
    hint = f"At most {_HEAD_MAX_BYTES} bytes, {_HEAD_MAX_LINES} lines and {_MAX_HEADER_NAMES} names are read."
    return Problem("metadata.too_many_headers", "metadata", message, hint=hint, rule="limits of this index")


def _broken_off(head: bytes, rest: bytes) -> list[Problem]:
    """Headers end with an empty line; a line that is no header ends them too, and all after it becomes description."""
    stray = _NO_HEADER.search(head)
    if stray is None and (not rest or rest.startswith((b"\r", b"\n"))):
        return []
    line = (stray.group() if stray else rest[:200].splitlines()[0])[:200].decode("utf-8", "replace")
    message = f"The line {line!r} is no header; readers differ in what they make of it and of what follows."
    hint = "Indent lines that continue a value."
    return [Problem("metadata.broken_headers", "metadata", message, value=line, hint=hint, rule="core metadata")]


def _no_metadata_version() -> Problem:
    message = "There is no Metadata-Version."
    hint = "Build with a current backend, which writes 2.1 or later."
    return Problem("metadata_version.missing", "metadata_version", message, hint=hint, rule="core metadata")


def _gather_raw(gathered: Gathered, attribute: str, value: object, *, folded: bool) -> None:
    """One of packaging's values, taken back to the texts of its headers so that folding is undone in one place."""
    field = ATTRIBUTES[attribute]
    if isinstance(value, dict):
        texts = [f"{label}, {url}" for label, url in value.items()]
    elif isinstance(value, list):
        texts = [",".join(value)] if field.kind == "keywords" else (value or [""])
    else:
        texts = [str(value)]
    for text in texts:
        gathered.add(field, _unfolded(text, attribute) if folded else text)


def _unfolded(text: str, attribute: str) -> str:
    """
    Undo the indentation by which backends write a value of several lines as one header.

    Eight spaces is what distutils, setuptools, hatchling, flit and `to_headers` write; a bar, what the specification
    shows for Description. Any other indentation is part of the value.
    """
    if "\n" not in text and "\r" not in text:
        return text
    first, *rest = tidy_text(text).split("\n")
    if attribute == "description" and all(line.startswith("       |") for line in rest):
        return "\n".join([first, *(line[8:] for line in rest)])
    if all(line.startswith(FOLD) for line in rest):
        return "\n".join([first, *(line[len(FOLD) :] for line in rest)])
    return "\n".join([first, *rest])


def _gather_unparsed(gathered: Gathered, header: str, values: list[Any]) -> None:
    """What packaging would not take: said aloud, and kept as far as it means anything."""
    field = BY_HEADER.get(header)
    if field is None:
        gathered.problems.append(unknown_field("metadata.unknown_header", header))
    elif field.attribute == "description":
        message = "The description is given twice (as a header and as the body), or is not UTF-8 text."
        gathered.problems.append(_unreadable(field, message, hint="Write it once, as the body, in UTF-8."))
    elif field.kind in ("single", "keywords") and len(values) > 1:
        gathered.add(field, _unfolded(values[0], field.attribute))
        gathered.problems.append(given_twice(field.attribute, len(values), values[0]))
    elif field.kind == "urls" and all("," in value for value in values):
        for value in values:
            gathered.add(field, _unfolded(value, field.attribute))
        message = "Two addresses have the same label."
        gathered.problems.append(
            Problem("project_urls.duplicate", "project_urls", message, hint="Give each its own label.")
        )
    else:
        gathered.problems.append(_unreadable(field, "It is not UTF-8 text.", hint="Write it in UTF-8."))


def _mime(header: str) -> Problem:
    message = f"The header {header[:80]!r} makes some readers see another description than others."
    return Problem(
        "metadata.mime_header", "metadata", message, value=header, hint="Leave it out.", rule="core metadata"
    )


def _unreadable(field: Field, message: str, *, hint: str) -> Problem:
    return Problem(f"{field.attribute}.unreadable", field.attribute, message, hint=hint, rule="core metadata")
