"""
What only the store on ClickHouse can get wrong: it has no transactions.

Every step of taking and erasing is cut off in turn (on chdb); a replica of a real cluster is killed while batches come.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Event
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from django.db import connection

from harness.chdb_link import ChdbLink
from harness.clickhouse import CLUSTER, Cluster
from harness.waiting import PATIENCE_S
from otumat.errors import Conflict, Invalid, OtumatError, Refused
from otumat.spec.event import Where
from otumat_index.usage.stores.clickhouse.link import Address, Server, address_of
from otumat_index.usage.stores.clickhouse.store import ClickHouseStore
from otumat_index.usage.stores.protocol import Accepted, Key

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="only on SQLite: ClickHouse is the same, whatever the catalogue is in"
)
DAY, PROJECT = date(2026, 3, 1), 7
LONG = (date.min, date.max)
HERE = Where("1.0", "3.12", "linux", "x86_64")
NUMBERS = itertools.count()
INSTALLS, BATCHES, KINDS = 4, 24, 5
MOST = (INSTALLS * BATCHES + 1) * sum(range(1, KINDS + 1))
"""All uses that the four and the one who leaves tell of."""


class Cut(Exception):
    """The process was gone."""


class Cutting(ChdbLink):
    """A link that does `left` more writes and then no more."""

    left = 10**9

    def put(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self._count()
        super().put(table, rows)

    def do(self, statement: str, *, patience_s: int | None = None) -> None:
        self._count()
        super().do(statement, patience_s=patience_s)

    def _count(self) -> None:
        if self.left == 0:
            raise Cut
        self.left -= 1


@pytest.fixture
def link() -> Cutting:
    return Cutting(f"cut_{next(NUMBERS)}")


@pytest.fixture
def store(link: Cutting) -> ClickHouseStore:
    return ClickHouseStore(link, database=link.database)


def batch(install: int, number: int, **more: Any) -> Accepted:
    day = DAY + timedelta(number % 3)
    counts = {Key(day, f"event{n}", "", "1.0"): n + 1 for n in range(KINDS)}
    values = {"counts": counts, "days": {day: HERE}, "losses": {("room", ""): 1}, **more}
    return Accepted(install, PROJECT, f"{install:016x}{number:016x}", number, f"{number:064x}", DAY, b"body", **values)


def everything(store: ClickHouseStore) -> list[Any]:
    read: list[Callable[..., Any]] = [store.counted, store.active, store.kept, store.losses]
    return [*(ask(PROJECT, *LONG) for ask in read), store.spread(PROJECT, "release", *LONG)]


def cuts(link: Cutting, act: Callable[[], Any]) -> Iterator[int]:
    """Cut an act off before each of its writes in turn; at last it goes through."""
    for writes in range(20):
        link.left = writes
        try:
            act()
        except Cut:
            link.left = 10**9
            yield writes
        else:
            break
    else:
        pytest.fail("It never went through.")
    link.left = 10**9


def test_a_batch_that_was_cut_off_anywhere_counts_once_when_it_comes_again(
    link: Cutting, store: ClickHouseStore
) -> None:
    store.accept(batch(1, 1))
    cut = list(cuts(link, lambda: store.accept(batch(1, 2))))
    assert cut == [0, 1, 2, 3]  # before each of body, counts, days and the row that says it was taken
    other = Cutting(f"cut_{next(NUMBERS)}")
    plain = ClickHouseStore(other, database=other.database)
    for number in (1, 2):
        plain.accept(batch(1, number))
    assert everything(store) == everything(plain)
    assert [told.replayed for told in map(store.accept, (batch(1, 1), batch(1, 2)))] == [True, True]


def test_an_erasure_that_is_cut_off_anywhere_changes_no_count(link: Cutting, store: ClickHouseStore) -> None:
    for install, number in itertools.product((1, 2), (1, 2, 4)):
        store.accept(batch(install, number))
    before, cut = everything(store), 0
    for _ in cuts(link, lambda: store.erase(1)):
        cut += 1
        assert everything(store) == before
    assert cut >= 6
    assert everything(store) == before
    assert (store.batches(1), len(store.batches(2)), store.erase(1)) == ([], 3, 0)


def test_U14_of_a_batch_that_was_cut_off_and_never_taken_an_erasure_leaves_nothing_either(
    link: Cutting, store: ClickHouseStore
) -> None:
    store.batches(1)  # makes the tables
    link.left = 3  # its body, counts and days, and not the row that says it was taken
    with pytest.raises(Cut):
        store.accept(batch(1, 1))
    link.left = 10**9
    assert store.erase(1) == 0
    for table in ("body", "used"):
        assert settled(lambda: link.ask(f"SELECT count() FROM {table} WHERE install = 1") == [[0]]), table  # noqa: B023


def test_nothing_leads_from_what_stays_to_the_erased(link: Cutting, store: ClickHouseStore) -> None:
    store.accept(batch(1, 1))
    store.erase(1)
    for table in ("told", "body", "used"):
        assert settled(lambda: link.ask(f"SELECT count() FROM {table} WHERE install = 1") == [[0]])  # noqa: B023
    assert link.ask("SELECT count() FROM used WHERE notEmpty(events) OR batch = '" + batch(1, 1).batch + "'") == [[0]]
    store.expire(date(2100, 1, 1))  # days later the link between the two goes, too
    assert settled(lambda: link.ask("SELECT count() FROM gone") == [[0]])
    assert store.counted(PROJECT, *LONG) != []


@pytest.mark.parametrize("leave", [ClickHouseStore.close, ClickHouseStore.erase], ids=["withdrawn", "erased"])
def test_a_batch_whose_install_goes_while_it_is_written_is_taken_back(
    link: Cutting, store: ClickHouseStore, monkeypatch: pytest.MonkeyPatch, leave: Callable[[ClickHouseStore, int], Any]
) -> None:
    store.accept(batch(1, 1))
    counted, late = store.counted(PROJECT, *LONG), batch(1, 2)

    def put(table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if table == "told":
            leave(store, 1)
        Cutting.put(link, table, rows)

    monkeypatch.setattr(link, "put", put)
    with pytest.raises(Refused):
        store.accept(late)
    for table in ("told", "body", "used"):
        left = f"SELECT count() FROM {table} WHERE install = 1 AND batch = '{late.batch}'"
        assert settled(lambda: link.ask(left) == [[0]]), table  # noqa: B023
    assert settled(lambda: store.counted(PROJECT, *LONG) == counted)


def test_the_same_id_with_other_bytes_is_refused(store: ClickHouseStore) -> None:
    store.accept(batch(1, 1))
    with pytest.raises(Conflict):
        store.accept(Accepted(1, PROJECT, batch(1, 1).batch, 1, "f" * 64, DAY, b"", {}))


def test_what_is_told_is_no_sql(store: ClickHouseStore) -> None:
    text = "it's \\' OR 1=1 -- \\"
    store.accept(batch(1, 1, counts={Key(DAY, text, text, text): 3}))
    assert store.details(PROJECT, text, *LONG) == [(text, text, 3)]
    assert store.details(PROJECT, "'", *LONG) == []
    with pytest.raises(OtumatError):
        store.places(PROJECT, DAY, "1; DROP TABLE told")


@pytest.mark.parametrize("url", ["clickhouse://h:port/x", "clickhouse://h/a-b", "clickhouse://h/x?cluster=a%20b"])
def test_a_url_that_names_no_clickhouse_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        address_of(url)


def test_a_url_names_hosts_cluster_and_settings() -> None:
    found = address_of("clickhouse://me:a%2Fb@one/events?cluster=main&also=two:81,three&insert_quorum=2")
    assert found.hosts == (("one", 8123), ("two", 81), ("three", 8123))
    assert (found.user, found.password, found.database, found.cluster) == ("me", "a/b", "events", "main")
    assert found.settings["insert_quorum"] == "2"
    assert "a/b" not in repr(found)


def test_no_server_is_an_error_that_says_so() -> None:
    server = Server(Address((("127.0.0.1", 9),), "default", "", "events"))
    with pytest.raises(OtumatError, match="No ClickHouse server answers"):
        server.ask("SELECT 1")


def test_a_killed_replica_loses_nothing_and_doubles_nothing(servers: Cluster) -> None:
    """2 x 2: the replica that everybody writes to is killed while batches come; then it comes back."""
    servers.await_idle()
    store = ClickHouseStore(servers.link("killed"), database="killed", cluster=CLUSTER)
    erased = INSTALLS + 1
    store.accept(batch(erased, 1, losses={}))
    reached, done, reports = Event(), Event(), [0]
    victim = servers.replicas[0]
    with ThreadPoolExecutor(INSTALLS + 1) as pool:
        watching = pool.submit(watch, store, done, reports)
        senders = [pool.submit(send, store, install, reached) for install in range(1, INSTALLS + 1)]
        assert reached.wait(PATIENCE_S)
        victim.kill()
        for sender in senders:
            sender.result(PATIENCE_S)
        seen = reports[0]
        assert settled(lambda: reports[0] > seen + 1), "reports stopped"
        assert store.erase(erased) == 1  # waits for nobody that is down
        done.set()
        watching.result(PATIENCE_S)
    victim.start()
    victim.await_ready()
    assert settled(lambda: total(store) == MOST), f"{total(store)} of {MOST}"
    installs = range(1, INSTALLS + 1)
    assert settled(lambda: [len(store.batches(install)) for install in installs] == [BATCHES] * INSTALLS)
    for install, number in itertools.product(installs, range(1, BATCHES + 1)):
        assert store.accept(batch(install, number)).replayed
    assert total(store) == MOST
    assert store.losses(PROJECT, *LONG) == [("room", "", INSTALLS * BATCHES)]
    assert [day.daily for day in store.active(PROJECT, DAY, DAY + timedelta(2))] == [INSTALLS, INSTALLS + 1, INSTALLS]
    there = servers.link("killed", victim)
    for table in ("told_local", "body_local", "used_local"):
        asked = f"SELECT count() FROM {table} WHERE install = {erased}"
        assert settled(lambda: there.ask(asked) == [[0]]), table  # noqa: B023


def send(store: ClickHouseStore, install: int, reached: Event) -> None:
    """As a sender does: a batch that got no answer is sent again, until it gets one."""
    for number in range(1, BATCHES + 1):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                store.accept(batch(install, number))
                break
            except (ClickHouseError, OtumatError):
                time.sleep(0.1)
        else:
            pytest.fail("A batch was never taken.")
        if number == BATCHES // 3:
            reached.set()


def watch(store: ClickHouseStore, done: Event, reports: list[int]) -> None:
    """Reports are asked for all the time; none may tell of more than was sent."""
    while not done.wait(0.05):
        assert total(store) <= MOST
        reports[0] += 1


def total(store: ClickHouseStore) -> int:
    return sum(times for _, _, times in store.counted(PROJECT, *LONG))


def settled(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.2)
    return False
