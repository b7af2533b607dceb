"""What was probably meant: names and words that differ by a slip or two, of projects the asker may see."""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap
from rapidfuzz.distance import OSA

from otumat.spec.names import normalize
from otumat_index.discover.search.engine import document as tokens
from otumat_index.discover.search.engine.bitmaps import NOTHING, Ids, ids_of
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.engine.selecting import Selection
from otumat_index.discover.search.engine.words import trigrams, words

LITTLE = 3
"""So few results are worth a question."""
VOTES_MAX = 200_000
CANDIDATES = 300
WORD_AT_LEAST = 33
ASKED_MAX_CHARS = 60
ASKED_MAX_WORDS = 5


def suggest(index: Index, chosen: Selection, visible: BitMap) -> str:
    """The text as it was probably meant; empty when it is well as it is, or nothing is like it."""
    text = " ".join(chosen.text)
    asked = words(text)
    if len(chosen.match) > LITTLE or not asked or len(asked) > ASKED_MAX_WORDS or len(text) > ASKED_MAX_CHARS:
        return ""
    name = near_name(index, normalize("-".join(asked)), visible)
    corrected = " ".join(near_word(index, word, visible) for word in asked)
    if len(asked) > 1 and corrected != " ".join(asked):
        return corrected
    return name or (corrected if corrected != " ".join(asked) else "")


def near_name(index: Index, asked: str, visible: BitMap) -> str:
    """The best project whose name differs by at most two slips (one in short names)."""
    most = slips(asked)
    best: tuple[float, int] | None = None
    for number in candidates(index, asked, visible).tolist():
        distance = OSA.distance(asked, index.name(number), score_cutoff=most)
        if 0 < distance <= most:
            # A slip weighs as much as being ten thousand times further down in quality.
            rank = (distance + np.log10(1.0 + number) / 4.0, number)
            best = rank if best is None or rank < best else best
    return index.name(best[1]) if best else ""


def slips(text: str) -> int:
    """How many slips are believed in a text of this length."""
    return 0 if len(text) < 3 else 1 if len(text) < 6 else 2


def candidates(index: Index, asked: str, visible: BitMap) -> Ids:
    """Projects whose names share most with a text, the best first among equals."""
    grams = sorted((index.having(tokens.TRIGRAM + gram) for gram in trigrams(asked)), key=len)
    votes: list[Ids] = []
    total = 0
    for bits in grams:
        if total and total + len(bits) > VOTES_MAX:
            break
        seen = ids_of(bits & visible)
        votes.append(seen)
        total += len(seen)
    if not total:
        return NOTHING
    cast = np.sort(np.concatenate(votes))
    begins = np.flatnonzero(np.concatenate(([True], cast[1:] != cast[:-1])))
    counts = np.diff(np.append(begins, len(cast)))
    order = np.argsort(-counts, kind="stable")[:CANDIDATES]
    return cast[begins[order]]


def near_word(index: Index, word: str, visible: BitMap) -> str:
    """A word that many use and that differs by a slip or two; the word itself when anybody uses it."""
    most = slips(word)
    if not most or any(index.having(place + word) & visible for place in tokens.TEXTS):
        return word
    known, letters, lengths = vocabulary(index)
    asked = bag(word)
    like = np.bitwise_count(letters ^ np.uint64(asked)) <= 2 * most
    like &= np.abs(lengths - len(word)) <= most
    ranked = sorted((OSA.distance(word, known[at], score_cutoff=most), at) for at in np.flatnonzero(like).tolist())
    near = (known[at] for distance, at in islice(ranked, 20) if distance <= most)
    for each in near:
        if any(index.having(place + each) & visible for place in tokens.TEXTS):
            return each
    return word


Vocabulary = tuple[list[str], NDArray[np.uint64], NDArray[np.int64]]


def vocabulary(index: Index) -> Vocabulary:
    """Words of names and summaries that many use, the most used first: text, letters, length."""
    found: Vocabulary | None = getattr(index.base, "vocabulary", None)
    if found is None:
        counts: dict[str, int] = {}
        for place in (tokens.NAME, tokens.SUMMARY):
            for token, count in index.base.often(place, WORD_AT_LEAST):
                counts[token[1:]] = counts.get(token[1:], 0) + count
        known = sorted(counts, key=lambda word: (-counts[word], word))
        letters = np.array([bag(word) for word in known], np.uint64)
        found = known, letters, np.array([len(word) for word in known], np.int64)
        index.base.vocabulary = found  # type: ignore[attr-defined]
    return found


def bag(word: str) -> int:
    """Which letters a word has, as bits: a slip changes two of them at most."""
    found = 0
    for char in word:
        found |= 1 << (ord(char) & 63)
    return found
