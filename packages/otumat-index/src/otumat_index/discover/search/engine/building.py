"""
From the catalogue to a folder: read everything once, number the projects by quality, turn tokens into bitmaps.

A build takes nothing from the one before and no lock on the catalogue. Whatever changes while it reads has a higher
serial than the one it notes first, and is read again when the journal is followed from there.
"""

from __future__ import annotations

import contextlib
import gc
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otumat_index.discover.search.engine import folder
from otumat_index.discover.search.engine.bitmaps import NOTHING, Ids, bitmap, rows
from otumat_index.discover.search.engine.dictionary import pack
from otumat_index.discover.search.engine.document import DEPENDS, TRIGRAM, Document, closure, quality, read

Progress = Callable[[float], object]
RARE = 32
"""Up to so many ids of a token are kept as they are; more, as a roaring bitmap."""
ROW = 16
"""Classifiers in a block of a project's row; a longer row has more blocks elsewhere. Three in four need one."""


def numbering() -> defaultdict[str, int]:
    """A mapping that gives every new text the next number."""
    made: defaultdict[str, int] = defaultdict()
    made.default_factory = made.__len__
    return made


@dataclass(slots=True)
class Gathered:
    """Everything read, in the order of reading; `lengths` say where one document's part ends and the next begins."""

    tokens: defaultdict[str, int] = field(default_factory=numbering)
    token_ids: array[int] = field(default_factory=lambda: array("I"))
    token_lengths: array[int] = field(default_factory=lambda: array("I"))
    nodes: defaultdict[str, int] = field(default_factory=numbering)
    node_ids: array[int] = field(default_factory=lambda: array("H"))
    node_lengths: array[int] = field(default_factory=lambda: array("I"))
    sequence: array[int] = field(default_factory=lambda: array("I"))
    sequence_lengths: array[int] = field(default_factory=lambda: array("I"))
    names: list[str] = field(default_factory=list)
    pks: array[int] = field(default_factory=lambda: array("q"))
    created: array[int] = field(default_factory=lambda: array("I"))
    updated: array[int] = field(default_factory=lambda: array("I"))
    name_words: array[int] = field(default_factory=lambda: array("B"))
    head_words: array[int] = field(default_factory=lambda: array("B"))
    private: array[int] = field(default_factory=lambda: array("B"))
    merits: array[float] = field(default_factory=lambda: array("f"))

    def add(self, document: Document, at: int) -> None:
        parts = read(document)
        self.token_ids.extend(map(self.tokens.__getitem__, parts.tokens))
        self.token_lengths.append(len(parts.tokens))
        nodes = closure(document.classifiers)
        self.node_ids.extend(map(self.nodes.__getitem__, nodes))
        self.node_lengths.append(len(nodes))
        self.sequence.extend(parts.sequence)
        self.sequence_lengths.append(len(parts.sequence))
        self.names.append(document.name)
        self.pks.append(document.pk)
        self.created.append(document.created)
        self.updated.append(document.updated)
        self.name_words.append(min(parts.name_words, 255))
        self.head_words.append(min(parts.head_words, 255))
        self.private.append(document.is_private)
        self.merits.append(quality(document, dependents=0, at=at))


