"""From what each project has to who has it: tokens, three letters of a name in a row, two words in a row."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otumat_index.discover.search.engine.bitmaps import Ids, bitmap
from otumat_index.discover.search.engine.dictionary import pack
from otumat_index.discover.search.engine.document import GAP, TRIGRAM
from otumat_index.discover.search.engine.gathered import AT_ONCE, Gathered, counted, np_of

Array = tuple[str, NDArray[Any]]
RARE = 32
"""Up to so many ids of a token are kept as they are; more, as a roaring bitmap."""
NAMES_AT_ONCE = 50_000
FREQUENT = 8_000
"""A word that stands so often in names, keywords and summaries; of less frequent ones the texts are looked at."""


class Inverted:
    """Ids by what has them, in the order in which it is added: up to `rare` as they are, more as roaring bitmaps."""

    def __init__(self, *, rare: int = RARE) -> None:
        self.rare = rare
        self.few: list[Ids] = []
        self.many: list[bytes] = []
        self.counts: list[NDArray[np.int64]] = []

    def add(self, owners: Ids, counts: NDArray[np.int64]) -> None:
        """Take in owners of several things, one thing after the other, ascending; and how many each has."""
        ends = np.cumsum(counts)
        is_common = counts > self.rare
        common = np.flatnonzero(is_common).tolist()
        self.many += [serialized(owners[ends[at] - counts[at] : ends[at]]) for at in common]
        self.few.append(owners[np.repeat(~is_common, counts)])
        self.counts.append(counts)

    def packed(self, name: str) -> Iterator[Array]:
        """The bitmaps, and where each begins and the last one ends."""
        yield name, np.frombuffer(b"".join(self.many), np.uint8)
        yield f"{name}_begins", np.array([0, *accumulate(map(len, self.many))], np.uint64)


def serialized(ids: Ids) -> bytes:
    bits = bitmap(ids)
    bits.run_optimize()
    return bytes(bits.serialize())


def each_owners(things: NDArray[Any], owners: Ids, count: int) -> tuple[Ids, NDArray[np.int64]]:
    """Who has each thing, by things 0 to `count` - 1, owners ascending; and how many have each."""
    key = things.astype(np.uint64)  # in place from here: it is large
    key <<= np.uint64(32)
    key |= owners
    key.sort()
    return key.astype(np.uint32), counted(things, count)


def starts(ordered: Ids) -> NDArray[np.int64]:
    """Where in a sorted array each number begins to stand."""
    return np.flatnonzero(np.concatenate((np.ones(min(len(ordered), 1), np.bool_), ordered[1:] != ordered[:-1])))


def postings(gathered: Gathered, ids: Ids) -> Iterator[Array]:
    """The dictionary of tokens, and which projects have each. Gives up the gathered tokens and names."""
    tokens, places = sorted_tokens(gathered)
    grams, gram_owners, gram_counts = trigrams(gathered.names, ids)
    gathered.names.clear()
    middle = bisect_left(tokens, TRIGRAM)  # no other token begins so: those of names stand together
    blob, offsets = pack([*tokens[:middle], *grams, *tokens[middle:]])
    yield "tokens", blob
    yield "tokens_offsets", offsets
    count = len(tokens)
    del tokens, blob
    at = np_of(gathered.token_ids)
    for begin in range(0, len(at), AT_ONCE):  # in place: it is the largest of all
        at[begin : begin + AT_ONCE] = places[at[begin : begin + AT_ONCE]]
    ends = np.cumsum(np_of(gathered.token_lengths), dtype=np.int64)
    inverted = Inverted()
    invert(inverted, at, (ids, ends), 0, middle, count)
    inverted.add(gram_owners, gram_counts)
    invert(inverted, at, (ids, ends), middle, count, count)
    del at, gram_owners
    gathered.token_ids = array("I")
    counts = np.concatenate(inverted.counts)
    rare = np.where(counts <= RARE, counts, 0)
    yield "rare", np.concatenate(inverted.few)
    yield "rare_begins", np.concatenate(([0], np.cumsum(rare))).astype(np.uint32)
    yield "common_tokens", np.flatnonzero(counts > RARE).astype(np.uint32)
    yield "common_counts", counts[counts > RARE].astype(np.uint32)
    yield from inverted.packed("common")


def sorted_tokens(gathered: Gathered) -> tuple[list[str], Ids]:
    """All tokens in order, and the place of each by the number it was gathered under."""
    texts = list(gathered.tokens)
    gathered.tokens.clear()
    order = sorted(range(len(texts)), key=texts.__getitem__)
    places = np.empty(len(texts), np.uint32)
    places[np.array(order, np.int64)] = np.arange(len(texts), dtype=np.uint32)
    return [texts[at] for at in order], places


def invert(inverted: Inverted, at: Ids, whose: tuple[Ids, NDArray[np.int64]], begin: int, end: int, count: int) -> None:
    """
    Add the owners of tokens from one place to another, some at a time.

    Args:
        whose: The projects in the order of reading, and where the tokens of each end.
    """
    owners, token_ends = whose
    ends = np.cumsum(counted(at, count))
    done = int(ends[begin - 1]) if begin else 0
    cuts = np.searchsorted(ends, np.arange(done + AT_ONCE, int(ends[end - 1]) if end else 0, AT_ONCE)) + 1
    for first, last in pairwise(sorted({begin, *(int(cut) for cut in cuts if begin < cut < end), end})):
        some = np.flatnonzero((at >= first) & (at < last))
        mine = owners[np.searchsorted(token_ends, some, "right")]
        inverted.add(*each_owners(at[some] - np.uint32(first), mine, last - first))


def trigrams(names: Sequence[str], ids: Ids) -> tuple[list[str], Ids, NDArray[np.int64]]:
    """
    Every three letters in a row of every name.

    Returns:
        The tokens in order, the projects of one after the other, and how many each has.
    """
    found = [
        letters(names[at : at + NAMES_AT_ONCE], ids[at : at + NAMES_AT_ONCE])
        for at in range(0, len(names), NAMES_AT_ONCE)
    ]
    keys = np.concatenate(found) if found else np.empty(0, np.uint64)
    del found
    keys.sort()
    grams = (keys >> np.uint64(32)).astype(np.uint32)
    first = starts(grams)
    codes, counts = grams[first].tolist(), np.diff(np.append(first, len(grams)))
    tokens = [TRIGRAM + chr(c >> 16) + chr(c >> 8 & 255) + chr(c & 255) for c in codes]
    return tokens, keys.astype(np.uint32), counts


def letters(names: Sequence[str], ids: Ids) -> NDArray[np.uint64]:
    """Three letters in a row as one number, and below it whose name they are in; each once, in order."""
    text = np.frombuffer("".join(f"^{name}$" for name in names).encode("ascii", "replace"), np.uint8).astype(np.uint64)
    owner = np.repeat(ids, np.fromiter(map(len, names), np.int64, len(names)) + 2).astype(np.uint64)
    code = text[:-2] << np.uint64(16) | text[1:-1] << np.uint64(8) | text[2:]
    whole = owner[:-2] == owner[2:]
    return np.unique(code[whole] << np.uint64(32) | owner[:-2][whole])


def pairs(values: Ids, begins: NDArray[np.int64], frequent: int) -> Iterator[Array]:
    """
    Who has two frequent words one after the other: looking at the texts of all who have both takes too long for them.

    Args:
        values: Hashes of words, project after project.
        begins: Where those of each project begin, and the last one's end.
    """
    known = often(values, frequent)
    found = [
        neighbours(values, begins[at : at + NAMES_AT_ONCE + 1], at, known)
        for at in range(0, len(begins) - 1, NAMES_AT_ONCE)
    ]
    keys = np.concatenate(found) if found else np.empty(0, np.uint64)
    keys.sort()
    both = (keys >> np.uint64(32)).astype(np.uint32)
    first = starts(both)
    inverted = Inverted(rare=0)
    inverted.add(keys.astype(np.uint32), np.diff(np.append(first, len(both))))
    yield "pair_words", known
    yield "pair_keys", both[first]
    yield from inverted.packed("pairs")


def often(values: Ids, frequent: int) -> Ids:
    """Frequent words in order."""
    ordered = np.sort(values)
    first = starts(ordered)
    counts = np.diff(np.append(first, len(ordered)))
    words: Ids = ordered[first[(counts >= frequent) & (ordered[first] != GAP)]]
    return words


def neighbours(values: Ids, begins: NDArray[np.int64], begin: int, frequent: Ids) -> NDArray[np.uint64]:
    """Two frequent words in a row as one number, and below it whose they are; each once, of some projects."""
    some = values[begins[0] : begins[-1]]
    if not len(frequent) or len(some) < 2:
        return np.empty(0, np.uint64)
    place = np.minimum(np.searchsorted(frequent, some), len(frequent) - 1).astype(np.uint64)
    is_frequent = frequent[place] == some
    owner = np.repeat(np.arange(begin, begin + len(begins) - 1, dtype=np.uint64), np.diff(begins))
    both = np.flatnonzero(is_frequent[:-1] & is_frequent[1:] & (owner[:-1] == owner[1:]))
    keys = (place[both] * np.uint64(len(frequent)) + place[both + 1]) << np.uint64(32) | owner[both]
    return np.unique(keys)
