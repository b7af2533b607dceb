"""The conformance suite of `EventStore`: what every engine must do. `--database postgresql` runs it there."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.chdb_link import ChdbLink
from harness.clickhouse import CLUSTER, Cluster
from otumat.errors import Conflict, Refused
from otumat.spec.event import Verdict, Where
from otumat_index.usage import rules
from otumat_index.usage.stores.clickhouse.store import ClickHouseStore
from otumat_index.usage.stores.orm import OrmStore
from otumat_index.usage.stores.protocol import Accepted, Day, EventStore, Key

pytestmark = pytest.mark.django_db(databases="__all__")
DAY = date(2026, 3, 1)
LONG = (date.min, date.max)
HERE, THERE = Where("1.0", "3.12", "linux", "x86_64"), Where("2.0", "3.13", "darwin", "arm64", True)
NUMBERS = itertools.count()


@pytest.fixture(params=["orm", "chdb", "cluster"])
def store(request: pytest.FixtureRequest) -> EventStore:
    if request.param != "cluster":
        return embedded(request.param)
    not_twice()
    name = f"events_{next(NUMBERS)}"
    servers: Cluster = request.getfixturevalue("servers")
    return ClickHouseStore(servers.link_to_new(name), database=name, cluster=CLUSTER)


@pytest.fixture(params=["orm", "chdb"])
def near_store(request: pytest.FixtureRequest) -> Callable[[], EventStore]:
    """One that answers at once, for properties with many examples: the more parts chdb's tables have, the slower."""
    return partial(embedded, request.param)


def not_twice() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only on SQLite: ClickHouse is the same, whatever the catalogue is in")


def embedded(engine: str) -> EventStore:
    if engine == "orm":
        return OrmStore()
    not_twice()
    name = f"events_{next(NUMBERS)}"
    return ClickHouseStore(ChdbLink(name), database=name)


def batch(install: int = 1, *days: date, number: int = 1, times: int = 1, **more: Any) -> Accepted:
    counts = {Key(day, "import", "", "1.0"): times for day in days}
    values = {"counts": counts, "days": dict.fromkeys(days, HERE), **more}
    name, body = f"{number:032x}", gzip.compress(b"{}", mtime=0)
    return Accepted(install, 7, name, number, "0" * 64, DAY, body, **values)


def test_a_batch_is_added_to_what_is_there(store: EventStore) -> None:
    store.accept(batch(1, DAY, times=2))
    told = store.accept(batch(1, DAY, number=2, times=3))
    assert (told.counted, told.replayed) == (3, False)
    assert store.counted(7, *LONG) == [("import", DAY, 5)]
    assert store.counted(8, *LONG) == []


def test_a_batch_again_changes_nothing_and_tells_what_was_told(store: EventStore) -> None:
    sent = batch(1, DAY, refused=(Verdict(3, "undeclared"),), losses={("undeclared", ""): 1})
    first = store.accept(sent)
    assert store.accept(replace(sent, counts={}, refused=())) == first._replace(replayed=True)
    assert store.counted(7, *LONG) == [("import", DAY, 1)]
    assert store.losses(7, *LONG) == [("undeclared", "", 1)]


def test_a_batch_with_other_bytes_is_refused_whole(store: EventStore) -> None:
    store.accept(batch(1, DAY))
    with pytest.raises(Conflict):
        store.accept(replace(batch(1, DAY), sha256="1" * 64))
    assert store.counted(7, *LONG) == [("import", DAY, 1)]


def test_an_install_counts_once_in_every_window(store: EventStore) -> None:
    days = [DAY + timedelta(n) for n in (0, 2, 30)]
    for number, day in enumerate(days):
        store.accept(batch(1, day, number=number))
    found = {day.day: day for day in store.active(7, DAY, DAY + timedelta(31))}
    assert found[DAY] == Day(DAY, 1, 1, 1, 1, 1)
    assert found[DAY + timedelta(8)] == Day(DAY + timedelta(8), 0, 1, 1, 0, 1)
    assert found[DAY + timedelta(9)] == Day(DAY + timedelta(9), 0, 0, 1, 0, 1)
    assert found[DAY + timedelta(30)] == Day(DAY + timedelta(30), 1, 1, 1, 0, 1)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 34), max_size=5), max_size=8))
