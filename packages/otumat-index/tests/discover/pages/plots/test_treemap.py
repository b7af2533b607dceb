"""The picture of how a whole divides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat_index.discover.pages.plots.treemap import Part, treemap


def parts(*numbers: int) -> list[Part]:
    return [Part(f"part {number}", "/", number) for number in numbers]


def test_nothing_is_no_tile() -> None:
    assert treemap([], width=100, height=50) == []
    assert treemap(parts(0, 0), width=100, height=50) == []


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.sampled_from([(1000, 300), (350, 450)]))
def test_tiles_fill_the_picture_in_proportion(numbers: list[int], size: tuple[int, int]) -> None:
    tiles = treemap(parts(*numbers), width=size[0], height=size[1])
    assert len(tiles) == len(numbers)
    assert sum(each.width * each.height for each in tiles) == pytest.approx(100 * 100, rel=0.01)
    for each in tiles:
        assert each.width * each.height == pytest.approx(10_000 * each.part.number / sum(numbers), rel=0.1, abs=1)
        assert 0 <= each.x <= each.x + each.width <= 100.01
        assert 0 <= each.y <= each.y + each.height <= 100.01


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=12))
def test_tiles_do_not_overlap(numbers: list[int]) -> None:
    tiles = treemap(parts(*numbers), width=900, height=300)
    for number, one in enumerate(tiles):
        for two in tiles[number + 1 :]:
            across = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
            down = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
            assert across < 0.01 or down < 0.01


def test_only_tiles_with_room_have_words() -> None:
    large, small = treemap(parts(1000, 1), width=100, height=100)
    assert (large.is_told, large.is_numbered) == (True, True)
    assert (small.is_told, small.is_numbered) == (False, False)
