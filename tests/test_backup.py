"""A copy of a running index, an index made from it, and what is told of one that is damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin

import pytest

from harness.artifacts import Artifact, make_sdist, make_wheel, upload_form
from harness.server import BIN, Index, basic
from harness.waiting import PATIENCE_S, until

StartIndex = Callable[..., Index]
TRIES = 9
"""To kill a backup on its way: it may be quicker."""


@pytest.fixture(scope="module")
def running(start_index: StartIndex) -> Index:
    """An index with three files of Alice's."""
    index = start_index()
    for each in (make_wheel("kept"), make_sdist("kept"), make_wheel("removed")):
        publish(index, each)
    return index


def publish(index: Index, artifact: Artifact) -> None:
    body, headers = upload_form(artifact)
    token = index.passwords.get("token") or index.token("alice")
    index.passwords["token"] = token
    answer = index.request("POST", "/legacy/", body, headers | basic("__token__", token))
    assert answer.status == 200, answer


def run(index: Index, *words: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """An operator's command on an index's data, with more settings, whatever becomes of it."""
    line = [str(word) for word in (BIN / "otumat-index", *words, "--data", index.data)]
    return subprocess.run(line, env=index.environ() | settings, capture_output=True, text=True, timeout=PATIENCE_S)


def elsewhere(index: Index, folder: Path) -> Index:
    """Where an index could be: a new data folder, and where that is the way a new database."""
    return Index(folder / "data", index.settings)


def files_in(folder: Path) -> dict[str, int]:
    """The published files of a copy, with when each was written."""
    return {path.name.partition("~")[2]: path.stat().st_mtime_ns for path in folder.glob("files/*/*")}


@pytest.fixture(scope="module")
def copy(running: Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that was brought up to date after changes."""
    folder = tmp_path_factory.mktemp("backup") / "index"
    running.command("backup", str(folder))
    first = files_in(folder)
    assert len(first) == 3
    removed = running.api("DELETE", f"/project/removed/file/{make_wheel('removed').filename}", "alice")
    assert removed.status == 200, removed
    publish(running, make_wheel("kept", "2.0"))
    told = running.command("backup", str(folder))
    assert "3 files" in told
    again = files_in(folder)
    assert again.keys() ^ first.keys() == {make_wheel("removed").filename, make_wheel("kept", "2.0").filename}
    assert all(again[name] == first[name] for name in again.keys() & first.keys())  # not copied once more
    assert len(list(folder.glob("state-*"))) == 1
    return folder


def test_an_index_made_from_a_copy_serves_the_same(running: Index, copy: Path, tmp_path: Path) -> None:
    restored = elsewhere(running, tmp_path)
    try:
        done = run(restored, "restore", copy)
        assert done.returncode == 0, done.stderr
        assert (restored.data / "secret.key").read_text() == (running.data / "secret.key").read_text()
        assert (restored.data / "secret.key").stat().st_mode & 0o777 == 0o600
        checked = run(restored, "check", "--all")
        assert (checked.returncode, checked.stdout) == (0, "Everything is there.\n"), checked
        restored.start()
        assert [file["hashes"] for file in restored.files_of("kept").values()] == [
            file["hashes"] for file in running.files_of("kept").values()
        ]
        assert restored.files_of("removed") == {}
        restored.passwords = dict(running.passwords)
        publish(restored, make_wheel("kept", "3.0"))  # tokens go on
        restored.stop_cleanly()
    finally:
        restored.kill() if restored.pids() else None
        restored.catalogue.drop()


def test_nothing_that_is_there_is_written_over(running: Index, copy: Path, tmp_path: Path) -> None:
    onto = run(running, "restore", copy)
    assert (onto.returncode, "has an index already" in onto.stderr) == (1, True)
    inside = run(running, "backup", running.data / "backup")
    assert (inside.returncode, "own data folder" in inside.stderr) == (1, True)
    (tmp_path / "letter.txt").write_text("Dear Bob")
    beside = run(running, "backup", tmp_path)
    assert (beside.returncode, "'letter.txt'" in beside.stderr) == (1, True)
    assert os.listdir(tmp_path) == ["letter.txt"]


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="only on SQLite: the database is not in the data folder")
@pytest.mark.parametrize("words", [["backup", "copy"], ["check"]])
def test_no_index_is_begun_where_there_is_none(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        [str(BIN / "otumat-index"), *words, "--data", str(tmp_path / "data")],
        env={name: value for name, value in os.environ.items() if name != "OTUMAT_DATA"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, "There is no index in" in done.stderr) == (1, True), done
    assert os.listdir(tmp_path) == []


def test_all_that_is_damaged_in_a_copy_is_told_and_nothing_written(running: Index, copy: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(copy, damaged)
    one, two, *_ = sorted(damaged.glob("files/*/*"))
    one.unlink()
    two.write_bytes(b"something else")
    dump = next(path for path in damaged.glob("state-*/catalogue.*"))
    dump.write_bytes(dump.read_bytes()[:-1])
    nowhere = elsewhere(running, tmp_path)
    done = run(nowhere, "restore", damaged)
    nowhere.catalogue.drop()
    assert done.returncode == 1
    assert [name in done.stderr for name in (one.name, two.name, dump.name)] == [True, True, True]
    assert not nowhere.data.exists()
    unfinished = run(nowhere, "restore", tmp_path)
    assert "no finished backup" in unfinished.stderr


def test_a_damaged_copy_is_restored_without_what_is_damaged_if_the_operator_says_so(
    running: Index, copy: Path, tmp_path: Path
) -> None:
    damaged, wheel = tmp_path / "damaged", make_wheel("kept").filename
    shutil.copytree(copy, damaged)
    lost = next(path for path in damaged.glob("files/*/*") if path.name.endswith(f"~{wheel}"))
    held = lost.read_bytes()
    lost.write_bytes(held[:-1] + b"?")
    uses = next(damaged.glob("state-*/events.*"), None)  # with PostgreSQL they are in the catalogue
    if uses:
        uses.unlink()
    restored = elsewhere(running, tmp_path)
    try:
        refused = run(restored, "restore", damaged)
        assert (refused.returncode, "--without-damaged" in refused.stderr) == (1, True), refused
        done = run(restored, "restore", damaged, "--without-damaged")
        assert (done.returncode, f"  - kept 1.0: {wheel}\n" in done.stdout) == (0, True), done
        assert ("1 published file is damaged" in done.stdout, "with 2 files" in done.stdout) == (True, True), done
        assert ("counting begins anew" in done.stdout) == (uses is not None), done
        restored.start()
        files = restored.files_of("kept")
        answers = {
            name: restored.request("GET", urljoin("/simple/kept/", each["url"])).status for name, each in files.items()
        }
        assert {name for name, status in answers.items() if status == 404} == {wheel}, answers
        checked = run(restored, "check")
        assert (checked.returncode, checked.stdout.count(wheel), "1 problem" in checked.stdout) == (1, 2, True), checked
        (restored.data / lost.relative_to(damaged)).write_bytes(held)
        assert run(restored, "check", "--all").stdout == "Everything is there.\n"
        restored.stop_cleanly()
    finally:
        restored.kill() if restored.pids() else None
        restored.catalogue.drop()


def test_a_catalogue_beside_a_clickhouse_that_was_not_restored_gives_none_of_its_numbers_again(
    running: Index, tmp_path: Path
) -> None:
    """It may know installs and projects from after the backup: closed ones, and others' uses."""
    clickhouse = "clickhouse://nobody@127.0.0.1:1/nothing"  # asked for nothing
    begun_s = time.time() - datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    done = run(running, "backup", tmp_path / "copy", EVENTS_URL=clickhouse)
    assert done.returncode == 0, done
    restored = elsewhere(running, tmp_path)
    try:
        done = run(restored, "restore", tmp_path / "copy", EVENTS_URL=clickhouse)
        assert (done.returncode, "not given to new ones" in done.stdout) == (0, True), done
        project, install = next_numbers(restored)
        assert begun_s - 1 < project < 2**31, "search has no more room"
        assert install > begun_s * 1_000_000
    finally:
        restored.catalogue.drop()


def next_numbers(index: Index) -> list[int]:
    """What the next project and the next install would be, at least."""
    tables = "publish_project", "usage_install"
    if "DATABASE_URL" in os.environ:
        return [index.catalogue.rows(f"SELECT nextval('{table}_id_seq')")[0][0] for table in tables]
    return [
        index.catalogue.rows(f"SELECT seq + 1 FROM sqlite_sequence WHERE name = '{table}'")[0][0] for table in tables
    ]


def test_settings_that_want_other_databases_are_told_before_anything_is_written(
    running: Index, copy: Path, tmp_path: Path
) -> None:
    apart = Index(tmp_path / "data", {**running.settings, "EVENTS_URL": "postgresql://nobody@127.0.0.1:1/nothing"})
    done = run(apart, "restore", copy)
    apart.catalogue.drop()
    assert (done.returncode, "these settings want" in done.stderr, "EVENTS_URL" in done.stderr) == (1, True, True), done
    assert not apart.data.exists()


def test_a_file_that_the_store_has_damaged_is_named_and_the_rest_can_be_restored(
    running: Index, copy: Path, tmp_path: Path
) -> None:
    damaged = next(path for path in (running.data / "files").glob("*/*") if path.name.endswith(".tar.gz"))
    held = damaged.read_bytes()
    restored = elsewhere(running, tmp_path)
    try:
        damaged.write_bytes(held[:-1] + b"?")
        done = run(running, "backup", tmp_path / "copy")
        assert (done.returncode, damaged.name.partition("~")[2] in done.stdout) == (1, True), done
        done = run(restored, "restore", tmp_path / "copy")
        assert (done.returncode, "1 published file" in done.stdout) == (0, True), done
        assert len(list((restored.data / "files").glob("*/*"))) == 2
    finally:
        damaged.write_bytes(held)
        restored.catalogue.drop()


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="only on SQLite, whose file a test can set back")
def test_a_backup_before_an_upgrade_changes_no_database(copy: Path, tmp_path: Path) -> None:
    older = Index(tmp_path / "data")
    older.data.mkdir()
    for dump, name in (("catalogue", "index"), ("events", "events")):
        shutil.copy(next(copy.glob(f"state-*/{dump}.sqlite")), older.data / f"{name}.sqlite3")
    with closing(sqlite3.connect(older.data / "index.sqlite3")) as opened:
        opened.execute("DROP TABLE cache")
        opened.commit()
    done = run(older, "backup", tmp_path / "copy")
    assert done.returncode == 1, done  # the files are elsewhere
    assert "cache" not in older.catalogue.tables()


def is_killed_on_its_way(index: Index, folder: Path) -> bool:
    """Whether kill -9 came before its end to a backup that had begun; what counts is what counted before."""
    known, before = set(folder.glob("state-*")), (folder / "backup.json").read_bytes()
    line = [str(BIN / "otumat-index"), "backup", str(folder), "--data", str(index.data)]
    with subprocess.Popen(line, env=index.environ(), stderr=subprocess.DEVNULL) as process:
        until(lambda: set(folder.glob("state-*")) - known or process.poll() is not None, every_s=0.001)
        process.kill()
    return process.returncode == -signal.SIGKILL and (folder / "backup.json").read_bytes() == before


def test_kill_9_leaves_the_copy_from_before(running: Index, copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(copy, folder)
    assert any(is_killed_on_its_way(running, folder) for _ in range(TRIES)), "it counts before it is whole"
    before = json.loads((folder / "backup.json").read_text())
    assert (folder / before["state"] / "files.jsonl").exists()
    running.command("backup", str(folder))
    assert len(list(folder.glob("state-*"))) == 1  # what was left behind is gone


def test_a_check_names_what_is_gone_changed_or_nobodys(running: Index) -> None:
    assert run(running, "check").returncode == 0
    kept = {path.name.partition("~")[2]: path for path in (running.data / "files").glob("*/*")}
    gone, changed = kept[make_sdist("kept").filename], kept[make_wheel("kept").filename]
    held = gone.read_bytes(), changed.read_bytes()
    stray = gone.with_name("abcdefg~nobodys-1.0.tar.gz")
    try:
        gone.unlink()
        changed.write_bytes(held[1][:-1] + b"?")
        stray.write_bytes(b"?")
        told = json.loads(run(running, "check", "--all", "--json").stdout)
        assert {(each["code"], each["severity"]) for each in told} == {
            ("file.damaged", "error"), ("file.stray", "warning")
        }  # fmt: skip
        said = " ".join(each["message"] for each in told)
        assert "is not in the store" in said
        assert "other bytes than were published" in said
        assert stray.name in said
    finally:
        gone.write_bytes(held[0])
        changed.write_bytes(held[1])
        stray.unlink(missing_ok=True)


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="only on SQLite: PostgreSQL looks after its own files")
def test_a_check_tells_of_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite3").write_bytes(b"what a broken disk gives back " * 200)
    nowhere = Index(tmp_path)
    done = run(nowhere, "check")
    assert (done.returncode, "file is not a database" in done.stdout, "Traceback" in done.stderr) == (1, True, False)
