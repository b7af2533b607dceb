"""
The boxes to browse by: every classifier with how many projects a click on it would show.

A page has up to 900 of them, so their lines are joined here and not in a template, which would take ten times as long
as everything else on the page; what is the same on every page is made once for each list. Start with `boxes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from heapq import nlargest
from html import escape
from operator import itemgetter
from urllib.parse import quote_plus

from django.utils.safestring import SafeString, mark_safe

from otumat.spec.classifiers import SEPARATOR, display_key, parents
from otumat_index.discover.pages import question as questions
from otumat_index.discover.search import asked
from otumat_index.discover.search.asked import Query, Term
from otumat_index.discover.search.language import Names, write_term

FIRST = ("Topic", "Environment", "Framework")
"""Shown first, for they say what a project is for; the rest follows in alphabetical order."""
NARROW, WIDEN, EXCLUDE = "narrow", "widen", "exclude"
MODES = (NARROW, WIDEN, EXCLUDE)
FEW = 6
"""Lines of each list beside search results; the browse page has all."""

LONG_CHARS = 60
"""An address so long is not repeated 900 times: only what is chosen unfolds then."""
LONGER_CHARS = 250
"""And of so long ones each list has few."""

TOP = 1 << 62
"""More than any number: what is chosen is always shown."""
MARK = "\0"
"""Stands in an address for a classifier; no classifier contains it."""

Counts = Mapping[str, int]
Asking = Callable[[Query], Counts]


@dataclass(frozen=True, slots=True)
class Node:
    """A classifier in the tree. `leaf` is its last part, escaped; `size` is the number of nodes below."""

    text: str
    leaf: str
    children: tuple[Node, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Box:
    """
    One category.

    Attributes:
        slug: Its anchor on the page.
        url: Chooses the category itself; empty when it is chosen, or nothing more can be.
        folded: How many of its classifiers nothing in the selection carries.
        is_shallow: Whether only what is chosen shows what is below it.
    """

    name: str
    slug: str
    count: int
    url: str
    is_open: bool
    lines: SafeString
    folded: int
    is_shallow: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a click on a classifier shows and where it leads.

    Attributes:
        link: The address; `href` is the same, escaped for an attribute.
        among: Those that there is something to show of.
    """

    count: Callable[[str], int]
    link: Callable[[str], str]
    href: Callable[[str], str]
    among: Counts


@dataclass(frozen=True)
class Choosing:
    """
    What a click on a classifier does to the query, and how many projects it then finds.

    Attributes:
        total: Projects that the query finds.
        counts: How many of them carry each classifier.
        mode: Whether a click narrows the list, widens it by another one of the category, or excludes.
        relaxed: Counts of the query without what is chosen of a category; asked for when widening.
    """

    query: Query
    names: Names
    path: str
    total: int
    counts: Counts
    mode: str = NARROW
    relaxed: Asking = field(default=lambda query: {})

    def offers(self, category: str) -> bool:
        """Whether there is anything to click in a category."""
        if self.mode == WIDEN:
            return self.chosen_of(category) is not None
        return bool(self.counts.get(category)) or not self.counts

    def chosen_of(self, category: str) -> Term | None:
        """The last test that asks for something of a category."""
        return next((term for term in reversed(self.query.terms) if asks_for(term, category)), None)

    def plan(self, category: str) -> Plan:
        """What a click on any classifier of a category does."""
        term = self.chosen_of(category) if self.mode == WIDEN else None
        if term is not None:
            return self.widening(term)
        if self.mode == EXCLUDE:
            return Plan(lambda text: self.total - self.counts.get(text, 0), *self.adding(negated=True), self.counts)
        return Plan(lambda text: self.counts.get(text, 0), *self.adding(negated=False), self.counts)

    def widening(self, term: Term) -> Plan:
        """Whoever carries A or B: those with A, and those with B, less those with both."""
        relaxed = self.relaxed(questions.without(self.query, term))

        def count(text: str) -> int:
            return self.total + relaxed.get(text, 0) - self.counts.get(text, 0)

        def link(text: str) -> str:
            wider = Term(term.field, (*term.values, text))
            return questions.address(self.path, questions.instead(self.query, term, wider), self.names)

        return Plan(count, link, lambda text: escape(link(text)), relaxed)

    def adding(self, *, negated: bool) -> tuple[Callable[[str], str], Callable[[str], str]]:
        """Addresses that differ in one classifier, as they are and escaped: cut in two where it stands."""
        mark = Term(asked.CLASSIFIER, (MARK,), negated)
        written = spelled(self.names, negated, self.path == questions.BROWSE and questions.is_chosen(mark))
        wider = replace(self.query, terms=(*self.query.terms, mark))
        head, _, tail = questions.address(self.path, wider, self.names).partition(written.spell(MARK))
        safe_head, safe_tail = escape(head), escape(tail)  # what stands between has nothing to escape
        return lambda text: head + written[text] + tail, lambda text: safe_head + written[text] + safe_tail


class Spelled(dict[str, str]):
    """How each classifier is written in an address; found out when it is asked for first."""

    def __init__(self, names: Names, *, is_negated: bool, is_plain: bool) -> None:
        self.names = names
        self.is_negated = is_negated
        self.is_plain = is_plain

    def spell(self, text: str) -> str:
        term = Term(asked.CLASSIFIER, (text,), self.is_negated)
        return quote_plus(text if self.is_plain else write_term(term, self.names))

    def __missing__(self, text: str) -> str:
        if len(self) >= SPELLED_MAX:
            self.clear()
        self[text] = self.spell(text)
        return self[text]


SPELLED_MAX = 20_000


