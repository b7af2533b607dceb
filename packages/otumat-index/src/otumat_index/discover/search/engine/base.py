"""A loaded folder: what was true at its serial. Nothing here ever changes."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from otumat_index.discover.search.engine import folder
from otumat_index.discover.search.engine.bitmaps import Ids, bitmap
from otumat_index.discover.search.engine.dictionary import Dictionary


class Base:
    """The immutable part of an index. Ids are 0 to `count` - 1, best first."""

    def __init__(self, path: Path) -> None:
        arrays, pieces, head = folder.load(path)
        self.path = path
        self.serial: int = head["serial"]
        self.mark: str = head.get("mark", "")
        self.count: int = head["count"]
        self.built_at: int = head["built_at"]
        self.nodes: list[str] = head["nodes"]
        self.token_list = Dictionary(pieces["tokens"], arrays["tokens_offsets"], len(arrays["rare_begins"]) - 1)
        self.name_list = Dictionary(pieces["names"], arrays["names_offsets"], self.count)
        self.by_name: Ids = arrays["by_name"]
        self.rank: Ids = arrays["rank"]
        self.by_updated: Ids = arrays["by_updated"]
        self.by_created: Ids = arrays["by_created"]
        self.pk: NDArray[np.int64] = arrays["pk"]
        self.updated: Ids = arrays["updated"]
        self.created: Ids = arrays["created"]
        self.name_words: NDArray[np.uint8] = arrays["name_words"]
        self.head_words: NDArray[np.uint8] = arrays["head_words"]
        self.private = bitmap(arrays["private"])
        self.sequence: Ids = arrays["sequence"]
        self.sequence_begins: Ids = arrays["sequence_begins"]
        self.rows: NDArray[np.uint16] = arrays["rows"]
        self.rows_more: Ids = arrays["rows_more"]
        self.matrix: NDArray[np.uint32] = arrays["matrix"]
        self._rare: Ids = arrays["rare"]
        self._rare_begins: Ids = arrays["rare_begins"]
        self._common_tokens: list[int] = arrays["common_tokens"].tolist()
        self._common_counts: list[int] = arrays["common_counts"].tolist()
        self._common = pieces["common"]
        self._common_begins: list[int] = arrays["common_begins"].tolist()
        self._pair_words: Ids = arrays["pair_words"]
        self._pair_keys: Ids = arrays["pair_keys"]
        self._pairs = pieces["pairs"]
        self._pairs_begins: NDArray[np.uint64] = arrays["pairs_begins"]
        self._nodes = pieces["nodes"]
        self._nodes_begins: list[int] = arrays["nodes_begins"].tolist()
        self.has_long_rows = len(self.rows) > self.count
        self.postings = lru_cache(maxsize=256)(self.read_postings)

    def node_bits(self, node: int) -> BitMap:
        """Projects at or below a classifier, private ones too; a fresh bitmap."""
        return BitMap.deserialize(self._nodes.read(self._nodes_begins[node], self._nodes_begins[node + 1]))

    def id_of(self, name: str) -> int:
        """The id of a project by normalised name, -1 when it is not here."""
        at = self.name_list.find(name)
        return int(self.by_name[at]) if at >= 0 else -1

    def name_of(self, number: int) -> str:
        return self.name_list.text(int(self.rank[number]))

    def read_postings(self, token: str) -> BitMap:
        """Who has a token. Kept by `postings`: not to be changed."""
        at = self.token_list.find(token)
        return self.numbered(at) if at >= 0 else BitMap()

    def numbered(self, at: int) -> BitMap:
        begin, end = int(self._rare_begins[at]), int(self._rare_begins[at + 1])
        return bitmap(self._rare[begin:end]) if end > begin else self._read_common(bisect_left(self._common_tokens, at))

    def _read_common(self, at: int) -> BitMap:
        return BitMap.deserialize(self._common.read(self._common_begins[at], self._common_begins[at + 1]))

    def pair(self, first: int, second: int) -> BitMap | None:
        """Who has two words one after the other, by their hashes; None where one of them is not frequent."""
        places = np.searchsorted(self._pair_words, np.array((first, second), np.uint32)).tolist()
        if max(places) >= len(self._pair_words) or self._pair_words[places].tolist() != [first, second]:
            return None
        key = places[0] * len(self._pair_words) + places[1]
        at = int(np.searchsorted(self._pair_keys, np.uint32(key)))
        if at == len(self._pair_keys) or self._pair_keys[at] != key:
            return BitMap()
        return BitMap.deserialize(self._pairs.read(int(self._pairs_begins[at]), int(self._pairs_begins[at + 1])))

    def having(self, begin: int, end: int) -> list[BitMap]:
        """Bitmaps that together hold everybody who has any of a range of tokens."""
        rare = self._rare[int(self._rare_begins[begin]) : int(self._rare_begins[end])]
        first, last = bisect_left(self._common_tokens, begin), bisect_left(self._common_tokens, end)
        found = [self._read_common(at) for at in range(first, last)]
        return [bitmap(np.sort(rare)), *found] if len(rare) else found

    def mass(self, begin: int, end: int) -> int:
        """How many ids a range of tokens has, those with several counted as often."""
        first, last = bisect_left(self._common_tokens, begin), bisect_left(self._common_tokens, end)
        rare = int(self._rare_begins[end]) - int(self._rare_begins[begin])
        return rare + sum(self._common_counts[first:last])

    def often(self, prefix: str, at_least: int) -> list[tuple[str, int]]:
        """Tokens that begin so and are had by many, each with how many."""
        begin, end = self.token_list.beginning(prefix)
        first, last = bisect_left(self._common_tokens, begin), bisect_left(self._common_tokens, end)
        pairs = zip(self._common_tokens[first:last], self._common_counts[first:last], strict=True)
        return [(self.token_list.text(at), count) for at, count in pairs if count >= at_least]

    def row(self, number: int) -> NDArray[np.uint16]:
        """The classifiers of one project and all above them, by number."""
        first, last = int(self.rows_more[number]), int(self.rows_more[number + 1])
        whole = np.concatenate((self.rows[number], self.rows[first:last].ravel()))
        return whole[whole > 0]

    def words(self, number: int) -> Ids:
        """The hashes of one project's words in order."""
        return self.sequence[int(self.sequence_begins[number]) : int(self.sequence_begins[number + 1])]
