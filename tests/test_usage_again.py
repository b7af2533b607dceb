"""Saying yes again on a machine that has said it: another install, against a started index, which nothing joins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.server import Index
from harness.users import User, at_home, publish
from otumat.cli import main
from otumat.usage import batches, held, tombstones


@pytest.fixture(autouse=True)
def home_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(tmp_path, monkeypatch)


@pytest.fixture
def user(index: Index, tmp_path: Path, new_name: Any, monkeypatch: pytest.MonkeyPatch) -> User:
    """A user of a package that wants no account, whose wheel with its manifest is on the index."""
    made = User(index, new_name("again"), tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    publish(index, made)
    return made


def test_U14_what_was_shown_is_counted_once_by_the_new_install_and_no_batch_is_missing(user: User) -> None:
    on = ["usage", "on", user.package, "--host", user.index.public_url, "--anonymous"]
    assert main(on) == 0
    old = tombstones.current_install(user.folder)
    user.uses("import", "fetch")
    assert main(["usage", "show", user.package]) == 0
    (shown,) = batches.waiting(user.folder)
    assert main(on) == 0
    user.uses("fetch")
    assert user.sends().uses == 3
    assert user.counted == {"import": 1, "fetch": 2}
    sent = batches.sent(user.folder)
    assert [each.sequence for each in sent] == [1, 2]
    assert not any(old.encode() in each.body or shown.batch.encode() in each.body for each in sent)
    assert (lost(user), held.lost(user.folder)) == ([], {})


def lost(user: User) -> Any:
    """What the index tells the project's owner of uses that never came or were refused."""
    answer = user.index.api("GET", f"/project/{user.name}/usage", "alice")
    assert answer.status == 200, answer
    return answer.json()["lost"]
