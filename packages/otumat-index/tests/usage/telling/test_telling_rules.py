"""When a digest is due, and when an alert fires."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat.errors import Invalid
from otumat_index.usage.report.period import Period
from otumat_index.usage.telling import rules
from otumat_index.usage.telling.rules import Definition, Facts

WEEK = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("today", "since"), [(date(2026, 3, 9), date(2026, 2, 23)), (date(2026, 3, 10), WEEK), (date(2026, 3, 16), WEEK)]
)
def test_a_week_is_told_of_from_the_tuesday_after_it(today: date, since: date) -> None:
    assert rules.last_period("week", today=today) == Period(since, since + timedelta(6))


@given(st.dates(date(2001, 1, 1)), st.sampled_from(rules.EVERY))
def test_the_last_period_is_whole_and_over(today: date, every: str) -> None:
    found = rules.last_period(every, today=today)
    assert found.until < today
    assert found == rules.period_from(every, found.since)
    assert found.since.weekday() == 0 if every == "week" else found.since.day == 1
    assert (today - found.until).days <= (8 if every == "week" else 32)


@pytest.mark.parametrize(
    ("asked", "facts", "occasions"),
    [
        (Definition("fall", 30), Facts(WEEK, 70, 100), ["2026-03-02"]),
        (Definition("fall", 30), Facts(WEEK, 71, 100), []),
        (Definition("fall", 30), Facts(WEEK, 0, 9), []),
        (Definition("yanked", 5), Facts(WEEK, yanked={"1.0": 5, "1.1": 4, "0.9": 50}), ["0.9", "1.0"]),
        (Definition("yanked", 5), Facts(WEEK), []),
        (Definition("lost", 3), Facts(WEEK, lost={"a": 2, "b": 1}, lost_before={"a": 2}), ["2026-03-02"]),
        (Definition("lost", 3), Facts(WEEK, lost={"a": 3}, lost_before={"b": 3}), []),
        (Definition("lost", 1, "a"), Facts(WEEK, lost={"a": 1, "b": 9}, lost_before={"b": 99}), ["2026-03-02"]),
        (Definition("lost", 1, "a"), Facts(WEEK, lost={"b": 9}), []),
        (Definition("adopted", 50), Facts(WEEK, latest="2.0", on_latest=5, installs=10), ["2.0"]),
        (Definition("adopted", 50), Facts(WEEK, latest="2.0", on_latest=4, installs=9), []),
        (Definition("adopted", 50), Facts(WEEK, latest="2.0", on_latest=49, installs=99), []),
        (Definition("adopted", 50), Facts(WEEK, installs=99), []),
    ],
)
def test_alerts_fire_when_they_should(asked: Definition, facts: Facts, occasions: list[str]) -> None:
    assert [each.occasion for each in rules.fired(asked, facts)] == occasions


def test_what_is_wrong_with_an_alert_is_told_all_at_once() -> None:
    with pytest.raises(Invalid) as raised:
        rules.read("rise", "0", "x", declared=["fetch"])
    assert {problem.field for problem in raised.value.problems} == {"kind", "number", "event"}
    with pytest.raises(Invalid) as raised:
        rules.read("fall", "101", "fetch")
    assert [problem.field for problem in raised.value.problems] == ["number", "event"]


@pytest.mark.parametrize("number", ["", "-1", "1.5", "1e9", "٣", "99999999999999999999", "1 000"])
def test_a_number_is_a_whole_one(number: str) -> None:
    with pytest.raises(Invalid):
        rules.read("yanked", number)


def test_any_event_may_be_named_where_nothing_is_declared() -> None:
    assert rules.read("lost", "5", "fetch").words == (
        "5 or more uses of fetch were lost in a week, and more than in the week before"
    )
