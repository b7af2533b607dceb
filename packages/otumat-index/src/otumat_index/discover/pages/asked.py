"""What a reader asked for, taken from the address: bounded, without control characters, never an error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from django.http import QueryDict

from otumat.spec.metadata import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
TEXT_MAX_CHARS = 200
CLASSIFIERS_MAX = 8
ROWS = 50
ROWS_MAX = 200

SEARCHABLE = tuple(field.attribute for field in FIELDS)
"""Every field of core metadata filters the index, by its name (the draft: "optionally filtered")."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A filtered view of the index.

    Attributes:
        text: In name or summary.
        fields: (field, text it contains) in the order of `SEARCHABLE`.
        classifiers: A project must carry each of them, or one below it.
        after, before: Normalised name the page begins after or ends before; one of them at most.
        rows: Most projects on the page.
    """

    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    classifiers: tuple[str, ...] = ()
    after: str = ""
    before: str = ""
    rows: int = ROWS

    @property
    def filters(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.text or self.fields or self.classifiers)

    @property
    def values(self) -> Mapping[str, str]:
        """Texts by field, for the search form."""
        return dict(self.fields)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """What filters, as the address says it."""
        text = (("q", self.text),) if self.text else ()
        return (*text, *self.fields, *(("c", each) for each in self.classifiers))

    def query(self, *, classifiers: tuple[str, ...] | None = None, **place: str) -> str:
        """The address's query for the same filters with another place in the list, or other classifiers."""
        return (self if classifiers is None else replace(self, classifiers=classifiers)).at(**place)

    def at(self, **place: str) -> str:
        """The address's query for the same filters at another place of the list."""
        rows = (("rows", str(self.rows)),) if self.rows != ROWS else ()
        return urlencode([(name, value) for name, value in (*self.pairs, *rows, *place.items()) if value])


def read(query: QueryDict) -> Asked:
    """What an address asks for. Odd values are cut or left out: a strange link shows a list, not an error."""
    fields = tuple((name, value) for name in SEARCHABLE if (value := text_of(query, name)))
    classifiers = list(dict.fromkeys(filter(None, map(tidy, query.getlist("c")[: 2 * CLASSIFIERS_MAX]))))
    after = text_of(query, "after").lower()
    return Asked(
        text=text_of(query, "q"),
        fields=fields,
        classifiers=tuple(classifiers[:CLASSIFIERS_MAX]),
        after=after,
        before="" if after else text_of(query, "before").lower(),
        rows=rows_of(query),
    )


def without(asked: Asked) -> list[tuple[str, Asked]]:
    """Every filter in words, and what is left to ask without it."""
    found = [(f"“{asked.text}”", replace(asked, text=""))] if asked.text else []
    found += [
        (f"{field}: {text}", replace(asked, fields=others(asked.fields, (field, text)))) for field, text in asked.fields
    ]
    return found + [(each, replace(asked, classifiers=others(asked.classifiers, each))) for each in asked.classifiers]


def others(every: tuple[T, ...], one: T) -> tuple[T, ...]:
    """All but one."""
    return tuple(each for each in every if each != one)


def text_of(query: QueryDict, name: str) -> str:
    """One value as tidy text, empty when it is not there."""
    return tidy(query.get(name, ""))


def tidy(text: str) -> str:
    """One line without control characters (PostgreSQL refuses NUL), at most `TEXT_MAX_CHARS` long."""
    return " ".join("".join(char if char.isprintable() else " " for char in text[:TEXT_MAX_CHARS]).split())


def rows_of(query: QueryDict) -> int:
    """Rows a page: 1 to `ROWS_MAX`; anything unreadable is the default."""
    text = query.get("rows", "")
    return min(max(int(text), 1), ROWS_MAX) if text.isascii() and text.isdigit() and len(text) < 5 else ROWS
