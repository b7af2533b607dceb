"""Which days an address asks for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from otumat.errors import Invalid
from otumat_index.usage.report.period import Period, read_asked, weeks_before

TODAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("told", "since", "until"),
    [
        ({}, date(2026, 1, 1), TODAY),
        ({"days": "1"}, TODAY, TODAY),
        ({"days": "366"}, TODAY - timedelta(365), TODAY),
        ({"from": "2026-02-01", "to": "2026-02-28"}, date(2026, 2, 1), date(2026, 2, 28)),
        ({"from": "2026-03-31", "to": "2026-03-31"}, TODAY, TODAY),
        ({"from": "2026-03-01"}, date(2026, 3, 1), TODAY),
        ({"from": "2020-01-01"}, date(2020, 1, 1), date(2020, 12, 31)),
        ({"to": "2026-02-28"}, date(2025, 12, 1), date(2026, 2, 28)),
    ],
)
def test_days_are_told_by_number_or_by_their_ends(told: dict[str, str], since: date, until: date) -> None:
    assert read_asked(told, today=TODAY).period == Period(since, until)


def test_the_address_of_a_period_asks_for_it_again() -> None:
    for told in ({"days": "28", "compare": "yes"}, {"from": "2026-02-01", "to": "2026-02-28"}):
        asked = read_asked(told, today=TODAY)
        assert read_asked(dict(each.split("=") for each in asked.address.split("&")), today=TODAY) == asked


def test_the_days_before_are_as_many_and_end_where_these_begin() -> None:
    period = Period(date(2026, 3, 1), TODAY)
    assert period.before == Period(date(2026, 1, 29), date(2026, 2, 28))
    assert period.before.length == period.length == len(period.days)


@pytest.mark.parametrize(
    ("told", "fields"),
    [
        ({"from": "yesterday", "to": "2026-13-01", "days": "x", "compare": "maybe"}, ["compare", "from", "to", "days"]),
        ({"from": "2026-03-02", "to": "2026-03-01"}, ["from"]),
        ({"to": "2026-04-01"}, ["to"]),
        ({"to": "0001-01-05"}, ["to"]),
        ({"from": "2026-04-02"}, ["from"]),
        ({"from": "1999-12-31", "to": "2026-04-02"}, ["to", "from", "from"]),
        ({"from": "2025-03-30", "to": "2026-03-31"}, ["from"]),
        ({"days": "0"}, ["days"]),
        ({"days": "367"}, ["days"]),
        ({"days": "-3"}, ["days"]),
        ({"days": "\u0663"}, ["days"]),
        ({"days": "7", "from": "2026-03-01"}, ["days"]),
        ({"from": "2026-03-01T00:00"}, ["from"]),
    ],
)
def test_everything_that_is_wrong_is_told_at_once(told: dict[str, str], fields: list[str]) -> None:
    with pytest.raises(Invalid) as raised:
        read_asked(told, today=TODAY)
    assert [problem.field for problem in raised.value.problems] == fields


def test_weeks_end_with_the_last_day_and_are_whole() -> None:
    assert list(weeks_before(Period(date(2026, 3, 11), TODAY))) == [TODAY, TODAY - timedelta(7), TODAY - timedelta(14)]
    assert list(weeks_before(Period(TODAY, TODAY))) == [TODAY]
