"""
The best first: exact name, then everything in the name, keywords, summary, description; quality decides within.

Ids are in order of quality, so the best of a tier are its first ones. For several words that is too coarse ("time
series" is a matter of summaries): the first few hundred of every tier are weighed against each other before the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import log
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from otumat.spec.names import normalize
from otumat_index.discover.search.engine.bitmaps import Ids, bitmap, ids_of, rows
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.engine.ordering import Page
from otumat_index.discover.search.engine.selecting import Hits, Selection
from otumat_index.discover.search.engine.words import words

WEIGHED = 200
"""Of each tier."""
WEIGHTS = (4.0, 2.0, 1.6, 0.5)
"""What a word in the name, keywords, summary, description is worth."""
TIER = 3.0
"""What a better tier is worth when one word is asked for; with several, the weights speak for themselves."""
IN_A_ROW = 2.5
QUALITY = 0.6
SEQUENCE_MAX = 48
OFFSET_MAX_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Ranking:
    """A selection in order: those weighed one by one, then the rest of each tier."""

    first: Sequence[int]
    rest: Sequence[BitMap]

    def slice(self, begin: int, end: int) -> list[int]:
        """From one rank to another."""
        found = list(self.first[begin:end])
        passed = len(self.first)
        for bits in self.rest:
            low, high = max(begin, passed) - passed, end - passed
            if 0 <= low < min(high, len(bits)):
                found += list(bits[low : min(high, len(bits))])
            passed += len(bits)
        return found


def page(index: Index, chosen: Selection, *, rows: int, place: str) -> Page:
    """One page; a place is a rank."""
    begin = int(place) if place.isascii() and place.isdigit() and len(place) <= OFFSET_MAX_DIGITS else 0
    found = rank(index, chosen).slice(begin, begin + rows)
    after = begin + rows if begin + rows < len(chosen.match) and found else 0
    before = str(max(0, begin - rows)) if begin and found else ""
    return Page(tuple(found), str(after) if after else "", before)


def rank(index: Index, chosen: Selection) -> Ranking:
    """Put a selection in order."""
    if not chosen.hits:
        return Ranking((), (chosen.match,))
    tiers = tiers_of(chosen)
    weighed = [near(index, tier) for tier in tiers]
    ids = np.concatenate(weighed)
    tier_of = np.repeat(np.arange(len(tiers)), [len(part) for part in weighed])
    order = np.argsort(-scores(index, chosen, ids, tier_of), kind="stable")
    first = exact(index, chosen) + ids[order].tolist()
    taken = bitmap(np.sort(ids))
    return Ranking(list(dict.fromkeys(first)), [tier - taken for tier in tiers])


def tiers_of(chosen: Selection) -> list[BitMap]:
    """Everybody selected, once: where all tests of text are met in the name; in it or the keywords; and so on."""
    found, left = [], chosen.match
    for place in range(len(chosen.hits[0].places) - 1):
        parts = [reduce(BitMap.union, each.places[1 : place + 1], each.places[0]) for each in chosen.hits]
        tier = reduce(BitMap.intersection, parts, left)
        found.append(tier)
        left = left - tier
    return [*found, left]


def near(index: Index, tier: BitMap) -> Ids:
    """The best of a tier: its first, and the newest of those that came after the last build."""
    first = ids_of(tier[:WEIGHED])
    if index.next_id == index.base.count or len(tier) <= WEIGHED:
        return first
    fresh = ids_of(tier[max(WEIGHED, len(tier) - WEIGHED) :])
    return np.concatenate((first, fresh[fresh >= index.base.count]))


def exact(index: Index, chosen: Selection) -> list[int]:
    """The project of just this name, if it is selected."""
    found = []
    for name in (normalize("-".join(chosen.text)), "".join(words(" ".join(chosen.text)))):
        number = index.id_of("-".join(name.split()))
        if number >= 0 and number in chosen.match:
            found.append(number)
    return found


def scores(index: Index, chosen: Selection, ids: Ids, tier_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """How well each of some projects answers; higher is better."""
    found = np.zeros(len(ids))
    if not len(ids):
        return found
    name_words, head_words = lengths(index, ids)
    even = np.ones(len(ids))
    norms = (1.0 / np.sqrt(name_words), 0.7 * even, 1.0 / np.sqrt(0.5 + head_words / 12.0), even)
    sorter = np.argsort(ids)
    among = bitmap(ids[sorter])
    for hits in chosen.hits:
        weight = rarity(index, hits)
        best = np.zeros(len(ids))
        for place, norm, worth in zip(hits.places, norms, WEIGHTS, strict=True):
            at = sorter[np.searchsorted(ids[sorter], ids_of(place & among))]
            value = np.zeros(len(ids))
            value[at] = worth
            best = np.maximum(best, value * norm) + 0.2 * np.minimum(best, value * norm)
        found += weight * best
    if len(chosen.hits) > 1:
        found += IN_A_ROW * in_a_row(index, chosen, ids)
    else:
        found -= TIER * 4 * tier_of
    # The better quarter of the index against the worse: a little, so that it only decides among like ones.
    return found - QUALITY * np.log2(1.0 + ids / 64.0)


def rarity(index: Index, hits: Hits) -> float:
    """A word that few use says more."""
    having = max(len(place) for place in hits.places)
    return log(1.0 + (index.next_id + 1) / (having + 1.0)) / 4.0 + 0.5


def lengths(index: Index, ids: Ids) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many words name and head of some projects have, at least 1."""
    inside = np.minimum(ids, max(index.base.count - 1, 0))
    base = index.base
    names = base.name_words[inside].astype(np.float64) if base.count else np.ones(len(ids))
    heads = base.head_words[inside].astype(np.float64) if base.count else np.ones(len(ids))
    for at, number in enumerate(ids.tolist()):
        if number in index.fresh:
            names[at], heads[at] = index.fresh[number].name_words, index.fresh[number].head_words
    return np.maximum(names, 1), np.maximum(heads, 1)


def in_a_row(index: Index, chosen: Selection, ids: Ids) -> NDArray[np.float64]:
    """For each project the part of neighbouring words asked for that are neighbours in its text, too."""
    asked = [crc32(word.encode()) for value in chosen.text for word in words(value)]
    pairs = list(pairwise(asked))
    table = opening_words(index, ids)
    found = np.zeros(len(ids))
    for first, second in pairs:
        found += ((table[:, :-1] == first) & (table[:, 1:] == second)).any(axis=1)
    return found / max(len(pairs), 1)


def opening_words(index: Index, ids: Ids) -> NDArray[np.uint32]:
    """The first words of projects as hashes, a row each."""
    table = np.zeros((len(ids), SEQUENCE_MAX), np.uint32)
    old = np.flatnonzero(ids < index.base.count)
    values, begins = rows(index.base.sequence, index.base.sequence_begins, ids[old])
    within = np.arange(len(values)) - np.repeat(begins[:-1], np.diff(begins))
    owner = np.repeat(old, np.diff(begins))
    kept = within < SEQUENCE_MAX
    table[owner[kept], within[kept]] = values[kept]
    for at, number in enumerate(ids.tolist()):
        if number in index.fresh:
            words_of = index.fresh[number].sequence[:SEQUENCE_MAX]
            table[at] = 0
            table[at, : len(words_of)] = words_of
    return table