def test_active_installs_are_exact_in_any_order(near_store: Callable[[], EventStore], told: list[list[int]]) -> None:
    store, project = near_store(), next(PROJECTS)
    for number, days in enumerate(told):
        one = batch(project, *(DAY + timedelta(n) for n in days), number=number)
        store.accept(replace(one, project=project))
    used = set(itertools.chain(*told))
    for day in store.active(project, *LONG):
        at = (day.day - DAY).days
        assert day[1:4] == tuple(int(any(at - width < n <= at for n in used)) for width in (1, 7, 28))
    assert sum(day.fresh for day in store.active(project, *LONG)) == bool(used)


PROJECTS = itertools.count(1000)


def test_where_installs_run_is_where_they_told_last(store: EventStore) -> None:
    store.accept(batch(1, DAY))
    store.accept(batch(2, DAY))
    store.accept(batch(1, number=2, days={DAY + timedelta(1): THERE}))
    store.accept(batch(1, DAY - timedelta(1), number=3))
    assert store.places(7, DAY, "release") == [("1.0", 1), ("2.0", 1)]
    assert store.places(7, DAY + timedelta(1), "system") == [("darwin", 1)]
    assert store.places(7, DAY, "ci") == [("no", 1), ("yes", 1)]
    store.accept(batch(1, DAY + timedelta(1), number=4))  # on the same day it went back
    assert store.places(7, DAY, "release") == [("1.0", 2)]
    assert store.spread(7, "release", *LONG) == [
        ("1.0", DAY - timedelta(1), 1),
        ("1.0", DAY, 2),
        ("2.0", DAY + timedelta(1), 1),
    ]


def test_an_install_counts_once_a_week_where_it_first_told_of_it(store: EventStore) -> None:
    monday = DAY + timedelta(1)  # the 2nd of March
    store.accept(batch(1, monday + timedelta(2), DAY))
    store.accept(batch(1, number=2, days={monday: THERE, monday + timedelta(7): THERE}))
    store.accept(batch(2, monday))
    found = {week: {row[1:] for row in store.in_week(7, week) if row[0] == "release"} for week in WEEKS[:3]}
    assert found == {WEEKS[0]: {("1.0", 1)}, monday: {("1.0", 2)}, monday + timedelta(7): {("2.0", 1)}}
    assert store.in_week(8, monday) == []


def test_erasing_forgets_the_install_and_keeps_the_counts(store: EventStore) -> None:
    for number in (1, 2):
        store.accept(batch(1, DAY, number=number))
    store.accept(batch(2, DAY))
    before = what_stays(store)
    assert store.erase(1) == 2
    assert store.erase(1) == 0
    assert what_stays(store) == before
    assert (store.batches(1), store.body(1, f"{1:032x}"), len(store.batches(2))) == ([], b"", 1)
    assert (store.places(7, DAY, "system"), store.users(7, DAY)) == ([("linux", 1)], [("import", 1)])
    with pytest.raises(Refused):
        store.accept(batch(1, DAY, number=3))


def test_U17_what_a_copy_of_an_image_told_counts_and_no_install_does(store: EventStore) -> None:
    store.accept(batch(1, DAY))
    installs = [store.active(7, *LONG), store.users(7, DAY), store.places(7, DAY, "release"), store.kept(7, *LONG)]
    later = DAY + timedelta(1)
    for number in (2, 3):
        copys = replace(batch(1, later, number=number, times=5, days={}), sequence=0)
        assert (store.accept(copys).replayed, store.accept(copys).replayed) == (False, True)
    assert store.counted(7, *LONG) == [("import", DAY, 1), ("import", later, 10)]
    now = [store.active(7, *LONG), store.users(7, DAY), store.places(7, DAY, "release"), store.kept(7, *LONG)]
    assert (now, store.losses(7, *LONG)) == (installs, [])
    assert (len(store.batches(1)), store.erase(1), store.batches(1)) == (3, 3, [])
    assert store.counted(7, *LONG) == [("import", DAY, 1), ("import", later, 10)]


def test_bodies_go_in_time_and_ids_stay(store: EventStore) -> None:
    store.accept(batch(1, DAY))
    assert store.body(1, f"{1:032x}") == batch(1, DAY).body
    assert (store.expire(DAY), store.expire(DAY + timedelta(1)), store.expire(DAY + timedelta(1))) == (0, 1, 0)
    assert store.body(1, f"{1:032x}") == b""
    assert store.accept(batch(1, DAY)).replayed


