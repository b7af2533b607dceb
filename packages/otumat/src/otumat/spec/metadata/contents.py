"""Rules about what a release says of itself: summary, description and its type, and which fields are dynamic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from otumat.errors import Problem
from otumat.spec.metadata.fields import BY_HEADER
from otumat.spec.remembering import remember

if TYPE_CHECKING:
    from collections.abc import Sequence

SUMMARY_MAX_CHARS = 512
DESCRIPTION_MAX_BYTES = 2 * 2**20

CONTENT_TYPES = ("text/plain", "text/x-rst", "text/markdown")
VARIANTS = ("GFM", "CommonMark")

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check_summary(summary: str) -> Sequence[Problem]:
    """At most 512 characters; that it is one line is seen to by `texts`."""
    if len(summary) <= SUMMARY_MAX_CHARS:
        return ()
    message = f"The summary has {len(summary)} characters; it may have {SUMMARY_MAX_CHARS}."
    hint = "Say it in one line; the rest goes into the description."
    return [Problem("summary.too_long", "summary", message, value=summary, hint=hint, rule="core metadata: Summary")]


def check_description(description: str) -> Sequence[Problem]:
    """At most 2 MiB in UTF-8, without NUL or lone surrogates, which no database keeps."""
    problems = []
    size = len(description.encode("utf-8", "replace")) if len(description) > DESCRIPTION_MAX_BYTES // 4 else 0
    if size > DESCRIPTION_MAX_BYTES:
        message = f"The description has {size} bytes; this index takes {DESCRIPTION_MAX_BYTES}."
        hint = "Link to longer texts and to pictures."
        problems.append(
            Problem("description.too_large", "description", message, hint=hint, rule="limits of this index")
        )
    found = _UNSTORABLE.search(description)
    if found:
        message = f"The description has U+{ord(found.group()):04X} at character {found.start()}."
        hint = "Take that character out."
        problems.append(Problem("text.control", "description", message, hint=hint, rule="core metadata: Description"))
    return problems


@remember(1024)
def check_content_type(value: str) -> Sequence[Problem]:
    """`text/plain`, `text/x-rst` or `text/markdown`; charset UTF-8; variant GFM or CommonMark, of markdown only."""
    content_type, parameters = parse_content_type(value)
    problems = []
    if content_type not in CONTENT_TYPES:
        hint = f"Use {', '.join(CONTENT_TYPES)}."
        problems.append(_content_type("type", f"{content_type[:80]!r} is not rendered.", value, hint))
    charset = parameters.get("charset", "UTF-8")
    if charset.upper() not in ("UTF-8", "UTF8"):
        problems.append(_content_type("charset", f"{charset[:80]!r} is no charset for it.", value, "Use UTF-8."))
    variant = parameters.get("variant", VARIANTS[0])
    if content_type == "text/markdown" and variant not in VARIANTS:
        hint = f"Use {' or '.join(VARIANTS)}."
        problems.append(_content_type("variant", f"{variant[:80]!r} is no variant of markdown.", value, hint))
    return tuple(problems)


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """Type in lower case, and its parameters: keys in lower case, values without quotes."""
    content_type, *rest = value.split(";")
    parameters = {}
    for parameter in rest:
        key, _, text = parameter.partition("=")
        parameters[key.strip().lower()] = text.strip().strip('"')
    return content_type.strip().lower(), parameters


def _content_type(what: str, message: str, value: str, hint: str) -> Problem:
    rule = "core metadata: Description-Content-Type"
    code = f"description_content_type.{what}"
    return Problem(code, "description_content_type", message, value=value, hint=hint, rule=rule)


def check_dynamic(values: tuple[str, ...]) -> Sequence[Problem]:
    """Names of fields, and none of the three that must always be there (PEP 643)."""
    problems = []
    for value in dict.fromkeys(values):
        header = value.lower()
        if header in _NEVER_DYNAMIC:
            problems.append(_dynamic("dynamic.forbidden", f"{value[:80]!r} can never be dynamic.", value))
        elif header not in BY_HEADER:
            problems.append(_dynamic("dynamic.unknown", f"{value[:80]!r} is no core-metadata field.", value))
    return problems


_NEVER_DYNAMIC = frozenset({"metadata-version", "name", "version"})


def _dynamic(code: str, message: str, value: str) -> Problem:
    return Problem(code, "dynamic", message, value=value, hint="Leave it out.", rule="PEP 643")
