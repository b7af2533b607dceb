"""The picture of a project's releases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat_index.discover.pages.plots.history import TICKS_MOST, Released, history, lane_of

DAY = datetime(2024, 1, 1, tzinfo=UTC)


def released(version: str, days: float, **words: bool) -> Released:
    return Released(version, DAY + timedelta(days=days), **words)


@pytest.mark.parametrize(
    ("version", "lane"),
    [
        *(("2", "Major"), ("2.0", "Major"), ("2.0.0", "Major"), ("1!2.0", "Major"), ("2.0.post1", "Major")),
        *(("2.1", "Minor"), ("2.1.0", "Minor"), ("0.9", "Minor")),
        *(("2.1.3", "Patch"), ("2.0.0.1", "Patch"), ("next best", "Patch")),
    ],
)
def test_a_version_tells_its_kind(version: str, lane: str) -> None:
    assert lane_of(released(version, 0)) == lane
    assert lane_of(released(version, 0, is_prerelease=True)) == "Pre-release"


def test_too_little_is_no_picture() -> None:
    assert history([]) is None
    assert history([released("1", 0), released("2", 9)]) is None
    assert history([released("1", 0), released("1.1", 0.1), released("1.2", 0.2)]) is None


def test_marks_stand_by_time_and_tell_what_is_odd() -> None:
    plot = history(
        [released("2.0rc1", 90, is_prerelease=True), released("1.0", 0), released("1.1", 50, is_yanked=True)]
    )
    assert plot is not None
    assert [(mark.release.version, mark.shape) for mark in plot.marks] == [
        ("1.0", "dot"),
        ("2.0rc1", "diamond"),
        ("1.1", "cross"),
    ]
    assert [mark.x for mark in plot.marks] == [2.0, 98.0, pytest.approx(55.33)]
    assert plot.lanes == ("Major", "Minor", "Pre-release")
    assert plot.has_yanked


MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))
RELEASES = st.lists(st.builds(Released, st.text(max_size=9), MOMENTS, st.booleans(), st.booleans()), max_size=30)


@given(RELEASES)
def test_every_release_is_in_the_picture_and_in_the_table(releases: list[Released]) -> None:
    plot = history(releases)
    if plot is None:
        return
    assert len(plot.marks) == len(releases)
    assert all(2 <= mark.x <= 98 and 0 < mark.y < plot.axis for mark in plot.marks)
    assert sum(sum(year.counts) for year in plot.years) == len(releases)
    assert sum(year.yanked for year in plot.years) == sum(each.is_yanked for each in releases)
    assert len(plot.ticks) <= TICKS_MOST + 1