def test_properties_and_releases_of_an_event_are_counted_apart(store: EventStore) -> None:
    counts = {
        Key(DAY, "fetch", "backend=mysql", "1.0"): 3,
        Key(DAY, "fetch", "backend=other", "1.0"): 5,
        Key(DAY, "fetch", "backend=mysql", "2.0"): 4,
        Key(DAY, "store", "", "1.0"): 9,
    }
    store.accept(batch(1, DAY, counts=counts))
    assert store.details(7, "fetch", *LONG) == [
        ("backend=other", "1.0", 5),
        ("backend=mysql", "2.0", 4),
        ("backend=mysql", "1.0", 3),
    ]
    assert store.details(7, "fetch", DAY + timedelta(1), DAY + timedelta(9)) == []
    assert store.rows(7, "fetch", *LONG) == [
        (DAY, "backend=mysql", "1.0", 3),
        (DAY, "backend=mysql", "2.0", 4),
        (DAY, "backend=other", "1.0", 5),
    ]
    assert store.counted(7, *LONG) == [("fetch", DAY, 12), ("store", DAY, 9)]
    assert store.days_of(7, "fetch", *LONG) == [(DAY, 12)]
    assert store.days_of(7, "store", DAY + timedelta(1), DAY + timedelta(9)) == []


def test_of_too_many_events_those_are_read_that_happened_most(store: EventStore) -> None:
    """Without a manifest, copies may tell any name."""
    days = (DAY, DAY + timedelta(1))
    made_up = {Key(DAY, f"name-{number}", "", "1.0"): 1 for number in range(9)}
    often = {Key(day, event, "", "1.0"): 5 for day in days for event in ("a", "z")}
    store.accept(batch(1, counts={**made_up, **often}))
    assert store.counted(7, *days, most=2) == [(event, day, 5) for event in ("a", "z") for day in days]
    assert len(store.counted(7, *days)) == 13


def test_a_batch_that_never_came_is_a_gap_until_it_comes(store: EventStore) -> None:
    later = DAY + timedelta(3)
    for number, day in ((1, DAY), (5, later), (3, DAY + timedelta(9))):
        store.accept(replace(batch(1, DAY, number=number), received_on=day))
    assert store.losses(7, *LONG) == [("gap", "", 2)]
    assert store.losses(7, later, later) == [("gap", "", 2)]
    store.accept(batch(1, DAY, number=2))
    store.accept(batch(1, DAY, number=4))
    assert store.losses(7, *LONG) == []
    store.accept(replace(batch(1, DAY, number=5), batch="f" * 32))  # a copy of a machine goes on with the same numbers
    assert store.losses(7, *LONG) == []


def test_an_earlier_first_day_moves_its_install(store: EventStore) -> None:
    monday = DAY + timedelta(1)  # the 2nd of March
    store.accept(batch(1, monday, monday + timedelta(15)))
    assert store.kept(7, *LONG) == [(monday, monday, 1), (monday, monday + timedelta(14), 1)]
    store.accept(batch(1, DAY, number=2))
    before = monday - timedelta(7)
    weeks = [before, monday, monday + timedelta(14)]
    assert store.kept(7, *LONG) == [(before, week, 1) for week in weeks]
    assert [(day.day, day.fresh) for day in store.active(7, *LONG) if day.fresh] == [(DAY, 1)]


def what_stays(store: EventStore) -> list[Any]:
    """Counts that an erasure does not touch."""
    spread = [store.spread(7, kind, *LONG) for kind in rules.KINDS]
    weeks = [store.in_week(7, week) for week in WEEKS]
    return [store.counted(7, *LONG), store.active(7, *LONG), store.kept(7, *LONG), *weeks, *spread]


USE = st.tuples(
    st.integers(0, 34), st.sampled_from(["import", "fetch"]), st.sampled_from([HERE, THERE]), st.integers(1, 9)
)
SENT = st.tuples(st.integers(1, 3), st.integers(0, 6), st.lists(USE, max_size=4))
"""An install, the number of its batch, and rows: a day, an event, where, how often."""
Sent = tuple[int, int, list[tuple[int, str, Where, int]]]
SINCE = DAY + timedelta(10)
WEEKS = [date(2026, 2, 23) + timedelta(7 * number) for number in range(6)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SENT, max_size=10), st.booleans())
def test_every_count_is_that_of_a_recount_by_hand(
    near_store: Callable[[], EventStore], sent: list[Sent], erases: bool
) -> None:
    check_recount(near_store(), sent, erases)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SENT, min_size=3, max_size=6), st.booleans())
