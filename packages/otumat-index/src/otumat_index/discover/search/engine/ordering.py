"""
A page of a selection by name or by time, the hundred-thousandth as quickly as the first.

A place is the key of a neighbour (`after` or `before` it), so nothing shows twice when projects come and go. The
folder's order is walked from there where many are selected, the keys of all who are selected are looked at where few
are; what changed since stands in a short sorted list of its own, and both are merged.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from otumat_index.discover.search.asked import Order
from otumat_index.discover.search.engine.bitmaps import Ids, ids_of
from otumat_index.discover.search.engine.index import Index

FEW = 20_000
WALKED = 4_096
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Ids in order, and the places of the neighbouring pages; empty where there is none."""

    ids: tuple[int, ...]
    next: str
    previous: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """One way of sorting: the folder's ids in order, and the list of what changed, each entry a key with its id."""

    index: Index
    order: Ids
    changed: list[Any]
    key: Callable[[int], Key]
    place: Callable[[Key], str]
    parse: Callable[[str], Key | None]
    position: Callable[[Ids], NDArray[Any]]
    """For ids of the folder, numbers that sort as they do."""


def by_name(index: Index) -> Sorted:
    base = index.base
    return Sorted(
        index,
        base.by_name,
        index.by_name,
        key=lambda number: (base.name_of(number),),
        place=lambda key: str(key[0]),
        parse=lambda text: (text,) if text else None,
        position=lambda ids: base.rank[ids],
    )


def by_time(index: Index, column: str) -> Sorted:
    """The newest first; of those of one second, the project that came last."""
    base = index.base
    values: Ids = getattr(base, column)
    return Sorted(
        index,
        getattr(base, f"by_{column}"),
        getattr(index, f"by_{column}"),
        key=lambda number: (-int(values[number]), -int(base.pk[number])),
        place=lambda key: f"{-key[0]}.{-key[1]}",
        parse=moment,
        position=lambda ids: (np.int64(2**32) - values[ids].astype(np.int64)) * 2**31 - base.pk[ids],
    )


def moment(text: str) -> Key | None:
    seconds, _, pk = text.partition(".")
    both = seconds.isascii() and seconds.isdigit() and pk.isascii() and pk.isdigit() and len(text) < 40
    return (-int(seconds), -int(pk)) if both else None


def page(index: Index, match: BitMap, order: Order, *, rows: int, place: str) -> Page:
    """
    One page.

    Args:
        place: As a page before it said, empty for the first; anything else is the first page, too.
    """
    way = by_name(index) if order is Order.NAME else by_time(index, order.value)
    direction, _, text = place.partition(".")
    key = way.parse(text) if direction in ("a", "b") else None
    if key is not None and direction == "b":
        found = list(islice(walk(way, match, key, backwards=True), rows + 1))
        here, before, after = found[:rows][::-1], len(found) > rows, bool(found)
    else:
        found = list(islice(walk(way, match, key, backwards=False), rows + 1))
        here, before, after = found[:rows], key is not None, len(found) > rows
    return Page(
        ids=tuple(number for _, number in here),
        next=f"a.{way.place(here[-1][0])}" if here and after else "",
        previous=f"b.{way.place(here[0][0])}" if here and before else "",
    )


def walk(way: Sorted, match: BitMap, key: Key | None, *, backwards: bool) -> Iterator[tuple[Key, int]]:
    """Everybody selected beyond a key, in order or against it, as (key, id)."""
    old = match - way.index.changed if way.index.changed else match
    return merge(
        ((way.key(number), number) for number in base_ids(way, old, key, backwards=backwards)),
        changed_ids(way, match, key, backwards=backwards),
        key=lambda pair: pair[0],
        reverse=backwards,
    )


def changed_ids(way: Sorted, match: BitMap, key: Key | None, *, backwards: bool) -> Iterator[tuple[Key, int]]:
    entries = way.changed
    if backwards:
        at = bisect_left(entries, key, key=cut) if key is not None else len(entries)
        near = (entries[n] for n in range(at - 1, -1, -1))
    else:
        at = bisect_right(entries, key, key=cut) if key is not None else 0
        near = (entries[n] for n in range(at, len(entries)))
    return ((cut(entry), entry[-1]) for entry in near if entry[-1] in match)


def cut(entry: tuple[Any, ...]) -> Key:
    return entry[:-1]


def base_ids(way: Sorted, match: BitMap, key: Key | None, *, backwards: bool) -> Iterator[int]:
    """Ids of the folder that are selected, from a key on."""
    order = way.order
    begin = bisect_right(range(len(order)), key, key=lambda at: way.key(int(order[at]))) if key is not None else 0
    if backwards:
        begin = (
            bisect_left(range(len(order)), key, key=lambda at: way.key(int(order[at])))
            if key is not None
            else len(order)
        )
    near = order[:begin][::-1] if backwards else order[begin:]
    if len(match) > FEW:
        walked = min(WALKED, len(near))
        found = [number for number in near[:walked].tolist() if number in match]
        yield from found
        near = near[walked:]
        if not len(near):
            return
    yield from beyond(way, match, near, backwards=backwards)


def beyond(way: Sorted, match: BitMap, near: Ids, *, backwards: bool) -> Iterator[int]:
    """The same by looking at all who are selected: their order is that of a few numbers."""
    ids = ids_of(match)
    ids = ids[: np.searchsorted(ids, way.index.base.count)]
    if not len(ids) or not len(near):
        return
    keys = way.position(ids).astype(np.int64)
    first = int(way.position(near[:1])[0])
    if backwards:
        keys, first = -keys, -first
    inside = np.flatnonzero(keys >= first)
    while len(inside):
        some = min(len(inside), 256)
        best = inside[np.argpartition(keys[inside], some - 1)[:some]] if some < len(inside) else inside
        best = best[np.argsort(keys[best])]
        yield from ids[best].tolist()
        inside = inside[keys[inside] > keys[best[-1]]]
