"""Rules for every text: no control characters, no line ends where one line is meant, bounded size and count."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from otumat.errors import Problem
from otumat.spec.metadata.fields import BY_ATTRIBUTE

LINE_MAX_CHARS = 4096
"""For a value of one line; addresses with tracking parts and long requirements stay below 2,000."""

TEXT_MAX_CHARS = 256 * 1024
"""For `license`, `author` and `maintainer`, where people put whole texts. The longest licence in use has 60,000."""

MAX_VALUES = 10_000
"""For a repeated field. The largest real release has about 3,000 requirements."""

_SEVERAL_LINES = frozenset({"license", "author", "maintainer"})
"""The specification shows folded values for these."""

_FORBIDDEN_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FORBIDDEN_IN_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


def check_texts(present: list[tuple[str, Any]]) -> list[Problem]:
    """
    Control characters, line ends, size and count (A29). `description` has rules of its own.

    Args:
        present: (attribute, value) of every field that has one.
    """
    problems: list[Problem] = []
    for attribute, value in present:
        if attribute == "description":
            continue
        texts = [value] if type(value) is str else _flat(value)
        # Nearly every text is printable ASCII or letters; one quick look at all of them spares a closer one at each.
        joined = "".join(texts)
        if not joined.isprintable() or len(joined) > LINE_MAX_CHARS:
            problems += _look_closer(attribute, texts)
        if len(texts) > MAX_VALUES:
            problems.append(_too_many(attribute, len(texts)))
    return problems


def _flat(values: tuple[Any, ...]) -> list[str]:
    return [part for value in values for part in ((value,) if type(value) is str else value)]


def _look_closer(attribute: str, texts: list[str]) -> list[Problem]:
    several = attribute in _SEVERAL_LINES
    forbidden, limit = (_FORBIDDEN_IN_TEXT, TEXT_MAX_CHARS) if several else (_FORBIDDEN_IN_LINE, LINE_MAX_CHARS)
    problems = []
    for text in texts:
        found = forbidden.search(text)
        if found:
            problems.append(_control(attribute, text, found.group()))
        if len(text) > limit:
            problems.append(_too_long(attribute, text, limit))
        if len(problems) >= _ENOUGH:
            break
    return problems


_ENOUGH = 100
"""Ten thousand bad values need no ten thousand problems to be understood."""


def _control(attribute: str, text: str, character: str) -> Problem:
    if character in "\r\n":
        code, what, hint = "text.line_end", "a line end", "Write it in one line."
    else:
        name = unicodedata.name(character, "control character")
        code, what, hint = "text.control", f"U+{ord(character):04X} ({name})", "Take that character out."
    message = f"{text[:80]!r} has {what} in it."
    return Problem(
        code, attribute, message, value=text, hint=hint, rule=f"core metadata: {BY_ATTRIBUTE[attribute].header}"
    )


def _too_long(attribute: str, text: str, limit: int) -> Problem:
    message = f"It has {len(text)} characters; this index takes {limit}."
    return Problem("text.too_long", attribute, message, value=text, hint="Shorten it.", rule="limits of this index")


def _too_many(attribute: str, count: int) -> Problem:
    message = f"There are {count} values; this index takes {MAX_VALUES}."
    return Problem("text.too_many", attribute, message, hint="Send fewer.", rule="limits of this index")
