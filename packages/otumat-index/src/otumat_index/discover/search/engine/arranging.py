"""
What was gathered, as the arrays of a folder: by quality, sorted, inverted.

Arrays are handed out one by one, for whoever writes them to forget each before the next is made; what was gathered is
given up as soon as its arrays are there. So a build takes the memory of what it read and of little else.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otumat_index.discover.search.engine.bitmaps import Ids, rows
from otumat_index.discover.search.engine.dictionary import pack
from otumat_index.discover.search.engine.document import DEPENDS
from otumat_index.discover.search.engine.gathered import Gathered, counted, np_of
from otumat_index.discover.search.engine.inverting import Array, Inverted, each_owners, pairs, postings

Progress = Callable[[float], object]
ROW = 16
"""Classifiers in a block of a project's row; a longer row has more blocks elsewhere. Three in four need one."""
AT_ONCE = 100_000
"""Projects whose classifiers are worked on together."""


def arranged(gathered: Gathered, progress: Progress, frequent: int) -> Iterator[Array]:
    """All arrays of a folder, each with its name."""
    order = by_quality(gathered)
    ids = inverse(order)
    yield from columns(gathered, order)
    progress(0.8)
    yield from by_names(gathered, ids)
    yield from postings(gathered, ids)
    progress(0.9)
    yield from sequences(gathered, order, frequent)
    public = np_of(gathered.private) == 0
    values, begins = reordered(gathered.node_ids, gathered.node_lengths, order)
    gathered.node_ids = array("H")
    nodes = len(gathered.nodes)
    yield from links(values, begins, nodes)
    yield "matrix", cooccurrence(values, begins, public[order], nodes)


def inverse(order: NDArray[Any]) -> Ids:
    found = np.empty(len(order), np.uint32)
    found[order] = np.arange(len(order), dtype=np.uint32)
    return found


def by_quality(gathered: Gathered) -> NDArray[np.int64]:
    """Documents in order of quality, best first: what was read first wins among equals."""
    needed = counted(np_of(gathered.token_ids), len(gathered.tokens))
    found = gathered.tokens.get
    dependents = np.array([needed[t] if (t := found(DEPENDS + name)) is not None else 0 for name in gathered.names])
    bits = np.ceil(np.log2(np.minimum(dependents, 10**6) + 1.0)) if len(dependents) else np.empty(0)
    return np.argsort(-(np_of(gathered.merits) + 1.5 * bits), kind="stable")


def columns(gathered: Gathered, order: NDArray[np.int64]) -> Iterator[Array]:
    """One value a project, and the orders by time."""
    pks = np_of(gathered.pks)[order]
    yield "pk", pks
    for column in ("updated", "created"):
        values = np_of(getattr(gathered, column))[order]
        yield column, values
        yield f"by_{column}", np.lexsort((-pks, -values.astype(np.int64))).astype(np.uint32)
    yield "name_words", np_of(gathered.name_words)[order]
    yield "head_words", np_of(gathered.head_words)[order]
    yield "private", np.flatnonzero(np_of(gathered.private)[order]).astype(np.uint32)


def by_names(gathered: Gathered, ids: Ids) -> Iterator[Array]:
    names = sorted(range(len(ids)), key=gathered.names.__getitem__)
    by_name = ids[np.array(names, np.int64)]
    blob, offsets = pack([gathered.names[at] for at in names])
    yield "names", blob
    yield "names_offsets", offsets
    yield "by_name", by_name
    yield "rank", inverse(by_name)


def reordered(values: array[int], lengths: array[int], order: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Parts of documents in another order: the values, and where each part begins (and the last one ends)."""
    begins = np.concatenate((np.zeros(1, np.int64), np.cumsum(np_of(lengths), dtype=np.int64)))
    flat, made = np_of(values), [rows(np_of(values), begins, part)[0] for part in parts(order)]
    ends = np.cumsum(np_of(lengths)[order], dtype=np.int64)
    return np.concatenate(made) if made else flat[:0], np.concatenate((np.zeros(1, np.int64), ends))


def parts(order: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """A long array in pieces: what is made of each on the way is several times as large."""
    yield from (order[at : at + AT_ONCE] for at in range(0, len(order), AT_ONCE))


def sequences(gathered: Gathered, order: NDArray[np.int64], frequent: int) -> Iterator[Array]:
    """The words of every project in order, and who has two frequent ones in a row."""
    values, begins = reordered(gathered.sequence, gathered.sequence_lengths, order)
    gathered.sequence = array("I")
    yield "sequence", values
    yield "sequence_begins", begins.astype(np.uint32)
    yield from pairs(values, begins, frequent)


def links(values: NDArray[np.uint16], begins: NDArray[np.int64], nodes: int) -> Iterator[Array]:
    """
    Every project's classifiers with all above them, as rows of blocks; and every classifier's projects, as bitmaps.

    The first block of each project stands at its id: reading 50,000 rows of one width takes a quarter of the time.

    Args:
        values: Classifiers by number, project after project.
        begins: Where those of each project begin, and the last one's end.
    """
    lengths = np.diff(begins)
    blocks = np.maximum(0, (lengths + ROW - 1) // ROW - 1)
    more = len(lengths) + np.concatenate(([0], np.cumsum(blocks)))
    table = np.zeros((int(more[-1]), ROW), np.uint16)
    for part in parts(np.arange(len(lengths))):
        begin, end = begins[part[0]], begins[part[-1] + 1]
        within = np.arange(begin, end) - np.repeat(begins[part], lengths[part])
        owner = np.repeat(part, lengths[part])
        row = np.where(within < ROW, owner, more[owner] + within // ROW - 1)
        table[row, within % ROW] = values[begin:end]
    yield "rows", table
    yield "rows_more", more.astype(np.uint32)
    del table
    owners, ends = each_owners(values, np.repeat(np.arange(len(lengths), dtype=np.uint32), lengths), nodes)
    inverted = Inverted(rare=-1)
    inverted.add(owners, ends)
    yield from inverted.packed("nodes")


MATRIX_MAX_NODES = 2_500


def cooccurrence(
    values: NDArray[np.uint16], begins: NDArray[np.int64], public: NDArray[np.bool_], nodes: int
) -> NDArray[np.uint32]:
    """How many public projects carry both of any two classifiers."""
    if nodes > MATRIX_MAX_NODES:
        return np.empty((0, 0), np.uint32)
    lengths = np.diff(begins)
    found = np.zeros(nodes * nodes, np.int64)
    for length in np.unique(lengths):
        owners = np.flatnonzero((lengths == length) & public)
        for part in np.array_split(owners, len(owners) * length * length // 2_000_000 + 1):
            table = values[begins[part][:, None] + np.arange(length)].astype(np.int64)
            both = table[:, :, None] * nodes + table[:, None, :]
            found += np.bincount(both.ravel(), minlength=nodes * nodes)
    return found.reshape(nodes, nodes).astype(np.uint32)
