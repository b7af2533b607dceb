"""How many of a selection carry each classifier or one below it, quickly whatever the size of the selection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from otumat_index.discover.search.asked import CLASSIFIER, Query
from otumat_index.discover.search.engine.bitmaps import ids_of
from otumat_index.discover.search.engine.index import Index

BY_ROWS_MAX = 80_000
"""Up to here reading the rows of all projects is quicker, beyond it an intersection with every classifier's bitmap."""

Counts = NDArray[np.int64]


def count(index: Index, query: Query, match: BitMap, mine: BitMap) -> Counts:
    """
    Count a selection.

    Args:
        match: The projects selected by `query`, among public ones and `mine`.
        mine: Private projects that the asker may see.

    Returns:
        A number for each of `index.nodes`.
    """
    if index.matrix.size and (alone := only_classifier(index, query)) is not None:
        found = index.matrix[alone] if alone else index.matrix.diagonal()
        return found.astype(np.int64) + by_rows(index, match & mine) if mine else found.astype(np.int64)
    return by_rows(index, match) if len(match) <= BY_ROWS_MAX else by_bitmaps(index, match)


def only_classifier(index: Index, query: Query) -> int | None:
    """The number of the one classifier asked for, 0 where nothing is; None for every other question."""
    if not query.terms:
        return 0
    term = query.terms[0]
    if len(query.terms) > 1 or term.field != CLASSIFIER or term.negated or len(term.values) > 1:
        return None
    return index.node_numbers.get(term.values[0])


def by_bitmaps(index: Index, match: BitMap) -> Counts:
    return np.fromiter((match.intersection_cardinality(bits) for bits in index.node_bits), np.int64, len(index.nodes))


def by_rows(index: Index, match: BitMap) -> Counts:
    base, size = index.base, len(index.nodes)
    if not match:
        return np.zeros(size, np.int64)
    old = match - index.changed if index.changed else match
    ids = ids_of(old)
    if index.next_id > base.count:
        ids = ids[: np.searchsorted(ids, base.count)]
    found = np.bincount(base.rows.take(ids, axis=0).ravel(), minlength=size)
    if base.has_long_rows:
        found += np.bincount(further(index, ids).ravel(), minlength=size)
    if len(ids) < len(match):
        fresh = [index.fresh[number].nodes for number in match & index.fresh_ids]
        found += np.bincount(np.concatenate(fresh), minlength=size)
    found[0] = 0
    return found


def further(index: Index, ids: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """The blocks of rows that are longer than one block, without their first."""
    base = index.base
    first = base.rows_more[ids]
    last = base.rows_more[ids + np.uint32(1)]
    long = np.flatnonzero(last > first)
    begins, lengths = first[long].astype(np.int64), (last - first)[long].astype(np.int64)
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(begins - ends + lengths, lengths)
    blocks: NDArray[np.uint16] = base.rows[places]
    return blocks
