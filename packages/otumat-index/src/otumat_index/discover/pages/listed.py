"""A page of the index as it was asked for: the whole list by key, or what its filters leave, by the engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.http import QueryDict

from otumat_index.discover import search
from otumat_index.discover.pages import asked as asking
from otumat_index.discover.pages import index, question
from otumat_index.discover.pages.cards import Card, cards
from otumat_index.discover.pages.numbers import numbers
from otumat_index.discover.search.asked import Order, Query, Term
from otumat_index.discover.search.found import Source
from otumat_index.discover.search.language import Names, Slip, write_term
from otumat_index.discover.search.sql import COUNTED_MAX

PATH = "/projects/"
CLASSIFIER = "classifier"


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What an address asks for.

    Attributes:
        query: What filters; every field and classifier may (D9).
        names: How this index's classifiers are named in short.
        text: The words of the box as they were typed, for its slips.
        place: Where in the whole list; `deep` is the opaque place in a filtered one.
        form: `json` or `text`, to be kept in addresses.
    """

    query: Query
    names: Names
    text: str
    slips: tuple[Slip, ...]
    place: index.Place
    deep: str
    form: str

    @property
    def filters(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.query.terms)

    def at(
        self, query: Query | None = None, *, start: str = "", after: str = "", before: str = "", deep: str = ""
    ) -> str:
        """The address of a list like this one, at another place or with another query."""
        shown = replace(query or self.query, order=Order.BEST)  # this list has one order, which needs no telling
        rows = str(self.place.rows) if self.place.rows != asking.ROWS else ""
        more = {"from": start, "after": after, "before": before, "place": deep, "rows": rows, "format": self.form}
        return question.address(PATH, shown, self.names, **more)

    def chips(self) -> list[tuple[str, str]]:
        """Every filter in words, and the list without it."""
        return [(words_of(term, self.names), self.at(question.without(self.query, term))) for term in self.query.terms]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """What a form must send along to keep the filters and the place."""
        wanted = QueryDict(self.at(start=self.place.start, after=self.place.after, deep=self.deep).partition("?")[2])
        return ((name, value) for name, values in wanted.lists() if name != "rows" for value in values)

    @property
    def first_url(self) -> str:
        return self.at()

    @property
    def text_url(self) -> str:
        return replace(self, form="text").at()

    @property
    def json_url(self) -> str:
        return replace(self, form="json").at()


@dataclass(frozen=True, slots=True)
class Listed:
    """
    One page, ready to be written in any form.

    Attributes:
        total: Projects in the whole list; `is_more` where there are more than that.
        is_first: Whether this is where it begins.
        next_url, previous_url: Empty where there is none.
    """

    asked: Asked
    cards: list[Card]
    total: int
    is_more: bool
    is_first: bool
    next_url: str
    previous_url: str


def read(query: QueryDict, *, form: str) -> Asked:
    """What an address asks for; odd values are cut or left out, a strange link shows a list, not an error (A76)."""
    names = question.names()
    found = question.read(query, names=names)
    start, after, before = (asking.text_of(query, each).lower() for each in ("from", "after", "before"))
    place = index.Place(start, after, "" if start or after else before, asking.rows_of(query))
    return Asked(replace(found.query, order=Order.NAME), names, found.text, found.slips, place, found.place, form)


def listed(asked: Asked) -> Listed:
    """The page; two queries beside the count where nothing filters."""
    return narrowed(asked) if asked.filters else whole(asked)


def whole(asked: Asked) -> Listed:
    found = index.page(asked.place)
    return Listed(
        asked=asked,
        cards=cards(found.ids),
        total=numbers.get().projects,
        is_more=False,
        is_first=not (asked.place.start or asked.place.after or asked.place.before),
        next_url=asked.at(after=found.next_after) if found.next_after else "",
        previous_url=asked.at(before=found.previous_before) if found.previous_before else "",
    )


def narrowed(asked: Asked) -> Listed:
    found = search.ask(asked.query, rows=asked.place.rows, place=asked.deep, counts=False)
    return Listed(
        asked=asked,
        cards=cards(found.ids),
        total=found.total,
        is_more=found.source == Source.SQL and found.total >= COUNTED_MAX,
        is_first=not asked.deep,
        next_url=asked.at(deep=found.next) if found.next else "",
        previous_url=asked.at(deep=found.previous) if found.previous else "",
    )


def words_of(term: Term, names: Names) -> str:
    """A filter as one writes it; a classifier as it is."""
    if term.field == CLASSIFIER and len(term.values) == 1:
        return f"not {term.values[0]}" if term.negated else term.values[0]
    return write_term(term, names)