def test_a_cluster_counts_the_same(servers: Cluster, sent: list[Sent], erases: bool) -> None:
    not_twice()
    store = ClickHouseStore(servers.link_to_new("recounted"), database="recounted", cluster=CLUSTER)
    check_recount(store, sent, erases)


def check_recount(store: EventStore, sent: list[Sent], erases: bool) -> None:
    project = next(PROJECTS)
    for number, (install, sequence, uses) in enumerate(sent):
        counts = Counter[Key]()
        for day, event, where, times in uses:
            counts[Key(DAY + timedelta(day), event, "", where.release)] += times
        days = {DAY + timedelta(day): where for day, _, where, _ in uses}
        one = batch(project * 10 + install, number=number, counts=counts, days=days)
        for _ in range(2):
            store.accept(replace(one, project=project, sequence=sequence))
    if erases:
        store.erase(project * 10 + 1)
    assert as_told(store, project) == recounted(sent, gone={1} if erases else set())


def as_told(store: EventStore, project: int) -> dict[str, Any]:
    return {
        "counted": store.counted(project, *LONG),
        "users": store.users(project, SINCE),
        "places": {kind: dict(store.places(project, SINCE, kind)) for kind in rules.KINDS},
        "spread": store.spread(project, "release", *LONG),
        "in_week": [(week, *row) for week in WEEKS for row in store.in_week(project, week)],
        "kept": store.kept(project, *LONG),
        "active": [day for day in store.active(project, *LONG) if any(day[1:])],
        "losses": store.losses(project, *LONG),
    }


def recounted(sent: list[Sent], *, gone: set[int]) -> dict[str, Any]:
    """The same, counted by going through all rows again; `gone` are installs that were erased."""
    counted = Counter[tuple[str, date]]()
    used: dict[int, set[date]] = {}
    first_told: dict[tuple[int, date], Where] = {}
    told_of_week: dict[tuple[int, date], Where] = {}
    told_last: dict[int, Where] = {}
    heard: dict[tuple[int, str], date] = {}
    for install, _, uses in sent:
        days = {DAY + timedelta(day): where for day, _, where, _ in uses}
        for number, event, _, times in uses:
            day = DAY + timedelta(number)
            counted[event, day] += times
            heard[install, event] = max(day, heard.get((install, event), day))
        used.setdefault(install, set()).update(days)
        for day, where in sorted(days.items()):
            told_of_week.setdefault((install, monday(day)), where)
            first_told.setdefault((install, day), where)
        if days and max(used[install]) in days:
            told_last[install] = days[max(used[install])]
    used = {install: days for install, days in used.items() if days}
    left = [install for install in used if install not in gone and max(used[install]) >= SINCE]
    places = {
        kind: Counter(rules.cells(DAY, told_last[install])[number].value for install in left)
        for number, kind in enumerate(rules.KINDS)
    }
    spread = Counter((where.release, day) for (_, day), where in first_told.items())
    kept = Counter((monday(min(days)), week) for days in used.values() for week in set(map(monday, days)))
    in_week = Counter(cell for (_, week), where in told_of_week.items() for cell in rules.cells(week, where))
    users = Counter(event for (install, event), day in heard.items() if day >= SINCE and install not in gone)
    return {
        "counted": [(*key, n) for key, n in sorted(counted.items())],
        "users": sorted(users.items()),
        "places": places,
        "spread": [(*key, n) for key, n in sorted(spread.items())],
        "in_week": sorted((*cell, n) for cell, n in in_week.items()),
        "kept": [(*key, n) for key, n in sorted(kept.items())],
        "active": [each for n in range(80) if any((each := windows(DAY + timedelta(n), used))[1:])],
        "losses": gaps(sent),
    }


def monday(day: date) -> date:
    year, week, _ = day.isocalendar()
    return date.fromisocalendar(year, week, 1)


def windows(day: date, used: dict[int, set[date]]) -> Day:
    def within(width: int) -> int:
        return sum(any(day - timedelta(width) < each <= day for each in days) for days in used.values())

    return Day(day, within(1), within(7), within(28), sum(min(days) == day for days in used.values()), within(14))


def gaps(sent: list[Sent]) -> list[tuple[str, str, int]]:
    numbers: dict[int, set[int]] = {}
    for install, sequence, _ in sent:
        numbers.setdefault(install, set()).add(sequence)
    missing = sum(max(found) - len(found - {0}) for found in numbers.values())
    return [("gap", "", missing)] if missing else []
