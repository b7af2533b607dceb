"""What a release requires, read from its `Requires-Dist`: names to look up, and what is always needed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from otumat.spec import names

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_EXTRA = re.compile(r"\bextra\s*==\s*['\"]([^'\"]+)['\"]")


@dataclass(frozen=True, slots=True)
class Requirement:
    """
    One line of `Requires-Dist`.

    Attributes:
        name: As written; `normalized` is empty when none can be read.
        rest: What follows: versions, extras, when it applies.
        extra: The extra it belongs to; empty when it is always needed.
    """

    name: str
    normalized: str
    rest: str
    extra: str


def read(lines: Iterable[str]) -> list[Requirement]:
    """Every requirement in its order; what cannot be read is kept as text (imports hold all kinds of lines)."""
    return [read_one(line) for line in lines]


def read_one(line: str) -> Requirement:
    """
    >>> read_one("numpy>=2; extra == 'fast'")
    Requirement(name='numpy', normalized='numpy', rest=">=2; extra == 'fast'", extra='fast')
    """
    found = _NAME.match(line)
    name = found[1] if found else ""
    extra = _EXTRA.search(line)
    rest = line[found.end() :] if found else line
    return Requirement(name, names.normalize(name) if name else "", rest, extra[1] if extra else "")


def needed(requirements: Iterable[Requirement]) -> list[str]:
    """Names of what is always installed too, each once, in order."""
    return list(dict.fromkeys(each.normalized for each in requirements if each.normalized and not each.extra))
