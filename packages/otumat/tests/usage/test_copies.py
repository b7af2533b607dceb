"""U17: state that was copied, with its yes and its credential, tells as a copy; what was only moved does not."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otumat.cli import main
from otumat.spec.consent import ON
from otumat.usage import (
    UsageAgent,
    answers,
    batches,
    changing,
    copies,
    due,
    held,
    outbox,
    places,
    state,
    tokens,
    tombstones,
)
from otumat.usage.copies import Facts, was_copied
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import Round, send_round

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Say = Callable[..., None]
    Start = Callable[[], str]

PACKAGE = "hostpkg"
BUILT = Facts("7", "machine", "name", "/home/alice/state")
CASES = {
    "nothing changed": ({}, False, False, False),
    "a restart, a new name": ({"name": "other"}, False, False, False),
    "the same disk, cloned": ({"machine": "other"}, False, False, True),
    "a home on the network, on another machine": ({"machine": "other", "name": "other"}, True, False, False),
    "a volume, mounted by another container": ({"machine": "", "name": "other"}, False, False, False),
    "moved on the same machine": ({"inode": "8", "path": "/data/alice/state"}, False, False, False),
    "put back from a backup on the same machine": ({"inode": "8"}, False, False, False),
    "put back from a backup on another machine": ({"inode": "8", "machine": "other"}, False, False, True),
    "an image that was started": ({"inode": "8", "name": "other"}, False, False, True),
    "an image that was started, without an id": ({"inode": "8", "machine": "", "name": "other"}, False, False, True),
    "copied beside the first": ({"inode": "8", "path": "/home/bob/state"}, False, True, True),
    "a server of homes that moved": ({"inode": "8", "machine": "other", "name": "other"}, True, False, False),
}


@pytest.mark.parametrize(("changed", "is_shared", "is_still_there", "expected"), CASES.values(), ids=CASES)
def test_U17_what_is_a_copy(changed: dict[str, str], is_shared: bool, is_still_there: bool, expected: bool) -> None:
    now = BUILT._replace(**changed)
    assert was_copied(BUILT, now, is_shared=is_shared, is_still_there=is_still_there) is expected


@pytest.fixture
def built(folder: str, host: UsageHost, say: Say) -> str:
    """An image in the making: a yes, an install, something sent, something held, some of that frozen."""
    say(ON, url=host.url)
    use("build")
    sends(folder)
    use("build")
    outbox.freeze(folder, answers.read(folder), tombstones.current_install(folder))
    use("build")
    host.asked.clear()
    return folder


@pytest.fixture
def start(built: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start the image: a copy of all its state, in a home of its own; the copy's folder."""

    def begin() -> str:
        home = tmp_path / os.urandom(4).hex()
        shutil.copytree(Path(places.root()), home / "otumat")
        monkeypatch.setenv("XDG_STATE_HOME", str(home))
        return places.folder(PACKAGE)

    return begin


def use(*names: str) -> None:
    agent = UsageAgent(package_name=PACKAGE, enrolment="manual")
    due.set_due(str(agent.home_path), time.time() + 3600)  # no process of its own: the test sends
    for name in names:
        agent.log(name)


def sends(folder: str) -> Round:
    return send_round(folder, PACKAGE, over=usage_transport())


def test_U17_each_start_of_an_image_tells_what_it_did_itself_and_of_the_install_nothing(
    built: str, start: Start, host: UsageHost
) -> None:
    first = tokens.read(tokens.path_of(built))
    for _ in range(3):
        one = start()
        use("run", "run")
        assert sends(one) == Round(batches=1, uses=2)
        assert batches.sent(one)[0].note["sequence"] == 1
    assert (host.counts, len(host.copies), len(host.installs)) == ({"build": 1, "run": 6}, 3, 1)
    assert [each.path for each in host.asked] == ["/api/usage-event"] * 3
    assert tokens.read(tokens.path_of(built)) == first
    assert sends(built).uses == 2
    assert (host.counts["build"], len(host.copies)) == (3, 3)


def test_U17_a_copy_of_a_copy_is_another_copy(start: Start, host: UsageHost) -> None:
    for _ in range(2):
        one = start()
        use("run")
        sends(one)
        sends(one)
    names = {copies.name_of(one), *host.copies}
    assert (len(names), len(host.installs)) == (2, 1)


def test_U17_what_is_seen_is_what_leaves_and_names_the_copy(start: Start, host: UsageHost) -> None:
    one = start()
    use("run")
    known = tokens.read(tokens.path_of(one))
    assert known is not None
    (shown,) = outbox.freeze(one, answers.read(one), known.install, copy=known.copy)
    assert known.copy.encode() in shown.body
    sends(one)
    assert host.batches[shown.batch][0] == shown.body
    assert state.describe(PACKAGE)["copy_of_an_image"]


