"""
Three ways in: an upload form, METADATA or PKG-INFO bytes, a JSON object. None of them raises, whatever comes.

A value that cannot be taken as it stands is left out and told; nothing is guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from email.errors import MessageError
from typing import TYPE_CHECKING, Any

from packaging.metadata import parse_email

from otumat.errors import Problem
from otumat.spec.metadata.fields import ATTRIBUTES, BY_HEADER, Field, Metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORM_MAX_PAIRS = 20_000
"""The largest real releases have about 3,000 requirements and files; a form with more than this is not read on (A29)."""

METADATA_MAX_BYTES = 8 * 2**20
"""METADATA beyond this is not parsed. The largest real ones have about 1 MiB."""

Found = dict[Field, list[str]]


def from_form(pairs: Iterable[tuple[str, str]]) -> tuple[Metadata, list[Problem]]:
    """
    Read the fields of an upload or submit form.

    Args:
        pairs: (field, value) as sent, in order; see `ATTRIBUTES` for the names that are known. Others belong to whoever
            opened the form (`:action`, `content`) and are passed over.

    Returns:
        The metadata, and a problem for each single field sent twice (the first value is kept).

    Source: core metadata; the draft's `submit` (D19, D46).
    """
    found: Found = defaultdict(list)
    for count, (name, value) in enumerate(pairs):
        if count >= FORM_MAX_PAIRS:
            message = f"The form has more than {FORM_MAX_PAIRS} fields; the rest was not read."
            return _assemble(found, [Problem("form.too_many_fields", "form", message)])
        field = ATTRIBUTES.get(name)
        if field is not None:
            found[field].append(value)
    return _assemble(found, [])


def from_bytes(data: bytes) -> tuple[Metadata, list[Problem]]:
    """
    Read METADATA or PKG-INFO as installers do (the `email` format), and tell what they would silently pass over.

    Problems: fields given twice, not UTF-8 or unknown (a warning), headers that break off, a body that MIME headers would
    turn into something else, a missing Metadata-Version.
    """
    if len(data) > METADATA_MAX_BYTES:
        message = f"The metadata has {len(data)} bytes; {METADATA_MAX_BYTES} are read."
        return Metadata(), [Problem("metadata.too_large", "metadata", message, hint="Shorten the description.")]
    try:
        raw, unparsed = parse_email(data)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, MessageError) as exc:
        message = f"The metadata cannot be read: {type(exc).__name__}."
        return Metadata(), [Problem("metadata.unreadable", "metadata", message, hint="Build the file anew.")]
    found: Found = {ATTRIBUTES[name]: _texts(value) for name, value in raw.items()}
    problems = _broken_headers(data)
    for header, values in unparsed.items():
        problems.append(_unparsed(header, values, found))
    metadata, more = _assemble(found, problems)
    if not metadata.metadata_version and "metadata-version" not in unparsed:
        hint = f"Write one, such as {_USUAL_VERSION}."
        more.append(Problem("metadata_version.missing", "metadata_version", "There is no Metadata-Version.", hint=hint))
    return metadata, more


_USUAL_VERSION = "2.4"


def from_json(obj: Mapping[str, Any]) -> tuple[Metadata, list[Problem]]:
    """
    Read the JSON form of PEP 566: keys in lower case with underscores, lists for what may be repeated.

    Keys of `to_json` and of packaging's RawMetadata are taken too (`classifiers` and `classifier`, `project_urls` as an
    object, as pairs or as "Label, URL"). `null` means absent. Unknown keys are warned of, wrong types are errors.
    """
    found: Found = defaultdict(list)
    problems: list[Problem] = []
    for key, value in obj.items():
        field = ATTRIBUTES.get(key)
        if field is None:
            problems.append(_unknown_key(str(key)))
        elif value is not None:
            texts = _json_texts(field, value)
            if texts is None:
                problems.append(_wrong_type(field, value))
            else:
                found[field] += texts
    return _assemble(found, problems)
