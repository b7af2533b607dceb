"""Pictures: marks are where their numbers are."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat_index.web.charts import Group, Series, columns, level, lines, trend
from otumat_index.web.charts.lines import PLOT_PX, path
from otumat_index.web.charts.scales import PARTS, across, dates, step_of

DAY = date(2026, 3, 1)


@given(st.floats(0, 1e15, allow_nan=False))
def test_a_scale_reaches_its_largest_number_and_no_more_than_needed(most: float) -> None:
    step = step_of(most)
    assert step * PARTS >= most
    assert step == 1 or step * PARTS < most * 2.6
    assert str(step).rstrip("0") in ("1", "2", "25", "5")


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50))
def test_every_point_of_a_line_is_at_its_number(values: list[int]) -> None:
    found = lines("x", [DAY + timedelta(n) for n in range(len(values))], [Series("x", values)])
    scale = step_of(max(values)) * PARTS
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", found.lines[0].path)
    assert len(points) == len(values)
    for number, ((x, y), value) in enumerate(zip(points, values, strict=True)):
        assert float(x) == pytest.approx(across(number, len(values)) * 10, abs=0.06)
        assert float(y) == pytest.approx(PLOT_PX * (1 - value / scale), abs=0.06)


def test_a_line_is_broken_where_nothing_is_known() -> None:
    assert path([None, 4, 4, None, 0, None], 4).count("M") == 2
    assert path([None, None], 4) == ""


def test_one_day_is_a_dot() -> None:
    assert path([4], 4) == "M500 0h.1"


def test_lines_differ_by_more_than_their_colour() -> None:
    found = lines("x", [DAY], [Series(str(number), [1]) for number in range(4)])
    assert len({line.style for line in found.lines}) == 4


def test_days_outside_the_picture_are_not_marked() -> None:
    days = [DAY, DAY + timedelta(1)]
    found = lines("x", days, [Series("x", [1, 2])], marks=[(DAY, "here"), (DAY - timedelta(1), "before")])
    assert [mark.words for mark in found.marks] == ["here"]


def test_an_empty_picture_is_drawn() -> None:
    found = lines("x", [], [Series("x", [])])
    assert (found.lines[0].path, found.dates) == ("", ())
    assert columns("x", [], ("a", "b")).boxes == ()


def test_the_year_is_written_where_it_changes() -> None:
    assert [tick.words for tick in dates([date(2025, 12, 31), date(2026, 1, 1)])] == ["31 Dec 2025", "1 Jan 2026"]
    assert [tick.words for tick in dates([DAY])] == ["1 Mar"]


def test_dates_with_their_year_are_told_how_to_give_way_on_a_narrow_screen() -> None:
    year = [date(2025, 12, 1) + timedelta(number) for number in range(365)]
    weeks = columns("x", [Group(day, (1,), 0) for day in year[::7]], ("a", "b"))
    assert [tick.style for tick in dates(year)] == ["first", "between", "middle", "between", "last"]
    assert [tick.style for tick in weeks.dates] == ["first", "between", "middle", "between", ""]
    assert [tick.style for tick in dates(year[31:121])] == [""] * 5


@given(st.lists(st.tuples(*[st.integers(0, 500)] * 4), min_size=1, max_size=53))
def test_parts_of_columns_are_as_high_as_their_numbers_and_stay_inside(numbers: list[tuple[int, ...]]) -> None:
    groups = [Group(DAY + timedelta(7 * n), each[:3], each[3]) for n, each in enumerate(numbers)]
    found = columns("x", groups, ("a", "b", "c", "d"))
    total = sum(sum(each) for each in numbers)
    height = sum(box.height for box in found.boxes)
    step = step_of(max(max(sum(each[:3]), each[3]) for each in numbers))
    ticks = len(found.numbers) - 1
    assert height == pytest.approx(total * 200 / (step * ticks), abs=0.06 * len(found.boxes) + 0.01)
    for box in found.boxes:
        assert 0 <= box.x <= box.x + box.width <= 100.01
        assert found.top - 0.2 <= box.y <= box.y + box.height <= found.bottom + 0.2
        assert box.y == found.zero if box.style == "below" else box.y + box.height <= found.zero + 0.2


def test_what_lapsed_hangs_below_the_line() -> None:
    found = columns("x", [Group(DAY, (4, 0, 4), 8)], ("a", "b", "c", "d"))
    below = [box for box in found.boxes if box.style == "below"]
    assert [box.y for box in below] == [found.zero]
    assert {box.style for box in found.boxes if box.y < found.zero} == {"part-1", "part-3"}
    assert found.legend == [("a", "part-1"), ("b", "part-2"), ("c", "part-3"), ("d", "below")]


def test_a_trend_begins_at_nought() -> None:
    assert trend([5, 5]) == "M0 1L100 1"
    assert trend([0, 0]) == "M0 21L100 21"
    assert trend([]) == ""


def test_darker_is_more() -> None:
    shares = [0, 0.01, 0.2, 0.5, 0.9, 1]
    assert [level(share) for share in shares] == sorted(level(share) for share in shares)
    assert (level(0), level(1)) == (0, 8)
