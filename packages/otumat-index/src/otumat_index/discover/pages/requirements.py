"""What a release requires, read from its `Requires-Dist`, and which of it this index has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from otumat.spec import names
from otumat_index.discover.pages.index import public
from otumat_index.discover.pages.project import url_of
from otumat_index.publish.models import Project

LISTED_MOST = 500
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


@dataclass(frozen=True, slots=True)
class Needed:
    """A requirement on a page. `url` is empty where this index has no such project, or not for everybody."""

    requirement: Requirement
    url: str


def listed(lines: Sequence[str]) -> list[tuple[str, list[Needed]]]:
    """What is always needed, then what each extra adds, with links to what is here; one query where there is any."""
    wanted = read(lines[:LISTED_MOST])
    here = known({each.normalized for each in wanted if each.normalized})
    found: dict[str, list[Needed]] = {}
    for each in sorted(wanted, key=lambda each: (each.extra != "", each.extra.casefold())):
        url = url_of(Project(normalized=each.normalized)) if each.normalized in here else ""
        found.setdefault(each.extra, []).append(Needed(each, url))
    return list(found.items())


def known(normalized: Collection[str]) -> set[str]:
    """Those of the names that are public projects here."""
    return set(public().filter(normalized__in=normalized).values_list("normalized", flat=True)) if normalized else set()


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
