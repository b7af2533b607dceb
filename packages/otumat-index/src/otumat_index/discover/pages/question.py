"""
What an address asks for, as one query: the text of the box, the fields of the form, and the classifiers clicked.

They are views of one thing: `read` turns each into terms, and `address` writes a query as the one address of its list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlencode

from django.http import QueryDict

from otumat_index.discover.pages.asked import text_of, tidy
from otumat_index.discover.search import asked
from otumat_index.discover.search.asked import Query, Term
from otumat_index.discover.search.language import Names, Slip, field_terms, fields, write
from otumat_index.discover.search.language import read as read_text
from otumat_index.publish.queries import vocabulary

CLASSIFIERS_MAX = 8
ROWS = 20
ROWS_MAX = 100
PLACE_MAX_CHARS = 300
SEARCH = "/search"
BROWSE = "/browse/"
FORM_FIELDS = (*fields.METADATA, asked.LICENSE)


@dataclass(frozen=True, slots=True)
class Question:
    """
    What somebody wants to see.

    Attributes:
        text: The box, as it was typed.
        slips: What could not be used of it.
        may_grow: The text ends with a word that may be the beginning of one.
        place: Opaque: where in the list the page begins.
        rows: Most projects on the page.
    """

    query: Query
    text: str = ""
    slips: tuple[Slip, ...] = ()
    may_grow: bool = False
    place: str = ""
    rows: int = ROWS


@lru_cache(maxsize=4)
def names_of(texts: frozenset[str]) -> Names:
    """Made once for each list of classifiers."""
    return Names.of(texts)


def names() -> Names:
    """How this index's classifiers are named in short."""
    return names_of(vocabulary().allowed)


def read(query: QueryDict, *, names: Names, is_typing: bool = False) -> Question:
    """What an address asks for. Odd values are cut, told of or left out: a strange link shows a list, not an error."""
    found = read_text(query.get("q", ""), names=names, is_typing=is_typing)
    classifiers = list(dict.fromkeys(filter(None, map(tidy, query.getlist("c")[: 4 * CLASSIFIERS_MAX]))))
    texts = [(field, text_of(query, field)) for field in FORM_FIELDS if field in query]
    chosen = [Term(asked.CLASSIFIER, (text,)) for text in classifiers[:CLASSIFIERS_MAX]]
    terms = dict.fromkeys([*chosen, *field_terms(texts, names=names), *found.query.terms])
    order = fields.ORDERS.get(query.get("sort", ""), found.query.order)
    slips = found.slips
    if len(classifiers) > CLASSIFIERS_MAX:
        message = f"No more than {CLASSIFIERS_MAX} classifiers at once: the others were left out."
        slips += (Slip("classifiers.many", 0, 0, message),)
    return Question(
        Query(tuple(terms)[: fields.TERMS_MAX], order, found.query.is_typing),
        found.text,
        slips,
        read_text(found.text, names=names, is_typing=True, slips_max=0).query.is_typing,
        query.get("place", "")[:PLACE_MAX_CHARS],
        rows_of(query.get("rows", "")),
    )


def rows_of(text: str) -> int:
    """Rows a page: 1 to `ROWS_MAX`; anything unreadable is the default."""
    return min(max(int(text), 1), ROWS_MAX) if text.isascii() and text.isdigit() and len(text) < 5 else ROWS


def address(path: str, query: Query, names: Names, **more: str) -> str:
    """
    The one address of a list.

    Args:
        path: `SEARCH` writes all as text; `BROWSE` has classifiers that are simply chosen in `c`.
        more: Other parameters: `place`, `rows`, `mode`; empty ones are left out.
    """
    chosen = [term for term in query.terms if path != SEARCH and is_chosen(term)][:CLASSIFIERS_MAX]
    text = write(replace(query, terms=tuple(term for term in query.terms if term not in chosen)), names)
    pairs = [("q", text), *(("c", term.values[0]) for term in chosen), *more.items()]
    found = urlencode([(name, value) for name, value in pairs if value])
    return f"{path}?{found}" if found else path


def is_chosen(term: Term) -> bool:
    """Whether a term is one classifier that projects carry."""
    return term.field == asked.CLASSIFIER and not term.negated and len(term.values) == 1


def without(query: Query, term: Term) -> Query:
    """The query without one of its tests."""
    return replace(query, terms=tuple(each for each in query.terms if each != term))


def instead(query: Query, term: Term, other: Term) -> Query:
    """The query with one of its tests changed."""
    return replace(query, terms=tuple(dict.fromkeys(other if each == term else each for each in query.terms)))


def from_form(query: QueryDict, *, names: Names) -> str:
    """The text of the box that says what a form says: as it was typed, slips and all, and the fields behind it."""
    classifiers = [Term(asked.CLASSIFIER, (text,)) for text in filter(None, map(tidy, query.getlist("c")[:99]))]
    texts = [(field, text_of(query, field)) for field in FORM_FIELDS if field in query]
    terms = dict.fromkeys([*classifiers[:CLASSIFIERS_MAX], *field_terms(texts, names=names)])
    return f"{query.get('q', '').strip()} {write(Query(tuple(terms)), names)}".strip()


def in_form(query: Query) -> tuple[dict[str, str], Query]:
    """What the form's fields show of a query, and the rest of it, which stays in the box."""
    shown: dict[str, str] = {}
    rest = []
    for term in query.terms:
        if term.field in fields.METADATA and not term.negated and len(term.values) == 1 and term.field not in shown:
            shown[term.field] = term.values[0]
        else:
            rest.append(term)
    return shown, replace(query, terms=tuple(rest))
