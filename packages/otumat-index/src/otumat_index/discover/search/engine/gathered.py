"""Everything that is read for a build, in flat arrays: ten million small objects would take ten times the memory."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otumat_index.discover.search.engine.document import Document, closure, quality, read


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
    in_use: Mapping[int, int] = field(default_factory=dict)

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
        self.merits.append(quality(document, installs=self.in_use.get(document.pk, 0), at=at))


AT_ONCE = 4_000_000
"""Numbers that numpy turns into eight bytes each on the way."""


def counted(values: NDArray[Any], size: int) -> NDArray[np.int64]:
    """How often each number below `size` is there."""
    found = np.zeros(size, np.int64)
    for begin in range(0, len(values), AT_ONCE):
        found += np.bincount(values[begin : begin + AT_ONCE], minlength=size)
    return found


def np_of(values: array[Any]) -> NDArray[Any]:
    """An array as numpy has it, the same memory."""
    return np.frombuffer(values, values.typecode) if values else np.empty(0, values.typecode)
