"""A question as a bitmap: whom each test lets pass, and all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pyroaring import BitMap

from otumat.spec.names import normalize
from otumat_index.discover.search.asked import CLASSIFIER, TEXT, Query, Term
from otumat_index.discover.search.engine import document as tokens
from otumat_index.discover.search.engine.bitmaps import Ids, bitmap, ids_of, rows, union
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.engine.words import UNSAID, words
from otumat_index.discover.search.fields import OTHERS, canonical
from otumat_index.discover.search.moments import span

REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Hits:
    """Where a test of text was met: a bitmap for each of `TEXTS`."""

    places: tuple[BitMap, ...]

    def anywhere(self) -> BitMap:
        return union(list(self.places))


@dataclass(frozen=True, slots=True)
class Selection:
    """
    Who passes.

    Attributes:
        match: Among those that may be seen.
        hits: Of each test of text, in order.
        text: The words asked for, without those that say nothing.
    """

    match: BitMap
    hits: tuple[Hits, ...]
    text: tuple[str, ...]


def select(index: Index, query: Query, visible: BitMap, *, at: int) -> Selection:
    """Everybody who passes all tests and may be seen."""
    texts, others = said(query.terms), [term for term in query.terms if not is_text(term)]
    last = texts[-1] if texts and query.is_typing else None
    hits = [hits_of(index, term, is_typing=term is last) for term in texts]
    wanted = [each.anywhere() for each in hits]
    wanted += [passing(index, term, at=at) for term in others if not term.negated]
    match = reduce(BitMap.intersection, sorted(wanted, key=len), visible)
    for term in others:
        if term.negated:
            match = match - passing(index, term, at=at)
    text = tuple(value for term in texts for value in term.values)
    return Selection(match, tuple(hits), text)


def is_text(term: Term) -> bool:
    return term.field == TEXT and not term.negated


def said(terms: Sequence[Term]) -> list[Term]:
    """Tests of text that say something; grammar alone counts only where there is nothing else."""
    texts = [term for term in terms if is_text(term) and any(words(value) for value in term.values)]
    meant = [term for term in texts if not all(set(words(value)) <= UNSAID for value in term.values)]
    return meant or texts


def hits_of(index: Index, term: Term, *, is_typing: bool = False) -> Hits:
    found = [value_hits(index, words(value), is_typing=is_typing) for value in term.values if words(value)]
    if len(found) == 1:
        return found[0]
    return Hits(tuple(union(list(places)) for places in zip(*(each.places for each in found), strict=True)))


def value_hits(index: Index, wanted: list[str], *, is_typing: bool) -> Hits:
    """Where one word stands, or several in a row."""
    per_word = [word_hits(index, word, is_typing=is_typing and at == len(wanted) - 1) for at, word in enumerate(wanted)]
    if len(wanted) == 1:
        return Hits(tuple(per_word[0]))
    anywhere = reduce(BitMap.intersection, [union(places) for places in per_word])
    verified = in_a_row(index, anywhere, wanted[:-1] if is_typing else wanted)
    places = [reduce(BitMap.intersection, of_words) & verified for of_words in zip(*per_word, strict=True)]
    return Hits((*places[:-1], verified))


def word_hits(index: Index, word: str, *, is_typing: bool) -> list[BitMap]:
    if not is_typing:
        return [index.having(place + word) for place in tokens.TEXTS]
    found = [remembered(index, ("begun", place, word), partial(begun, index, place, word)) for place in tokens.TEXTS]
    return [found[0] | names_beginning(index, word), *found[1:]]


def begun(index: Index, place: str, word: str) -> BitMap:
    """Who has a word that begins so; one or two letters begin too many to mean anything but themselves."""
    return index.having_any(place + word) if len(word) > 2 else index.having(place + word)


def names_beginning(index: Index, name: str) -> BitMap:
    """Projects whose normalised name begins so."""
    begin, end = index.base.name_list.beginning(name)
    found = bitmap(np.sort(index.base.by_name[begin:end])) - index.changed
    for number, fresh in index.fresh.items():
        if fresh.name.startswith(name):
            found.add(number)
    return found


VERIFIED_AT_ONCE = 20_000


def in_a_row(index: Index, candidates: BitMap, wanted: list[str]) -> BitMap:
    """Those among candidates, who have all of these words, that have them one after the other."""
    if len(wanted) < 2:
        return candidates
    hashes = [crc32(word.encode()) for word in wanted]
    known = [bits for bits in map(index.base.pair, hashes, hashes[1:]) if bits is not None]
    old = reduce(BitMap.intersection, known, candidates - index.changed)
    found = [old] if known and len(hashes) == 2 else list(read_through(index, old, hashes))
    fresh = [n for n in candidates & index.fresh_ids if len(places_of(index.fresh[n].sequence, hashes))]
    return union([*found, BitMap(fresh)])


def read_through(index: Index, candidates: BitMap, hashes: list[int]) -> Iterator[BitMap]:
    """Those whose text, as the folder has it, has these words in a row."""
    ids = ids_of(candidates)
    ids = ids[ids < index.base.count]
    for part in np.array_split(ids, len(ids) // VERIFIED_AT_ONCE + 1):
        if len(part):
            yield bitmap(rows_with(index, part, hashes))


def rows_with(index: Index, ids: Ids, hashes: list[int]) -> Ids:
    values, begins = rows(index.base.sequence, index.base.sequence_begins, ids)
    at = places_of(values, hashes)
    owner = np.searchsorted(begins, at, "right") - 1
    whole = at + len(hashes) <= begins[owner + 1]
    return ids[np.unique(owner[whole])]


def places_of(values: Ids, hashes: list[int]) -> NDArray[np.int64]:
    """Where these hashes begin to stand in a row."""
    if len(values) < len(hashes):
        return np.empty(0, np.int64)
    at = np.flatnonzero(values[: len(values) - len(hashes) + 1] == hashes[0])
    for step, wanted in enumerate(hashes[1:], 1):
        at = at[values[at + step] == wanted]
    return at


# Tests of one field.


def passing(index: Index, term: Term, *, at: int) -> BitMap:
    """Whom a test lets pass, negated or not, whoever may see them."""
    field = canonical(term.field)
    if field == TEXT:
        return union([value_hits(index, words(v), is_typing=False).anywhere() for v in term.values if words(v)])
    test = TESTS.get(field)
    if test is None and field in OTHERS:
        return union([all_words(index, tokens.other(field), value) for value in term.values])
    if test is None:
        return BitMap()
    made = [remembered(index, (field, value, at // 60), partial(test, index, value, at)) for value in term.values]
    return union(made)


def remembered(index: Index, key: object, make: Callable[[], BitMap]) -> BitMap:
    """What was made for this key since the last change."""
    found = index.remembered.get(key)
    if found is None:
        if len(index.remembered) >= REMEMBERED:
            index.remembered.clear()
        found = index.remembered[key] = make()
    return found


def all_words(index: Index, prefix: str, value: str) -> BitMap:
    wanted = words(value)
    return reduce(BitMap.intersection, [index.having(prefix + word) for word in wanted]) if wanted else BitMap()


def classifier(index: Index, value: str, _: int) -> BitMap:
    number = index.node_numbers.get(value)
    return index.node_bits[number].copy() if number is not None else BitMap()


def name(index: Index, value: str, _: int) -> BitMap:
    """All of the words, or the beginning of the normalised name."""
    wanted = normalize(value).strip("-*")
    return all_words(index, tokens.NAME, value) | names_beginning(index, wanted) if wanted else BitMap()


def keyword(index: Index, value: str, _: int) -> BitMap:
    return index.having(tokens.WHOLE_KEYWORD + tokens.tidy(value)) | all_words(index, tokens.KEYWORD, value)


def depends(index: Index, value: str, _: int) -> BitMap:
    return index.having(tokens.DEPENDS + normalize(value))


def version(index: Index, value: str, _: int) -> BitMap:
    text = tokens.VERSION + tokens.tidy(value)
    return index.having_any(text[:-1]) if text.endswith("*") else index.having(text)


def python(index: Index, value: str, _: int) -> BitMap:
    """The classifier of this Python, or a requires-python that was given and admits it."""
    named = classifier(index, f"Programming Language :: Python :: {value}", 0)
    known = requirements(index)
    return union([named, *(index.having(tokens.PYTHON + text) for text in known if admits(text, value))])


def requirements(index: Index) -> set[str]:
    """Every requires-python that somebody states."""
    begin, end = index.base.token_list.beginning(tokens.PYTHON)
    stated = {index.base.token_list.text(at)[1:] for at in range(begin, min(end, begin + 20_000))}
    return stated | {token[1:] for token in index.overlay_beginning(tokens.PYTHON)}


@lru_cache(maxsize=20_000)
def admits(requires: str, version: str) -> bool:
    try:
        return SpecifierSet(requires).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def license_(index: Index, value: str, _: int) -> BitMap:
    """A classifier in full, or an id or words of the licence."""
    return classifier(index, value, 0) if " :: " in value else all_words(index, tokens.LICENSE, value)


def flag(kind: str) -> Callable[[Index, str, int], BitMap]:
    return lambda index, value, _: index.having(f"{tokens.FLAG}{kind}:{value.lower()}")


def in_words(prefix: str) -> Callable[[Index, str, int], BitMap]:
    return lambda index, value, _: all_words(index, prefix, value)


def moment(column: str) -> Callable[[Index, str, int], BitMap]:
    def within(index: Index, value: str, at: int) -> BitMap:
        begin, end = span(value, at=at) or (0, 0)
        values = getattr(index.base, column)
        found = bitmap(np.flatnonzero((values >= begin) & (values < end)).astype(np.uint32)) - index.changed
        found.update(n for n, fresh in index.fresh.items() if begin <= getattr(fresh, column) < end)
        return found

    return within


TESTS: dict[str, Callable[[Index, str, int], BitMap]] = {
    CLASSIFIER: classifier,
    "name": name,
    "keyword": keyword,
    "depends": depends,
    "version": version,
    "python": python,
    "has": flag("has"),
    "is": flag("is"),
    "status": flag("status"),
    "author": in_words(tokens.AUTHOR),
    "maintainer": in_words(tokens.MAINTAINER),
    "license": license_,
    "summary": in_words(tokens.SUMMARY),
    "description": in_words(tokens.BODY),
    "updated": moment("updated"),
    "created": moment("created"),
}