def build(
    parent: Path,
    documents: Iterable[list[Document]],
    *,
    expected: int,
    head: dict[str, Any],
    at: int,
    progress: Progress = lambda _: None,
) -> Path:
    """
    Write a folder of everything.

    Args:
        parent: Where it is put.
        expected: About how many documents there are, for the progress.
        head: What the folder says of itself; `serial` is the journal's before the first document was read.
        at: Now, in seconds since 1970.
        progress: Called with what part of the work is done, 0 to 1.
    """
    gathered = Gathered()
    gathered.nodes[""]  # number 0 fills up rows
    with without_collector():
        for some in documents:
            for document in some:
                gathered.add(document, at)
            progress(min(0.75, 0.75 * len(gathered.names) / max(expected, 1)))
    arrays, more = arranged(gathered, progress)
    made = folder.save(parent, arrays, {**head, **more, "built_at": at})
    progress(1.0)
    return made


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Nothing read here goes round in circles, and looking for circles among millions of texts takes a third longer."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def arranged(gathered: Gathered, progress: Progress) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """All arrays of a folder."""
    order = by_quality(gathered)
    count = len(order)
    ids = np.empty(count, np.uint32)
    ids[order] = np.arange(count, dtype=np.uint32)
    names = sorted(range(count), key=gathered.names.__getitem__)
    by_name = ids[np.array(names, np.int64)]
    blob, offsets = pack([gathered.names[at] for at in names])
    updated, created = np_of(gathered.updated)[order], np_of(gathered.created)[order]
    pks = np_of(gathered.pks)[order]
    arrays: dict[str, NDArray[Any]] = {
        "pk": pks,
        "updated": updated,
        "created": created,
        "names": blob,
        "names_offsets": offsets,
        "by_name": by_name,
        "rank": inverse(by_name),
        "by_updated": np.lexsort((-pks, -updated.astype(np.int64))).astype(np.uint32),
        "by_created": np.lexsort((-pks, -created.astype(np.int64))).astype(np.uint32),
        "name_words": np_of(gathered.name_words)[order],
        "head_words": np_of(gathered.head_words)[order],
        "private": np.flatnonzero(np_of(gathered.private)[order]).astype(np.uint32),
    }
    progress(0.8)
    arrays |= sequences(gathered, order)
    nodes = list(gathered.nodes)
    arrays |= links(gathered, order, len(nodes))
    arrays |= cooccurrence(gathered, np_of(gathered.private) == 0, len(nodes))
    progress(0.87)
    arrays |= postings(gathered, ids)
    progress(0.95)
    return arrays, {"count": count, "nodes": nodes}


def np_of(values: array[Any]) -> NDArray[Any]:
    return np.frombuffer(values, values.typecode) if values else np.empty(0, values.typecode)


def inverse(order: Ids) -> Ids:
    found = np.empty(len(order), np.uint32)
    found[order] = np.arange(len(order), dtype=np.uint32)
    return found


def by_quality(gathered: Gathered) -> NDArray[np.int64]:
    """Documents in order of quality, best first: what was read first wins among equals."""
    needed = np.bincount(np_of(gathered.token_ids), minlength=len(gathered.tokens))
    found = gathered.tokens.get
    dependents = np.array([needed[t] if (t := found(DEPENDS + name)) is not None else 0 for name in gathered.names])
    bits = np.ceil(np.log2(np.minimum(dependents, 10**6) + 1.0)) if len(dependents) else np.empty(0)
    return np.argsort(-(np_of(gathered.merits) + 1.5 * bits), kind="stable")


def reordered(values: array[int], lengths: array[int], order: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Parts of documents in another order: the values, and where each part begins (and the last one ends)."""
    begins = np.concatenate((np.zeros(1, np.int64), np.cumsum(np_of(lengths), dtype=np.int64)))
    return rows(np_of(values), begins, order)


