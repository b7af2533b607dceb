"""A backup at its unlucky moments: the disk is full, a file goes or is damaged meanwhile, the folder is somebody's."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otumat.errors import Conflict, OtumatError
from otumat_index.config import Config
from otumat_index.journal import queries as journal
from otumat_index.publish import files
from otumat_index.upkeep import checking, kept, restoring, taking
from otumat_index.upkeep.dumps import Sqlite, databases_of
from otumat_index.upkeep.kept import Kept, Note
from otumat_index.upkeep_commands import plainly

AT = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
ONE, TWO = (
    Kept(f"{number}/abcdefghij/{number}.whl", 5, hashlib.sha256(data).hexdigest())
    for number, data in (("01", b"one.."), ("02", b"two.."))
)


class Catalogue:
    """A database that names some files when it is copied."""

    kind = "sqlite"

    def __init__(self) -> None:
        self.named: list[Kept] = [ONE, TWO]
        self.dumped = 0

    def dump(self, target: Path, question: str) -> list[tuple[Any, ...]]:
        assert question == taking.LISTING
        self.dumped += 1
        target.write_bytes(b"a database")
        return [tuple(each) for each in self.named]


class Store:
    """What a store has, by key; an error where its disk is broken."""

    def __init__(self) -> None:
        self.has: dict[str, bytes | OSError] = {ONE.key: b"one..", TWO.key: b"two.."}

    def chunks(self, key: str) -> Iterator[bytes]:
        found = self.has.get(key, FileNotFoundError())
        if isinstance(found, OSError):
            raise found
        yield found[:2]
        yield found[2:]

    def size_bytes(self, key: str) -> int:
        return 5


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    made = Catalogue()
    monkeypatch.setattr(taking, "databases_of", lambda config: {"catalogue": made})
    monkeypatch.setattr(taking, "named", lambda: iter(made.named))
    monkeypatch.setattr(journal, "last_serial", lambda: 7)
    return made


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(files, "store", lambda: made)
    return made


@pytest.fixture
def take(tmp_path: Path, catalogue: Catalogue, store: Store) -> Callable[..., Note]:
    """Back up once more, a minute later each time."""
    config = Config.for_tests(tmp_path / "data")
    config.data.mkdir()
    (config.data / "secret.key").write_text("ours")
    moments = (AT + timedelta(minutes=number) for number in range(60))
    return lambda: taking.take(config, tmp_path / "copy", at=next(moments))


def states(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("state-*")]


def test_a_file_with_other_bytes_than_published_is_told_and_kept_out_but_for_a_good_copy(
    take: Callable[..., Note], store: Store, tmp_path: Path
) -> None:
    store.has[TWO.key] = b"bits."
    note = take()
    assert (note.files, note.missing) == (1, [TWO.key])
    assert list(kept.read_files(tmp_path / "copy" / note.state)) == [ONE]
    store.has[TWO.key] = b"two.."
    assert take().missing == []
    store.has[TWO.key] = b"bits."
    assert (take().missing, kept.place(tmp_path / "copy", TWO.key).read_bytes()) == ([], b"two..")


def test_a_file_that_a_broken_disk_does_not_give_hinders_no_other(take: Callable[..., Note], store: Store) -> None:
    store.has[ONE.key] = OSError(errno.EIO, "Input/output error")
    note = take()
    assert (note.files, note.missing) == (1, [ONE.key])


def test_a_copied_file_of_another_length_is_copied_anew(take: Callable[..., Note], tmp_path: Path) -> None:
    take()
    copied = kept.place(tmp_path / "copy", ONE.key)
    copied.write_bytes(b"on")
    take()
    assert copied.read_bytes() == b"one.."


def test_a_file_that_came_and_went_while_the_databases_were_copied_is_told_if_the_copy_names_it(
    take: Callable[..., Note], catalogue: Catalogue, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "named", lambda: iter([ONE]))  # before the copy, and after
    del store.has[TWO.key]
    note = take()
    assert (note.missing, catalogue.dumped) == ([TWO.key], taking.TRIES)


def test_a_file_that_came_later_than_the_copied_catalogue_is_not_in_the_copy(
    take: Callable[..., Note], monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue, tmp_path: Path
) -> None:
    catalogue.named = [ONE]
    monkeypatch.setattr(taking, "named", lambda: iter([ONE, TWO]))
    note = take()
    assert list(kept.read_files(tmp_path / "copy" / note.state)) == [ONE]


def test_for_a_file_that_is_lost_for_good_the_databases_are_copied_once(
    take: Callable[..., Note], catalogue: Catalogue, store: Store
) -> None:
    del store.has[TWO.key]
    assert (take().missing, catalogue.dumped) == ([TWO.key], 1)


def test_a_full_disk_is_one_sentence_and_leaves_no_half_copy_behind(
    take: Callable[..., Note], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = take().state

    def full(state: Path, files: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kept, "write_files", full)
    with pytest.raises(OtumatError, match=r"Not finished: .*No space left on device"), plainly("Not finished", ""):
        take()
    assert states(tmp_path / "copy") == [counts]


def test_what_kill_9_left_is_gone_before_more_room_is_needed(
    take: Callable[..., Note], catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = take().state
    (tmp_path / "copy" / "state-20261122T000000000000").mkdir()
    seen: list[list[str]] = []
    monkeypatch.setattr(taking, "renew", lambda config, folder, *_: seen.append(states(folder)))
    take()
    assert seen == [[counts]]


def test_one_backup_at_a_time_and_none_while_one_is_restored(take: Callable[..., Note], tmp_path: Path) -> None:
    take()
    for to_write in (True, False):
        with kept.locked(tmp_path / "copy", to_write=to_write), pytest.raises(Conflict, match="under way"):
            take()
    with kept.locked(tmp_path / "copy", to_write=True), pytest.raises(Conflict, match="under way"):
        restoring.restore(tmp_path / "copy", tmp_path / "new", at=AT)
    take()


def test_the_backup_of_another_index_is_not_replaced(take: Callable[..., Note], tmp_path: Path) -> None:
    before = take()
    (tmp_path / "data" / "secret.key").write_text("theirs")
    with pytest.raises(Conflict, match="another index"):
        take()
    assert kept.read_note(tmp_path / "copy") == before


@pytest.mark.parametrize("name", ["state-machine", "files", "state-20261122T000000000000", "letter.txt"])
def test_a_folder_that_is_somebodys_is_left_alone(take: Callable[..., Note], tmp_path: Path, name: str) -> None:
    (tmp_path / "copy" / name).mkdir(parents=True)
    with pytest.raises(Conflict, match="no backup"):
        take()
    assert [path.name for path in (tmp_path / "copy").iterdir()] == [name]


def test_published_files_of_a_copy_are_for_its_owner(take: Callable[..., Note], tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir(mode=0o755)
    state = tmp_path / "copy" / take().state
    assert [path.stat().st_mode & 0o77 for path in (tmp_path / "copy" / "files", state)] == [0, 0]
    assert [path.stat().st_mode & 0o777 for path in (state / "secret.key", state / "catalogue.sqlite")] == [0o600] * 2


def test_a_database_that_both_settings_name_is_copied_once(tmp_path: Path) -> None:
    server = "postgresql://anna@db.example.org"
    apart = Config.for_tests(tmp_path, database_url=f"{server}/index", events_url=f"{server}/events")
    schemas = Config.for_tests(
        tmp_path, database_url=f"{server}/index", events_url=f"{server}/index?options=-csearch_path%3Devents"
    )
    assert [list(databases_of(config)) for config in (apart, schemas)] == [["events", "catalogue"], ["catalogue"]]
    clickhouse = Config.for_tests(tmp_path, events_url="clickhouse://anna@db.example.org/events")
    assert databases_of(clickhouse) == {"catalogue": Sqlite(tmp_path / "index.sqlite3")}


def test_a_check_reads_a_file_by_parts_and_tells_of_a_broken_disk(store: Store) -> None:
    assert checking.fault(ONE, reads_all=True) == ""
    store.has[ONE.key] = OSError(errno.EIO, "Input/output error")
    assert "cannot be read" in checking.fault(ONE, reads_all=True)
    store.has[ONE.key] = b"bits."
    assert "other bytes" in checking.fault(ONE, reads_all=True)
    assert checking.fault(ONE, reads_all=False) == ""
