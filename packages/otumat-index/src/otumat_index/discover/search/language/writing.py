"""From query to text: the one spelling that `read` makes the same query of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from otumat_index.discover.search import asked
from otumat_index.discover.search.asked import Order, Query, Term
from otumat_index.discover.search.language import fields, licences
from otumat_index.discover.search.language.naming import Names

_WORD = re.compile(r"[^\s\"\\:,-][^\s\"\\:,]*(?<!\*)")
_VALUE = re.compile(r"[^\s\",\\:/][^\s,\\]*")


def write(query: Query, names: Names) -> str:
    """
    The text of a query.

    >>> write(Query((Term("text", ("queue",)), Term("author", ("R. Jones",), negated=True))), Names.of(()))
    'queue -author:"R. Jones"'
    """
    parts = [write_term(term, names) for term in query.terms]
    if (last := last_word(query)) is not None and query.is_typing:
        parts[last] += "*"
    if query.order != Order.BEST:
        parts.append(f"{fields.SORT}:{query.order}")
    return " ".join(parts)


def last_word(query: Query) -> int | None:
    """Where the last word that results must have stands among the terms, if it is written without quotes."""
    texts = [place for place, term in enumerate(query.terms) if term.field == asked.TEXT and not term.negated]
    values = query.terms[texts[-1]].values if texts else ()
    return texts[-1] if len(values) == 1 and _WORD.fullmatch(values[0]) else None


def write_term(term: Term, names: Names) -> str:
    """The text of one test."""
    return ("-" if term.negated else "") + _plain(term, names)


def _plain(term: Term, names: Names) -> str:
    if term.field == asked.TEXT and len(term.values) == 1:
        word = term.values[0]
        return word if _WORD.fullmatch(word) else _quoted(word)
    if term.field == asked.CLASSIFIER:
        return _classifier(term.values, names)
    values = _licences(term.values, names) if term.field == asked.LICENSE else term.values
    field = asked.IS if term.field == asked.STATUS else term.field
    return f"{field}:{_joined(values)}"


def _classifier(values: tuple[str, ...], names: Names) -> str:
    """In short where one field can say all of them; else in full."""
    shorts = [names.short(each) for each in values]
    if "" not in (found := {field for field, _ in shorts}) and len(found) == 1:
        return f"{shorts[0][0]}:{_joined(value for _, value in shorts)}"
    return f"{asked.CLASSIFIER}:{_joined(values)}"


def _licences(values: tuple[str, ...], names: Names) -> Iterator[str]:
    """Each classifier with the ids that follow it as one word."""
    rest = list(values)
    while rest:
        each = rest.pop(0)
        ids = licences.IDS_OF.get(each, ())
        taken = [rest.pop(0) for _ in ids if rest and rest[0] in ids]
        if len(taken or ids) == 1:
            yield (taken or ids)[0]
        else:
            yield names.licence(each) or each


def _joined(values: Iterable[str]) -> str:
    return ",".join(each if _VALUE.fullmatch(each) else _quoted(each) for each in values)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
