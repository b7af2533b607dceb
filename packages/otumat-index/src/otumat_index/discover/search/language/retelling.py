"""What somebody who does not know the language says in plain words: `web framework mit python 3.13`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from otumat_index.discover.search import asked
from otumat_index.discover.search.asked import Query, Term
from otumat_index.discover.search.language import licences, meaning
from otumat_index.discover.search.language.naming import Names

_PYTHON = re.compile(r"[23](\.\d{1,2})?")


def retold(query: Query, names: Names) -> Query:
    """The same query with words that name a licence or a version of Python as tests of these; mostly the same."""
    told = tuple(dict.fromkeys(_told(query.terms, names)))
    return query if told == query.terms else replace(query, terms=told, is_typing=False)


def _told(terms: tuple[Term, ...], names: Names) -> Iterator[Term]:
    has_python = any(_python(term, names) for term in terms)
    for term in terms:
        word = _word(term)
        if has_python and word == "python":
            continue
        if word in licences.CLASSIFIER_OF:
            yield Term(asked.LICENSE, meaning.licence(names, asked.LICENSE, word).values)
        else:
            yield _python(term, names) or term


def _python(term: Term, names: Names) -> Term | None:
    word = _word(term)
    found = names.find("python", word) if _PYTHON.fullmatch(word) else ()
    return Term(asked.CLASSIFIER, found) if len(found) == 1 else None


def _word(term: Term) -> str:
    """A word that results must have, without case; empty when the term is something else."""
    is_word = term.field == asked.TEXT and not term.negated and len(term.values) == 1
    return term.values[0].casefold() if is_word else ""