def sequences(gathered: Gathered, order: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    values, begins = reordered(gathered.sequence, gathered.sequence_lengths, order)
    return {"sequence": values, "sequence_begins": begins.astype(np.uint32)}


def links(gathered: Gathered, order: NDArray[np.int64], nodes: int) -> dict[str, NDArray[Any]]:
    """
    Every project's classifiers with all above them, as rows of blocks; and every classifier's projects, as bitmaps.

    The first block of each project stands at its id: reading 50,000 rows of one width takes a quarter of the time.
    """
    values, begins = reordered(gathered.node_ids, gathered.node_lengths, order)
    lengths = np.diff(begins)
    blocks = np.maximum(0, (lengths + ROW - 1) // ROW - 1)
    extra = np.concatenate(([0], np.cumsum(blocks)))
    table = np.zeros((len(order) + int(extra[-1]), ROW), np.uint16)
    within = np.arange(len(values)) - np.repeat(begins[:-1], lengths)
    owner = np.repeat(np.arange(len(order)), lengths)
    row = np.where(within < ROW, owner, len(order) + extra[:-1][owner] + within // ROW - 1)
    table[row, within % ROW] = values
    key = values.astype(np.uint64) << np.uint64(32) | owner.astype(np.uint64)
    key.sort()
    carriers = (key & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    ends = np.cumsum(np.bincount(values, minlength=nodes)).tolist()
    packed = [serialized(carriers[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
    return {
        "rows": table,
        "rows_more": (len(order) + extra).astype(np.uint32),
        **concatenated("nodes", packed),
    }


def serialized(ids: Ids) -> bytes:
    bits = bitmap(ids)
    bits.run_optimize()
    return bytes(bits.serialize())


def concatenated(name: str, parts: list[bytes]) -> dict[str, NDArray[Any]]:
    begins = np.array([0, *accumulate(map(len, parts))], np.uint64)
    return {name: np.frombuffer(b"".join(parts), np.uint8), f"{name}_begins": begins}


MATRIX_MAX_NODES = 2_500


def cooccurrence(gathered: Gathered, public: NDArray[np.bool_], nodes: int) -> dict[str, NDArray[Any]]:
    """How many public projects carry both of any two classifiers."""
    if nodes > MATRIX_MAX_NODES:
        return {"matrix": np.empty((0, 0), np.uint32)}
    lengths, values = np_of(gathered.node_lengths).astype(np.int64), np_of(gathered.node_ids)
    begins = np.cumsum(lengths) - lengths
    found = np.zeros(nodes * nodes, np.int64)
    for length in np.unique(lengths):
        owners = np.flatnonzero((lengths == length) & public)
        for part in np.array_split(owners, len(owners) * length * length // 2_000_000 + 1):
            table = values[begins[part][:, None] + np.arange(length)].astype(np.int64)
            pairs = table[:, :, None] * nodes + table[:, None, :]
            found += np.bincount(pairs.ravel(), minlength=nodes * nodes)
    return {"matrix": found.reshape(nodes, nodes).astype(np.uint32)}


def postings(gathered: Gathered, ids: Ids) -> dict[str, NDArray[Any]]:
    """The dictionary of tokens, and which projects have each."""
    grams, gram_of, gram_owners = trigrams(gathered, ids)
    tokens = sorted([*gathered.tokens, *grams])
    place = {token: at for at, token in enumerate(tokens)}
    places = np.fromiter(map(place.__getitem__, gathered.tokens), np.uint64, len(gathered.tokens))
    gram_places = np.fromiter(map(place.__getitem__, grams), np.uint64, len(grams))
    del place
    key = np.concatenate((places[np_of(gathered.token_ids)], gram_places[gram_of]))  # in place from here: it is large
    key <<= np.uint64(32)
    key |= np.concatenate((np.repeat(ids, np_of(gathered.token_lengths)), gram_owners))
    key.sort()
    owners = key.astype(np.uint32)  # the lower half
    ends = np.searchsorted(key, np.arange(1, len(tokens) + 1, dtype=np.uint64) << np.uint64(32))
    counts = np.diff(ends, prepend=0)
    del key, gram_of, gram_owners
    common = np.flatnonzero(counts > RARE)
    packed = [serialized(owners[ends[at] - counts[at] : ends[at]]) for at in common.tolist()]
    is_rare = np.repeat(counts <= RARE, counts)
    blob, offsets = pack(tokens)
    return {
        "tokens": blob,
        "tokens_offsets": offsets,
        "rare": owners[is_rare],
        "rare_begins": np.concatenate(([0], np.cumsum(np.where(counts <= RARE, counts, 0)))).astype(np.uint32),
        "common_tokens": common.astype(np.uint32),
        "common_counts": counts[common].astype(np.uint32),
        **concatenated("common", packed),
    }


def trigrams(gathered: Gathered, ids: Ids) -> tuple[list[str], NDArray[np.int32], Ids]:
    """
    Every three letters in a row of every name, all names at once.

    Returns:
        The tokens, and for every occurrence which token and whose name.
    """
    if not gathered.names:
        return [], np.empty(0, np.int32), NOTHING
    text = np.frombuffer("".join(f"^{name}$" for name in gathered.names).encode("ascii", "replace"), np.uint8)
    lengths = np.fromiter(map(len, gathered.names), np.int64, len(gathered.names)) + 2
    owner = np.repeat(ids, lengths).astype(np.uint64)
    letters = text.astype(np.uint64)
    code = letters[:-2] << np.uint64(16) | letters[1:-1] << np.uint64(8) | letters[2:]
    whole = owner[:-2] == owner[2:]
    pairs = np.unique(code[whole] << np.uint64(32) | owner[:-2][whole])
    del owner, letters, code, whole
    grams = (pairs >> np.uint64(32)).astype(np.uint32)
    is_first = np.diff(grams, prepend=0) != 0  # no gram is 0
    codes, at = grams[is_first], np.cumsum(is_first, dtype=np.int32) - 1
    tokens = [TRIGRAM + chr(c >> 16) + chr(c >> 8 & 255) + chr(c & 255) for c in codes.tolist()]
    return tokens, at, pairs.astype(np.uint32)