@lru_cache(maxsize=8)
def spelled(names: Names, is_negated: bool, is_plain: bool) -> Spelled:
    """The spellings of an index's classifiers, shared by all pages."""
    return Spelled(names, is_negated=is_negated, is_plain=is_plain)


def asks_for(term: Term, category: str) -> bool:
    """Whether a term asks for a category, or classifiers of it."""
    below = category + SEPARATOR
    return (
        term.field == asked.CLASSIFIER
        and not term.negated
        and all(text == category or text.startswith(below) for text in term.values)
    )


def boxes(choosing: Choosing, *, few: bool = False) -> list[Box]:
    """
    Every category with the classifiers that a click can choose, in order.

    Args:
        few: Only the most frequent ones of each list.
    """
    known = choosing.names.texts
    roots = forest(known if known.issuperset(choosing.counts) else known.union(choosing.counts))
    return [box_of(choosing, root, few=few) for root in roots if choosing.offers(root.text)]


@lru_cache(maxsize=8)
def forest(texts: frozenset[str]) -> tuple[Node, ...]:
    """Classifiers as trees, `FIRST` first."""
    below: dict[str, list[str]] = {}
    for text in sorted(texts.union(*(parents(text) for text in texts)), key=display_key):
        below.setdefault(SEPARATOR.join(text.split(SEPARATOR)[:-1]), []).append(text)

    def grow(text: str) -> Node:
        children = tuple(grow(each) for each in below.get(text, ()))
        return Node(text, escape(text.split(SEPARATOR)[-1]), children, sum(1 + each.size for each in children))

    return tuple(sorted(map(grow, below.get("", ())), key=place_of))


def place_of(root: Node) -> tuple[int, str]:
    """Where a category stands among others."""
    return (FIRST.index(root.text) if root.text in FIRST else len(FIRST), root.text.casefold())


def box_of(choosing: Choosing, root: Node, *, few: bool) -> Box:
    """One category."""
    plan = choosing.plan(root.text)
    chosen = {text for term in choosing.query.terms if asks_for(term, root.text) for text in term.values}
    link_chars = len(plan.link(""))
    writer = Writer(choosing, plan, chosen, few or link_chars > LONGER_CHARS, is_shallow=link_chars > LONG_CHARS)
    lines: list[str] = []
    writer.lines(root, lines)
    is_chosen = root.text in chosen
    return Box(
        name=root.text,
        slug="box-" + "".join(char if char.isalnum() else "-" for char in root.text.lower()),
        count=choosing.counts.get(root.text, 0) if is_chosen else plan.count(root.text),
        url="" if is_chosen or not plan.count(root.text) else plan.link(root.text),
        is_open=bool(chosen),
        lines=mark_safe("".join(lines)),  # noqa: S308 - every part of it is escaped there
        folded=writer.folded,
        is_shallow=writer.has_more,
    )


@dataclass
class Writer:
    """
    Writes the lines of one box.

    Attributes:
        folded: Counts what it left out because nothing carries it.
        has_more: Whether it left out what is below, to be seen once that is chosen.
    """

    choosing: Choosing
    plan: Plan
    chosen: set[str]
    few: bool
    is_shallow: bool
    folded: int = 0
    has_more: bool = False

    def lines(self, parent: Node, out: list[str]) -> None:
        """Add the list right below a classifier, with what is below each."""
        among, is_all = self.plan.among, not self.choosing.counts
        shown = [node for node in parent.children if is_all or node.text in among or self.holds(node)]
        self.folded += parent.size - sum([1 + node.size for node in shown])
        if self.few and len(shown) > FEW:
            shown = self.most(shown)
            self.has_more = True
        if shown:
            out.append("<ul>")
            for node in shown:
                self.line(node, out)
            out.append("</ul>")

    def most(self, nodes: list[Node]) -> list[Node]:
        """The most frequent ones, in their order."""
        among = self.plan.among
        numbers = [TOP if self.chosen and self.holds(node) else among.get(node.text, 0) for node in nodes]
        best = {at for at, _ in nlargest(FEW, enumerate(numbers), key=itemgetter(1))}
        return [node for at, node in enumerate(nodes) if at in best]

    def line(self, node: Node, out: list[str]) -> None:
        out.append(self.entry(node))
        if node.children and self.is_shallow and not self.holds(node):
            self.has_more = True
        elif node.children:
            is_open = " open" if self.holds(node) else ""
            out.append(f'<details{is_open}><summary><span class="visually-hidden">Below {node.leaf}</span></summary>')
            begun = len(out)
            self.lines(node, out)
            if len(out) == begun:
                out.pop()  # nothing of it is shown
            else:
                out.append("</details>")
        out.append("</li>")

    def entry(self, node: Node) -> str:
        """A classifier: chosen, to be clicked, or with nothing behind."""
        leaf, number = node.leaf, self.plan.count(node.text)
        if node.text in self.chosen:
            return f'<li aria-current="true"><strong>{leaf}</strong>{self.told(self.choosing.counts.get(node.text, 0))}'
        if self.choosing.counts and not number:
            return f'<li><span class="none">{leaf}</span>{self.told(number)}'
        return f'<li><a href="{self.plan.href(node.text)}">{leaf}</a>{self.told(number)}'

    def told(self, number: int) -> str:
        return f' <span class="count">{number:,}</span>' if self.choosing.counts else ""

    def holds(self, node: Node) -> bool:
        """Whether a classifier, or one below it, is chosen."""
        if not self.chosen:
            return False
        below = node.text + SEPARATOR
        return any(text == node.text or text.startswith(below) for text in self.chosen)
