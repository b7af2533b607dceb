"""
The index in memory: a loaded folder, and over it everything that has changed since.

A project that changes keeps its id: what the folder says of it is void from then on (`changed`), and what is true now
stands in `fresh`. New projects get ids behind the folder's. A rebuild makes one folder of both.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from otumat_index.discover.search.engine.base import Base
from otumat_index.discover.search.engine.bitmaps import Ids, union
from otumat_index.discover.search.engine.document import TRIGRAM, Document, closure, read
from otumat_index.discover.search.engine.words import trigrams

PREFIX_MAX_TOKENS: Final = 30_000
PREFIX_MAX_MASS: Final = 3_000_000
"""A beginning that stands for more than this says nothing yet."""


@dataclass(slots=True, eq=False)
class Fresh:
    """A project as it is now, where the folder knows it otherwise or not at all."""

    pk: int
    name: str
    is_private: bool
    created: int
    updated: int
    tokens: frozenset[str]
    nodes: NDArray[np.uint16]
    sequence: Ids
    name_words: int
    head_words: int


class Index:
    """One machine's index. Not for several threads at once."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.serial = base.serial
        self.next_id = base.count
        self.changed = BitMap()
        self.fresh: dict[int, Fresh] = {}
        self.fresh_ids = BitMap()
        self.new_ids: dict[str, int] = {}
        self.public = BitMap()
        if base.count:
            self.public.add_range(0, base.count)
        self.public -= base.private
        self.private = BitMap(base.private)
        self.private_ids = {int(base.pk[number]): number for number in base.private}
        self.nodes = list(base.nodes)
        self.node_numbers = {text: number for number, text in enumerate(self.nodes)}
        self.node_bits = [base.node_bits(number) for number in range(len(self.nodes))]
        self.matrix: NDArray[np.uint32] = np.array(base.matrix)
        self.overlay: dict[str, BitMap] = {}
        self.overlay_tokens: list[str] = []
        self.by_name: list[tuple[str, int]] = []
        self.by_updated: list[tuple[int, int, int]] = []
        self.by_created: list[tuple[int, int, int]] = []
        self.version = 0
        self.remembered: dict[object, BitMap] = {}

    # Changing.

    def update(self, documents: Iterable[Document], names: Iterable[str] = ()) -> None:
        """
        Take in how projects are now.

        Args:
            names: Everything asked about by normalised name; those without a document are gone.
        """
        told = {document.name: document for document in documents}
        for name in {*names, *told}:
            document = told.get(name)
            if document is None:
                self.forget(name)
            else:
                self.put(document)
        self.version += 1
        self.remembered.clear()

    def put(self, document: Document) -> None:
        number = self.id_of(document.name)
        if number < 0:
            number = self.next_id
            self.next_id += 1
            self.new_ids[document.name] = number
        self.withdraw(number)
        parts = read(document)
        parts.tokens.update([TRIGRAM + gram for gram in trigrams(document.name)])
        nodes = np.array(sorted(map(self.node, closure(document.classifiers))), np.uint16)
        self.enter(
            number,
            Fresh(
                *(document.pk, document.name, document.is_private, document.created, document.updated),
                *(frozenset(parts.tokens), nodes, np.array(parts.sequence, np.uint32)),
                *(min(parts.name_words, 255), min(parts.head_words, 255)),
            ),
        )

    def forget(self, name: str) -> None:
        """A project is gone, or has nothing to show any more."""
        number = self.id_of(name)
        if number >= 0:
            self.withdraw(number)

    def withdraw(self, number: int) -> None:
        """Take a project out of everything."""
        if number not in self.public and number not in self.private:
            return
        self.link(number, self.row(number), -1)
        old = self.fresh.pop(number, None)
        self.fresh_ids.discard(number)
        if old is not None:
            for token in old.tokens:
                self.overlay[token].discard(number)
                if not self.overlay[token]:
                    del self.overlay[token]
                    drop(self.overlay_tokens, token)
            drop(self.by_name, (old.name, number))
            drop(self.by_updated, (-old.updated, -old.pk, number))
            drop(self.by_created, (-old.created, -old.pk, number))
        else:
            self.changed.add(number)
        self.public.discard(number)
        if number in self.private:
            self.private.discard(number)
            self.private_ids.pop(old.pk if old else int(self.base.pk[number]), None)

    def enter(self, number: int, fresh: Fresh) -> None:
        self.fresh[number] = fresh
        self.fresh_ids.add(number)
        if number < self.base.count:
            self.changed.add(number)
        for token in fresh.tokens:
            bits = self.overlay.get(token)
            if bits is None:
                bits = self.overlay[token] = BitMap()
                insort(self.overlay_tokens, token)
            bits.add(number)
        insort(self.by_name, (fresh.name, number))
        insort(self.by_updated, (-fresh.updated, -fresh.pk, number))
        insort(self.by_created, (-fresh.created, -fresh.pk, number))
        if fresh.is_private:
            self.private.add(number)
            self.private_ids[fresh.pk] = number
        else:
            self.public.add(number)
        self.link(number, fresh.nodes, 1)

    def link(self, number: int, nodes: NDArray[np.uint16], by: int) -> None:
        """Add or take a project's classifiers; the matrix counts public ones alone."""
        for node in nodes.tolist():
            if by > 0:
                self.node_bits[node].add(number)
            else:
                self.node_bits[node].discard(number)
        if self.matrix.size and number in self.public:
            place = np.ix_(nodes, nodes)
            self.matrix[place] = self.matrix[place] + np.uint32(by % 2**32)  # -1 wraps around, and so back again

    def node(self, text: str) -> int:
        """The number of a classifier or category, a new one where it has none."""
        number = self.node_numbers.get(text)
        if number is None:
            number = self.node_numbers[text] = len(self.nodes)
            self.nodes.append(text)
            self.node_bits.append(BitMap())
            if self.matrix.size:
                self.matrix = np.pad(self.matrix, ((0, 1), (0, 1)))
        return number

    # Looking.

    def id_of(self, name: str) -> int:
        """The id of a project by normalised name, -1 for unknown ones. Those gone have one, too."""
        known = self.new_ids.get(name)
        return known if known is not None else self.base.id_of(name)

    def pk(self, number: int) -> int:
        fresh = self.fresh.get(number)
        return fresh.pk if fresh else int(self.base.pk[number])

    def name(self, number: int) -> str:
        fresh = self.fresh.get(number)
        return fresh.name if fresh else self.base.name_of(number)

    def row(self, number: int) -> NDArray[np.uint16]:
        fresh = self.fresh.get(number)
        return fresh.nodes if fresh else self.base.row(number)

    def words(self, number: int) -> Ids:
        fresh = self.fresh.get(number)
        return fresh.sequence if fresh else self.base.words(number)

    def visible(self, sees: frozenset[int]) -> BitMap:
        """Whom somebody may see, who holds a role in these private projects (by primary key)."""
        mine = self.mine(sees)
        return self.public | mine if mine else self.public

    def mine(self, sees: frozenset[int]) -> BitMap:
        """Private projects among these."""
        small, large = (sees, self.private_ids) if len(sees) < len(self.private_ids) else (self.private_ids, sees)
        return BitMap([self.private_ids[pk] for pk in small if pk in large])

    def having(self, token: str) -> BitMap:
        """Who has a token, whoever may see them. Not to be changed."""
        base, overlay = self.base.postings(token), self.overlay.get(token)
        if self.changed:
            base = base - self.changed
        return base | overlay if overlay else base

    def having_any(self, prefix: str) -> BitMap:
        """Who has a token that begins so; nobody where that is nearly everybody."""
        begin, end = self.base.token_list.beginning(prefix)
        if end - begin > PREFIX_MAX_TOKENS or self.base.mass(begin, end) > PREFIX_MAX_MASS:
            return BitMap()
        found = union(self.base.having(begin, end)) - self.changed
        fresh = [self.overlay[token] for token in self.overlay_beginning(prefix)]
        return union([found, *fresh]) if fresh else found

    def overlay_beginning(self, prefix: str) -> Iterator[str]:
        at = bisect_left(self.overlay_tokens, prefix)
        while at < len(self.overlay_tokens) and self.overlay_tokens[at].startswith(prefix):
            yield self.overlay_tokens[at]
            at += 1

    @property
    def drift(self) -> int:
        """How many projects are not as in the folder."""
        return self.changed.union_cardinality(self.fresh_ids)


def drop(ordered: list[Any], item: Any) -> None:
    """Take an item out of a sorted list."""
    at = bisect_left(ordered, item)
    if at < len(ordered) and ordered[at] == item:
        del ordered[at]
