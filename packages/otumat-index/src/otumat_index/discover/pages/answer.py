"""What the pages of search and browse say, gathered: cards, chips, boxes, orders, and what helps when nothing fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from otumat.spec.classifiers import SEPARATOR, parents
from otumat_index.discover import search
from otumat_index.discover.pages import boxes
from otumat_index.discover.pages import question as questions
from otumat_index.discover.pages.cards import Card, cards
from otumat_index.discover.pages.question import Question, address, instead, without
from otumat_index.discover.search import asked
from otumat_index.discover.search.asked import Order, Query, Term
from otumat_index.discover.search.found import Found, Source
from otumat_index.discover.search.language import Names, Slip, read, retold, write, write_term

EXPLAINED_MAX = 8
"""Tests of an empty selection that are tried one by one."""

ORDERS = {
    Order.BEST: "Best match",
    Order.UPDATED: "Last updated",
    Order.CREATED: "Newest",
    Order.NAME: "Name",
}
MODES = {
    boxes.NARROW: "narrows the list",
    boxes.WIDEN: "widens it by another",
    boxes.EXCLUDE: "leaves out",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Words, and where they lead; no address for where one is already."""

    words: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """
    One test of the query.

    Attributes:
        steps: Its words; those of a classifier lead to the levels above.
        drop_url: The list without it.
        turn_url: The list with the opposite; `is_negated` says which it is now.
    """

    steps: tuple[Link, ...]
    drop_url: str
    turn_url: str
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Mended:
    """A slip as the page shows it: the text around it, and what one could ask instead."""

    before: str
    wrong: str
    after: str
    message: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Culprit:
    """A test of an empty selection: how many projects there are without it, and whether it matches none at all."""

    chip: Chip
    total: int
    is_hopeless: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything the page shows. `url` is its one address, `is_partial` says that the engine is being built."""

    url: str
    text: str
    total: int
    cards: list[Card]
    is_partial: bool
    chips: list[Chip]
    slips: list[Mended]
    suggestion: Link | None
    boxes: list[boxes.Box]
    is_full: bool
    orders: list[Link]
    modes: list[Link]
    culprits: list[Culprit]
    next_url: str
    previous_url: str
    first_url: str
    has_place: bool
    browse_url: str
    says_nothing: bool


@dataclass(frozen=True)
class Page:
    """A question on its way to an answer, for somebody who sees these private projects."""

    question: Question
    names: Names
    path: str
    sees: frozenset[int]
    mode: str = boxes.NARROW

    def answer(self) -> Answer:
        """Ask, and gather what the page says."""
        found = Found(0, ()) if self.says_nothing else self.understood[1]
        is_lost = not found.total and bool(self.query.terms) and found.source == Source.ENGINE
        return Answer(
            url=self.at(self.query),
            text=write(self.query, self.names),
            total=found.total,
            cards=cards(found.ids, sees=self.sees),
            is_partial=found.source == Source.SQL,
            chips=[self.chip(term) for term in self.query.terms],
            slips=[self.mended(slip) for slip in self.question.slips],
            suggestion=self.suggestion(found),
            boxes=self.boxes_of(found),
            is_full=self.is_full,
            orders=[self.order(order) for order in ORDERS],
            modes=[self.at_mode(mode) for mode in boxes.MODES if mode != boxes.WIDEN or self.may_widen],
            culprits=sorted(self.culprits(), key=lambda each: -each.total) if is_lost else [],
            next_url=self.at(self.query, place=found.next) if found.next else "",
            previous_url=self.at(self.query, place=found.previous) if found.previous else "",
            first_url=self.at(self.query),
            has_place=bool(self.question.place),
            browse_url=address(questions.BROWSE, self.query, self.names),
            says_nothing=self.says_nothing,
        )

    @cached_property
    def understood(self) -> tuple[Query, Found]:
        """The query and what it finds: with its last word as a beginning, where as a whole word it finds nothing."""
        exact = self.question.query
        found = self.ask(exact)
        if found.total or not self.question.may_grow or exact.is_typing or found.source == Source.SQL:
            return exact, found  # SQL's words are parts of words anyway
        grown = replace(exact, is_typing=True)
        more = self.ask(grown)
        return (grown, more) if more.total else (exact, found)

    @property
    def query(self) -> Query:
        return self.understood[0]

    def ask(self, query: Query) -> Found:
        return search.ask(query, sees=self.sees, rows=self.question.rows, place=self.question.place)

    @property
    def says_nothing(self) -> bool:
        """Whether something was asked for and none of it could be used: then a list of everything would mislead."""
        return self.path == questions.SEARCH and bool(self.question.slips) and not self.question.query.terms

    def at(self, query: Query, **more: str) -> str:
        """The address of another list like this one."""
        rows = str(self.question.rows) if self.question.rows != questions.ROWS else ""
        return address(self.path, query, self.names, **more, rows=rows)

    def at_mode(self, mode: str) -> Link:
        here = mode == self.mode
        return Link(MODES[mode], "" if here else self.at(self.query, mode="" if mode == boxes.NARROW else mode))

    @property
    def may_widen(self) -> bool:
        """Whether something of a category is chosen, so that another one of it can be chosen as well."""
        return any(term.field == asked.CLASSIFIER and not term.negated for term in self.query.terms)

    @property
    def is_full(self) -> bool:
        """Whether no further classifier can be chosen."""
        return sum(term.field == asked.CLASSIFIER for term in self.query.terms) >= questions.CLASSIFIERS_MAX

    def boxes_of(self, found: Found) -> list[boxes.Box]:
        if self.is_full or (not found.total and self.mode == boxes.NARROW):
            return []
        choosing = boxes.Choosing(
            self.query, self.names, self.path, found.total, found.counts, self.mode, relaxed=self.counts_of
        )
        return boxes.boxes(choosing, few=self.path == questions.SEARCH)

    def counts_of(self, query: Query) -> Mapping[str, int]:
        return search.ask(query, sees=self.sees, rows=0).counts

    def total_of(self, query: Query) -> int:
        return search.ask(query, sees=self.sees, rows=0, counts=False).total

    def order(self, order: Order) -> Link:
        return Link(ORDERS[order], "" if order == self.query.order else self.at(replace(self.query, order=order)))

    def suggestion(self, found: Found) -> Link | None:
        """The text as it was probably meant, with everything else as it is."""
        if not found.suggestion:
            return self.retold() if not found.total and found.source == Source.ENGINE else None
        others = tuple(term for term in self.query.terms if term.field != asked.TEXT or term.negated)
        words = tuple(Term(asked.TEXT, (word,)) for word in found.suggestion.split())
        return Link(found.suggestion, self.at(replace(self.query, terms=(*words, *others))))

    def retold(self) -> Link | None:
        """Plain words as the tests that they perhaps stand for, where these find something."""
        query = retold(self.query, self.names)
        if query == self.query or not self.total_of(query):
            return None
        return Link(write(query, self.names), self.at(query))

    def chip(self, term: Term) -> Chip:
        opposite = replace(term, negated=not term.negated)
        drop, turn = without(self.query, term), instead(self.query, term, opposite)
        return Chip(tuple(self.steps(term)), self.at(drop), self.at(turn), term.negated)

    def steps(self, term: Term) -> Iterator[Link]:
        """A classifier's parts with the way up; any other test as it is written."""
        if term.field != asked.CLASSIFIER or len(term.values) > 1:
            words = " or ".join(term.values) if term.field == asked.CLASSIFIER else ""
            yield Link(words or write_term(replace(term, negated=False), self.names))
            return
        (text,) = term.values
        for above in parents(text):
            higher = replace(term, values=(above,))
            yield Link(above.split(SEPARATOR)[-1], self.at(instead(self.query, term, higher)))
        yield Link(text.split(SEPARATOR)[-1])

    def mended(self, slip: Slip) -> Mended:
        text = self.question.text
        before, wrong, after = text[: slip.start], text[slip.start : slip.end], text[slip.end :]
        links = [Link(each, self.at_text(before + each + after)) for each in slip.instead]
        return Mended(before, wrong, after, slip.message, tuple(links))

    def at_text(self, text: str) -> str:
        """The address of what was asked for, with another text in the box."""
        chosen = tuple(term for term in self.query.terms if self.path != questions.SEARCH and questions.is_chosen(term))
        found = read(text, names=self.names, slips_max=0).query
        return self.at(replace(found, terms=tuple(dict.fromkeys((*chosen, *found.terms)))))

    def culprits(self) -> Iterator[Culprit]:
        """Which tests leave nothing: what there is without each of them, and those that nothing passes at all."""
        for term in self.query.terms[:EXPLAINED_MAX]:
            alone = self.total_of(Query((term,)))
            total = self.total_of(without(self.query, term)) if len(self.query.terms) > 1 else 0
            yield Culprit(self.chip(term), total, not alone)
