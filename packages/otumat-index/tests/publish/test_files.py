"""Keeping and removing bytes, killed at every step (A67)."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError

from otumat.errors import Conflict
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal import actions as journal
from otumat_index.publish import actions, files, queries
from otumat_index.publish.actions import upload as uploading
from otumat_index.publish.models import File, Project, UsedName

pytestmark = pytest.mark.django_db
Wheel = Callable[..., tuple[str, bytes]]


class Killed(BaseException):
    """As abrupt as kill -9 can be inside one process: nothing of ours catches it."""


def publish(by: User, file: tuple[str, bytes], now: Any) -> Any:
    name, data = file
    pairs = [("sha256_digest", hashlib.sha256(data).hexdigest())]
    return actions.publish_file(actions.Upload(pairs, name, io.BytesIO(data)), by=of_user(by, "session"), at=now)


def lying() -> list[Path]:
    data = django_settings.CONFIG.data
    return [path for folder in ("files", "incoming") for path in (data / folder).rglob("*") if path.is_file()]


def recover() -> int:
    return files.recover(queries.file_key_is_known, older_than_s=0)


def is_whole() -> bool:
    """Rows and bytes name each other, and nothing else lies around."""
    keys = set(File.objects.values_list("key", flat=True))
    root = django_settings.CONFIG.data / "files"
    found = {str(path.relative_to(root)).replace("~", "/") for path in lying() if root in path.parents}
    return found == keys and len(lying()) == len(keys)


STEPS: dict[str, tuple[Any, str]] = {
    "while writing the marker": (shutil, "copyfileobj"),
    "before the bytes have their key": (os, "link"),
    "before the bytes are synced": (os, "fsync"),
    "before the folder is synced": (os, "fsync"),
    "before the row": (uploading, "write"),
    "inside the transaction, before the file's row": (uploading, "add_file"),
    "inside the transaction, before the journal": (journal, "write"),
    "after the commit": (files, "settle"),
}


@pytest.mark.parametrize("step", STEPS)
def test_A67_killed_at_any_step_an_upload_leaves_nothing_half_done(
    alice: User, wheel: Wheel, now: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    place, name = STEPS[step]

    def die(*args: Any, **words: Any) -> Any:
        if step != "before the folder is synced" or stat.S_ISDIR(os.fstat(args[0]).st_mode):
            raise Killed

    store = files.store()
    assert isinstance(store, files.LocalFiles)
    assert len(store.folders) == 256  # made now: their own syncs are not the ones meant
    with monkeypatch.context() as patched:
        patched.setattr(place, name, die)
        # After kill -9 nobody tidies up either.
        patched.setattr(files, "undo", lambda marker: None)
        with pytest.raises(Killed):
            publish(alice, wheel(), now)
    recover()
    assert is_whole()
    assert File.objects.exists() == (step == "after the commit")
    again = publish(alice, wheel(), now)
    assert again.action == ("unchanged" if step == "after the commit" else "created")
    assert is_whole()
    assert (Project.objects.count(), UsedName.objects.count()) == (1, 1)


def test_A67_a_lost_connection_at_commit_never_deletes_bytes_that_may_have_a_row(
    alice: User, wheel: Wheel, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = uploading.write

    def commit_and_lose_the_answer(*args: Any, **words: Any) -> Any:
        write(*args, **words)
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patched:
        patched.setattr(uploading, "write", commit_and_lose_the_answer)
        with pytest.raises(OperationalError):
            publish(alice, wheel(), now)
    assert files.store().read(File.objects.get().key) == wheel()[1]
    assert recover() == 0
    assert is_whole()


def test_A67_a_row_refused_under_the_lock_leaves_no_bytes(
    alice: User, wheel: Wheel, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(project: Project) -> None:
        raise Conflict("full")

    monkeypatch.setattr(uploading, "check_quota", full)
    with pytest.raises(Conflict):
        publish(alice, wheel(), now)
    assert lying() == []
    assert not UsedName.objects.exists()


def test_A67_killed_while_removing_the_bytes_go_in_the_end(
    alice: User, wheel: Wheel, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(alice, wheel(), now)
    name = File.objects.get().filename

    def die(marker: Path) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(files, "undo", die)
        with pytest.raises(Killed):
            actions.remove_file(Project.objects.get(), name, by=of_user(alice, "session"), at=now)
    assert not File.objects.exists()
    assert recover() == 1
    assert lying() == []


def test_A67_killed_before_a_removal_commits_the_bytes_stay(
    alice: User, wheel: Wheel, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(alice, wheel(), now)

    def die(*args: Any, **words: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(journal, "write", die)
        with pytest.raises(Killed):
            actions.remove_file(
                Project.objects.get(), File.objects.get().filename, by=of_user(alice, "session"), at=now
            )
    assert recover() == 0
    assert is_whole()
    assert files.store().read(File.objects.get().key) == wheel()[1]


def test_recover_leaves_young_markers_alone(tmp_path: Path) -> None:
    marker = files.keep(io.BytesIO(b"under way"), "aa/young/x.whl")
    assert files.recover(lambda key: False) == 0
    assert marker.exists()
    os.utime(marker, (1, 1))
    assert files.recover(lambda key: False) == 1
    assert lying() == []


def test_nothing_is_overwritten_and_the_other_bytes_stay() -> None:
    files.settle(files.keep(io.BytesIO(b"first"), "aa/one/x.whl"))
    with pytest.raises(FileExistsError):
        files.keep(io.BytesIO(b"second"), "aa/one/x.whl")
    assert files.store().read("aa/one/x.whl") == b"first"
    assert len(lying()) == 1


def test_two_uploads_of_the_same_bytes_never_share_a_key() -> None:
    assert len({files.new_key("ab" * 32, "x.whl") for _ in range(1000)}) == 1000


KILLER = """
import os, signal, sys
from pathlib import Path
os.environ["OTUMAT_DATA"] = sys.argv[1]
from otumat_index.publish import files
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "otumat_index.settings"
django.setup()
step = sys.argv[2]
def die(*args, **words):
    os.kill(os.getpid(), signal.SIGKILL)
place, name = {"marker": (os, "fsync"), "link": (os, "link"), "settle": (files, "settle")}[step]
setattr(place, name, die)
import io
files.settle(files.keep(io.BytesIO(b"bytes" * 1000), "aa/bb/x.whl"))
"""


@pytest.mark.parametrize("step", ["marker", "link", "settle"])
def test_A67_kill_9_leaves_a_marker_for_whatever_was_begun(tmp_path: Path, step: str) -> None:
    environ = {**os.environ, "DATABASE_URL": ""}
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLER), str(tmp_path), step], env=environ, check=False, timeout=60
    )
    assert killed.returncode == -9
    markers = list((tmp_path / "incoming").iterdir())
    assert [files.key_of(marker) for marker in markers] == ["aa/bb/x.whl"]
    assert recover() == 1
    assert lying() == []


@pytest.fixture(autouse=True)
def _fresh_store() -> Iterator[None]:
    """The store of a data folder is remembered; each test has a folder of its own."""
    files.open_store.cache_clear()
    yield
    files.open_store.cache_clear()
