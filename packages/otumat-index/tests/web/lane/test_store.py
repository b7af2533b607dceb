from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from otumat_index.web.lane import Answer, Store, prepare
from otumat_index.web.lane import store as module


def page(path: str, body: bytes = b"page") -> Answer:
    return prepare(path, body, content_type="text/html", format="html")


def body_of(store: Store, path: str) -> bytes | None:
    rows = store.find(path)
    return store.body(rows[0], compressed=False) if rows else None


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache" / "lane.sqlite3")


def test_what_was_put_is_found(store: Store) -> None:
    assert store.put("alice", 3, [page("/simple/alice/", b"long " * 1000)])
    (row,) = store.find("/simple/alice/")
    assert (row.topic, row.format, row.size) == ("alice", "html", 5000)
    assert store.body(row, compressed=False) == b"long " * 1000
    assert len(store.body(row, compressed=True) or b"") == row.compressed_size
    assert store.find("/simple/bob/") == []


def test_marking_stale_drops_the_topic_and_nothing_else(store: Store) -> None:
    store.put("alice", 3, [page("/simple/alice/")])
    store.put("bob", 3, [page("/simple/bob/")])
    store.mark_stale("alice", 4)
    assert store.find("/simple/alice/") == []
    assert body_of(store, "/simple/bob/") == b"page"


def test_an_old_rendering_never_overwrites(store: Store) -> None:
    store.mark_stale("alice", 5)
    assert not store.put("alice", 4, [page("/simple/alice/", b"old")])
    assert store.put("alice", 6, [page("/simple/alice/", b"new")])
    store.put("alice", 5, [page("/simple/alice/", b"older")])
    assert body_of(store, "/simple/alice/") == b"new"


def test_a_late_mark_leaves_what_was_rendered_after_the_change(store: Store) -> None:
    store.put("alice", 6, [page("/simple/alice/")])
    store.mark_stale("alice", 6)
    store.mark_stale("alice", 2)
    assert body_of(store, "/simple/alice/") == b"page"


def test_marks_never_go_back(store: Store) -> None:
    store.mark_stale("alice", 9)
    store.mark_stale("alice", 2)
    assert not store.put("alice", 8, [page("/simple/alice/")])


def test_marking_all_stale_binds_topics_not_seen_before(store: Store) -> None:
    store.put("alice", 3, [page("/simple/alice/")])
    store.mark_all_stale(5)
    assert store.find("/simple/alice/") == []
    assert not store.put("carol", 4, [page("/simple/carol/")])
    assert store.put("carol", 5, [page("/simple/carol/")])


def test_changes_tell_what_happened_since(store: Store) -> None:
    before = store.generation()
    store.mark_stale(["alice", "bob"], 1)
    changes = store.changes_since(before)
    assert changes.topics == {"alice", "bob"}
    assert changes.generation == store.generation() == store.cells.view[0]
    assert store.changes_since(changes.generation).topics == frozenset()


def test_a_first_put_is_no_news_and_a_replacing_one_is(store: Store) -> None:
    before = store.generation()
    store.put("alice", 1, [page("/simple/alice/")])
    assert store.generation() == before
    store.put("alice", 2, [page("/simple/alice/", b"new")])
    assert store.changes_since(before).topics == {"alice"}


def test_who_was_away_too_long_is_told_that_anything_may_have_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHANGES_KEPT", 3)
    before = store.generation()
    store.mark_stale([f"topic{number}" for number in range(10)], 1)
    assert store.changes_since(before).topics is None
    assert store.changes_since(store.generation() - 2).topics == {"topic8", "topic9"}


def test_all_stale_is_told_as_anything(store: Store) -> None:
    before = store.generation()
    store.mark_all_stale(1)
    assert store.changes_since(before).topics is None


def test_two_processes_see_each_other(store: Store) -> None:
    store.put("alice", 3, [page("/simple/alice/")])
    before = store.cells.view[0]
    act = f"Store(Path({str(store.path)!r})).mark_stale('alice', 4)"
    code = f"from pathlib import Path; from otumat_index.web.lane import Store; {act}"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert store.cells.view[0] != before
    assert store.find("/simple/alice/") == []


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096, b""])
def test_a_damaged_file_is_replaced_by_an_empty_store(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "lane.sqlite3"
    path.write_bytes(damage)
    store = Store(path)
    assert store.put("alice", 1, [page("/simple/alice/")])
    assert body_of(store, "/simple/alice/") == b"page"


def test_damage_under_a_running_process_is_repaired_and_told(store: Store) -> None:
    store.put("alice", 1, [page("/simple/alice/", b"x" * 200_000)])
    store.mark_stale("bob", 1)
    seen = store.generation()
    with sqlite3.connect(store.path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    store.path.write_bytes(b"\0" * store.path.stat().st_size)
    store.mark_stale("alice", 2)
    assert store.find("/simple/alice/") == []
    assert store.changes_since(seen).topics is None


def test_a_deleted_cache_folder_begins_anew(store: Store) -> None:
    store.put("alice", 1, [page("/simple/alice/")])
    seen = store.generation()
    shutil.rmtree(store.path.parent)
    assert store.find("/simple/alice/") == []
    assert store.changes_since(seen).topics is None
    assert store.put("alice", 1, [page("/simple/alice/")])


def test_a_store_of_another_schema_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lane.sqlite3"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE answers (other)")
        old.execute("PRAGMA user_version = 99")
    old.close()
    assert Store(path).put("alice", 1, [page("/simple/alice/")])


def test_followed_is_remembered(store: Store) -> None:
    assert store.followed == 0
    store.followed = 41
    assert Store(store.path).followed == 41


def test_a_store_that_follows_nothing_has_no_heartbeat(store: Store) -> None:
    assert not store.heartbeat()
    assert store.cells.view[1] == 0
    store.followed = 3
    assert store.heartbeat()
    assert store.cells.view[1] > 0
    store.path.unlink()
    assert store.followed == 0
    assert store.cells.view[1] == 0


def test_a_refused_answer_leaves_nothing_half_written(store: Store) -> None:
    wrong = Answer("/simple/alice/", "html", "a/b", "0" * 40, 0, (), body=object())  # type: ignore[arg-type]
    with pytest.raises(sqlite3.Error):
        store.put("alice", 1, [page("/simple/bob/"), wrong])
    assert store.find("/simple/bob/") == []
    assert store.put("alice", 1, [page("/simple/alice/")])
