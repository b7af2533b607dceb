"""Uses on ClickHouse, end to end: the real agent and sender, a started index, its pages, an erasure, an export."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.clickhouse import SERVER, single
from harness.server import Index
from harness.users import OVER, User, at_home, publish
from harness.waiting import PATIENCE_S
from otumat.spec.consent import ON
from otumat.usage import tokens, tombstones
from otumat.usage.sender import Round
from otumat_index.usage.stores.clickhouse.link import Server, address_of

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("DATABASE_URL")), reason="only on SQLite: uses are not in the catalogue, whatever that is in"
)

COPIES_FROM = 1 << 63
"""Numbers of installs that were erased; what stays of them is under these."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    """EVENTS_URL of a server of its own."""
    if not SERVER.exists():
        pytest.skip(f"{SERVER} missing: apt-get install clickhouse-server")
    (tmp_path / "clickhouse").mkdir()
    with single(tmp_path / "clickhouse") as url:
        yield url


@pytest.fixture
def user(
    start_index: Callable[..., Index],
    store: str,
    tmp_path: Path,
    new_name: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> User:
    """A user of Alice's package, on an index whose uses are on ClickHouse."""
    at_home(tmp_path, monkeypatch)
    index = start_index(EVENTS_URL=store)
    made = User(index, new_name("told"), tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    publish(index, made)
    return made


def test_uses_are_told_shown_exported_and_erased(user: User, store: str, tmp_path: Path) -> None:
    index, counts = user.index, {"import": 1, "fetch": 3}
    user.says(ON)
    user.uses("import", "fetch", "fetch")
    assert user.sends() == Round(batches=1, uses=3)
    user.uses("fetch")
    assert user.sends() == Round(batches=1, uses=1)
    assert user.counted == counts
    path = tokens.path_of(user.folder)
    known = tokens.read(path)
    assert known is not None
    own = f"/api/usage-install/{known.install}"
    batches = index.request("GET", own, headers=known.bearer).json()["batches"]
    assert [each["sequence"] for each in batches] == [1, 2]
    assert index.request("GET", f"{own}?batch={batches[0]['batch']}", headers=known.bearer).status == 200
    alice = Browser(index).sign_in("alice", index.create_user("alice"))
    assert seen_by(alice, user) == {"import": ("1", "1"), "fetch": ("1", "3")}
    told = tombstones.receipt(tombstones.ask(path, "DELETE", query="?erase=1", over=OVER))
    assert told["receipt"]["batches"] == 2
    assert (index.request("GET", own, headers=known.bearer).status, user.counted) == (401, counts)
    assert seen_by(alice, user) == {"import": ("0", "1"), "fetch": ("0", "3")}
    assert all(is_gone_from(store, table) for table in ("told", "body", "used"))
    index.command("usage", "export", "--project", user.name, str(tmp_path / "out.csv"))
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert {row["event"]: int(row["times"]) for row in rows} == counts
    index.stop_cleanly()
    assert "Traceback" not in index.log.read_text(), index.told()


def seen_by(alice: Browser, user: User) -> dict[str, tuple[str, str]]:
    """What the owner's pages tell of each feature: installs, and how often."""
    pages = f"/manage/project/{user.name}/usage/"
    for page in (pages, f"{pages}event/fetch/"):
        assert alice.open(page).status == 200, alice.text
    rows = csv.DictReader(alice.open(f"{pages}features.csv").text.splitlines())
    return {row["event"]: (row["installs"], row["times"]) for row in rows}


def is_gone_from(store: str, table: str) -> bool:
    """Whether nothing of the only install is left there, soon."""
    there, until = Server(address_of(store)), time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if there.ask(f"SELECT count() FROM {table} WHERE install < {COPIES_FROM}") == [[0]]:
            return True
        time.sleep(0.1)
    return False
