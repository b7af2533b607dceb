"""What is refused before anything is written: a copy that points elsewhere, a folder that is not quite empty."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from otumat.errors import Conflict, Invalid, NotFound, OtumatError
from otumat_index.upkeep import kept, restoring
from otumat_index.upkeep.kept import Kept, Note

NOTE = Note(
    made_at="2026-11-22T10:15:00Z",
    version="1.0",
    serial=7,
    state="state-20261122T101500000000",
    databases={},
    others={},
    files=0,
    bytes=0,
    missing=[],
)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def write(folder: Path, *files: Kept) -> Note:
    """A copy with a list of files and nothing else."""
    state = folder / NOTE.state
    state.mkdir()
    kept.write_files(state, files)
    note = replace(NOTE, others={kept.FILES: kept.sha256_of(state / kept.FILES)})
    kept.write_note(folder, note)
    return note


@pytest.mark.parametrize("name", ["index.sqlite3-wal", "events.sqlite3-journal", "index.sqlite3.restoring", "a.key"])
def test_no_database_is_put_beside_what_is_left_of_another(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(Conflict, match=name):
        restoring.check_free(tmp_path)


@pytest.mark.parametrize("key", ["../index.sqlite3", "../../x/y", "/etc/passwd", "ab/..", "ab/x", ""])
def test_a_copy_that_points_outside_of_itself_is_damaged(tmp_path: Path, key: str) -> None:
    note = write(tmp_path, Kept(key, 0, EMPTY))
    with pytest.raises(Invalid, match="damaged"):
        restoring.check_whole(tmp_path, note, lambda part: None)


@pytest.mark.parametrize("damage", ["cut", "gone", "no key"])
def test_a_list_of_files_that_was_cut_is_damage_and_so_is_a_lost_key(tmp_path: Path, damage: str) -> None:
    note = write(tmp_path, Kept("ab/cdefghijkl/x.whl", 0, EMPTY))
    place = kept.place(tmp_path, "ab/cdefghijkl/x.whl")
    place.parent.mkdir(parents=True)
    place.touch()
    restoring.check_whole(tmp_path, note, lambda part: None)
    listed = tmp_path / note.state / kept.FILES
    if damage == "cut":
        listed.write_text("")
    elif damage == "gone":
        listed.unlink()
    else:
        note = replace(note, others={**note.others, "secret.key": EMPTY})
    with pytest.raises(Invalid) as told:
        restoring.check_whole(tmp_path, note, lambda part: None)
    assert [problem.field for problem in told.value.problems] == ["secret.key" if damage == "no key" else kept.FILES]


def test_published_files_and_uses_can_be_left_out_and_nothing_else(tmp_path: Path) -> None:
    keys = [f"ab/{letter * 10}/{letter}.whl" for letter in "xyz"]
    note = write(tmp_path, *(Kept(key, 0, EMPTY) for key in keys))
    kept.place(tmp_path, keys[0]).parent.mkdir(parents=True)
    kept.place(tmp_path, keys[0]).touch()
    kept.place(tmp_path, keys[1]).write_text("other bytes")  # and the third is gone
    note = replace(note, databases={"events.sqlite": EMPTY})

    def look(note: Note, *, without_damaged: bool) -> set[str]:
        return restoring.check_whole(tmp_path, note, lambda part: None, without_damaged=without_damaged)

    lost = {*keys[1:], "events.sqlite"}
    assert look(note, without_damaged=True) == lost
    with pytest.raises(Invalid, match="--without-damaged") as told:
        look(note, without_damaged=False)
    assert {problem.field for problem in told.value.problems} == lost, "all of it at once"
    no_key = replace(note, others={**note.others, "secret.key": EMPTY})
    for worse in (replace(note, databases={"catalogue.sqlite": EMPTY}), no_key):
        with pytest.raises(Invalid, match="restore another backup") as told:
            look(worse, without_damaged=True)
        assert {*keys[1:]} < {problem.field for problem in told.value.problems}


def test_a_copy_that_points_outside_of_itself_is_not_restored_without_that_either(tmp_path: Path) -> None:
    note = write(tmp_path, Kept("../index.sqlite3", 0, EMPTY))
    with pytest.raises(Invalid, match="restore another backup"):
        restoring.check_whole(tmp_path, note, lambda part: None, without_damaged=True)


@pytest.mark.parametrize(
    "note",
    [
        [],
        {"format": kept.FORMAT},
        {**asdict(NOTE), "state": "../elsewhere"},
        {**asdict(NOTE), "state": 7},
        {**asdict(NOTE), "more": 1},
    ],
)
def test_a_note_that_is_none_is_told(tmp_path: Path, note: object) -> None:
    (tmp_path / kept.NOTE).write_text(json.dumps(note))
    with pytest.raises(OtumatError, match=r"backup\.json cannot be read|format None"):
        kept.read_note(tmp_path)


def test_a_note_of_a_newer_index_and_a_file_for_a_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / kept.NOTE).write_text(json.dumps({"format": kept.FORMAT + 1, "other": "things"}))
    with pytest.raises(OtumatError, match="format 2"):
        kept.read_note(tmp_path)
    with pytest.raises(NotFound), kept.locked(tmp_path / kept.NOTE, to_write=False):
        kept.read_note(tmp_path / kept.NOTE)