def test_U17_a_copy_sends_soon_and_often_for_it_may_be_gone_tomorrow(start: Start) -> None:
    one = start()
    UsageAgent(package_name=PACKAGE, enrolment="manual").log("run")
    assert 0 < int(Path(one, "due").read_text()) - time.time() <= 61
    sends(one)
    assert 0 < int(Path(one, "due").read_text()) - time.time() <= 1.1 * 60 * 60


@pytest.mark.parametrize("denial", [{"DO_NOT_TRACK": "1"}, {"OTUMAT_USAGE": "off"}, {"OTUMAT_USAGE_POLICY": "deny: *"}])
def test_U7_U17_a_no_where_the_copy_runs_wins_over_the_yes_in_the_image(
    start: Start, host: UsageHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, denial: dict[str, str]
) -> None:
    one = start()
    for name, value in denial.items():
        if name == "OTUMAT_USAGE_POLICY":
            (tmp_path / "policy").write_text(value)
        monkeypatch.setenv(name, str(tmp_path / "policy") if name == "OTUMAT_USAGE_POLICY" else value)
    use("run")
    assert sends(one).trouble == "Nothing may be sent."
    assert host.asked == []


@pytest.mark.parametrize("without", ["proof", "credential"])
def test_U17_a_copy_that_can_prove_nothing_is_silent(built: str, start: Start, host: UsageHost, without: str) -> None:
    path = tokens.path_of(built)
    known = tokens.read(path)
    assert known is not None
    tokens.write(path, replace(known, proof="")) if without == "proof" else Path(path).unlink()
    one = start()
    use("run")
    assert "copy of an image" in sends(one).trouble
    assert host.asked == []


def test_U17_off_in_a_copy_ends_that_copy_alone(start: Start, host: UsageHost) -> None:
    one = start()
    use("run")
    changing.withdraw(one, source="test")
    assert tombstones.tell(one, over=usage_transport()) == []
    assert (host.asked, held.segments(one), os.path.exists(tokens.path_of(one))) == ([], [], False)


@pytest.mark.parametrize("words", [["off"], ["local"], ["erase"], ["web"], ["on"]], ids=" ".join)
def test_U17_whatever_is_said_first_in_a_copy_the_install_goes_on(
    built: str, start: Start, host: UsageHost, package: Path, words: list[str]
) -> None:
    start()
    main(["usage", *words, PACKAGE])
    assert [each.path for each in host.asked if each.method == "DELETE" or each.path == "/auth/token"] == []
    assert tombstones.current_install(built) in host.installs
    assert len(host.installs) == (2 if words == ["on"] else 1)


def test_U17_the_end_of_the_install_is_the_end_of_its_copies(start: Start, host: UsageHost) -> None:
    one = start()
    use("run")
    host.installs.clear()
    sends(one)
    assert (answers.read(one).level, held.segments(one)) == ("off", [])


def test_U17_a_yes_of_ones_own_makes_a_copy_an_install(start: Start, host: UsageHost, say: Say) -> None:
    one = start()
    use("run")
    sends(one)
    say(ON, url=host.url)
    use("mine")
    assert sends(one).uses == 1
    assert (len(host.installs), len(host.copies), copies.name_of(one)) == (2, 1, "")


def test_U17_what_was_only_moved_goes_on_as_the_install(built: str, host: UsageHost, tmp_path: Path) -> None:
    moved = str(tmp_path / "elsewhere")
    os.rename(built, moved)
    assert sends(moved).uses == 2
    assert (host.copies, copies.noted(moved)[0].path) == (set(), moved)


def test_U17_nothing_of_the_machine_can_be_read_from_what_is_noted(built: str) -> None:
    text = Path(built, places.PLACE).read_text()
    for name in (os.uname().nodename, copies._machine_id()):
        assert not name or name not in text.replace(built, "")
    assert copies.noted(built)[0].name in ("", copies.seen(built, copies.noted(built)[1]).name)


def test_U17_state_from_before_there_were_notes_is_taken_as_it_is(built: str, host: UsageHost) -> None:
    Path(built, places.PLACE).unlink()
    sends(built)
    assert host.copies == set()
    assert copies.is_unchanged(built)


def test_U17_erasing_from_a_copy_is_said_in_words_for_it_erases_what_all_told(
    start: Start, host: UsageHost, capsys: pytest.CaptureFixture[str]
) -> None:
    one = start()
    use("run")
    sends(one)
    host.asked.clear()
    assert main(["usage", "erase", PACKAGE]) == 1
    assert "This is a copy of an image" in capsys.readouterr().err
    assert (host.asked, answers.read(one).level) == ([], ON)
    assert main(["usage", "web", PACKAGE]) == 1
    assert "This is a copy of an image" in capsys.readouterr().err
    assert main(["usage", "status", PACKAGE]) == 0
    assert "by the yes of whoever built it" in capsys.readouterr().out
    assert main(["usage", "erase", PACKAGE, "--image", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_erased_there"]
    assert (host.installs, host.proofs, answers.read(one).level) == ({}, {}, "off")
