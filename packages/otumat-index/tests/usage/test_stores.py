"""The conformance suite of `EventStore`: what every engine must do. `--database postgresql` runs it there."""

from __future__ import annotations

import gzip
import itertools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otumat.errors import Conflict, Refused
from otumat.spec.event import Verdict, Where
from otumat_index.usage.stores.orm import OrmStore
from otumat_index.usage.stores.protocol import Accepted, Day, EventStore, Key

pytestmark = pytest.mark.django_db(databases="__all__")
DAY = date(2026, 3, 1)
LONG = (date.min, date.max)
ENGINES = {"orm": OrmStore}


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest) -> EventStore:
    made: EventStore = ENGINES[request.param]()
    return made


def batch(install: int = 1, *days: date, number: int = 1, times: int = 1, **more: Any) -> Accepted:
    counts = {Key(day, "import", "", "1.0"): times for day in days}
    where = Where("1.0", "3.12", "linux", "x86_64") if days else None
    values = {"counts": counts, "days": frozenset(days), "where": where, **more}
    name, body = f"{number:032x}", gzip.compress(b"{}")
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
    assert found[DAY] == Day(DAY, 1, 1, 1, 1)
    assert found[DAY + timedelta(8)] == Day(DAY + timedelta(8), 0, 1, 1, 0)
    assert found[DAY + timedelta(9)] == Day(DAY + timedelta(9), 0, 0, 1, 0)
    assert found[DAY + timedelta(30)] == Day(DAY + timedelta(30), 1, 1, 1, 0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 34), max_size=5), max_size=8))
def test_active_installs_are_exact_in_any_order(store: EventStore, told: list[list[int]]) -> None:
    project = next(PROJECTS)
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
    moved = Where("2.0", "3.13", "darwin", "arm64", True)
    store.accept(batch(1, DAY + timedelta(1), number=2, where=moved))
    store.accept(batch(1, DAY - timedelta(1), number=3))
    assert store.places(7, DAY, "release") == [("1.0", 1), ("2.0", 1)]
    assert store.places(7, DAY + timedelta(1), "system") == [("darwin", 1)]


def test_projects_in_use_are_told_from_a_number_of_installs_on(store: EventStore) -> None:
    for install in (1, 2, 3):
        store.accept(batch(install, DAY))
    store.accept(replace(batch(4, DAY), project=8))
    assert store.in_use(DAY, at_least=1) == {7: 3, 8: 1}
    assert store.in_use(DAY, at_least=3) == {7: 3}
    assert store.in_use(DAY + timedelta(1), at_least=1) == {}


def test_erasing_forgets_the_install_and_keeps_the_counts(store: EventStore) -> None:
    for number in (1, 2):
        store.accept(batch(1, DAY, number=number))
    store.accept(batch(2, DAY))
    before = (store.counted(7, *LONG), store.active(7, *LONG))
    assert store.erase(1) == 2
    assert store.erase(1) == 0
    assert (store.counted(7, *LONG), store.active(7, *LONG)) == before
    assert (store.batches(1), store.body(1, f"{1:032x}"), len(store.batches(2))) == ([], b"", 1)
    assert store.places(7, DAY, "system") == [("linux", 1)]
    with pytest.raises(Refused):
        store.accept(batch(1, DAY, number=3))


def test_bodies_go_in_time_and_ids_stay(store: EventStore) -> None:
    store.accept(batch(1, DAY))
    assert store.body(1, f"{1:032x}") == b"{}"
    assert (store.expire(DAY), store.expire(DAY + timedelta(1)), store.expire(DAY + timedelta(1))) == (0, 1, 0)
    assert store.body(1, f"{1:032x}") == b""
    assert store.accept(batch(1, DAY)).replayed


def test_properties_are_counted_apart(store: EventStore) -> None:
    counts = {Key(DAY, "fetch", "backend=mysql", "1.0"): 3, Key(DAY, "fetch", "backend=other", "1.0"): 5}
    store.accept(batch(1, DAY, counts=counts))
    assert store.properties(7, *LONG) == [("fetch", "backend=other", 5), ("fetch", "backend=mysql", 3)]
