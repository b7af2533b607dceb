"""Between numpy arrays of ids and roaring bitmaps, by their bytes: element by element costs a hundred times as much."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Ids = NDArray[np.uint32]
NOTHING: Ids = np.empty(0, np.uint32)


def bitmap(ids: NDArray[np.unsignedinteger]) -> BitMap:
    """A bitmap of ids; in order is quickest."""
    made = array("I")
    made.frombytes(np.ascontiguousarray(ids, np.uint32).tobytes())
    return BitMap(made)


def ids_of(bits: BitMap) -> Ids:
    """The ids of a bitmap, ascending."""
    return np.frombuffer(bits.to_array(), np.uint32) if bits else NOTHING


def union(parts: list[BitMap]) -> BitMap:
    """All of several bitmaps; a fresh one unless there is only one."""
    return parts[0] if len(parts) == 1 else BitMap.union(*parts) if parts else BitMap()


def rows(values: NDArray[Any], begins: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """
    Rows of different lengths out of one array.

    Args:
        begins: Where each row begins, and behind the last one where that ends.
        wanted: Which rows, in any order.

    Returns:
        Their values, one row after the other, and where each begins and the last one ends.
    """
    first = begins[wanted].astype(np.int64)
    lengths = begins[wanted.astype(np.int64) + 1].astype(np.int64) - first
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1] if len(ends) else 0)
    places += np.repeat(first - ends + lengths, lengths)
    return values[places], np.concatenate((np.zeros(1, np.int64), ends))
