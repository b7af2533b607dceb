"""What Otumat 0.3 left behind is carried over, once, and nothing of it can break the host."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from otumat.spec.consent import OFF, ON, UNSET
from otumat.usage import UsageAgent, answers, changing, due, held, outbox, takeover, tokens
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round

if TYPE_CHECKING:
    from pathlib import Path

    from otumat.testing.usage import UsageHost

ACCEPTED = {
    "author": "DataJoint",
    "collect": True,
    "data_directory": "datajoint-python",
    "event_route": "/api/usage-event",
    "refresh_route": "/auth/token",
    "install_route": "/user/usage-install",
    "package_name": "datajoint",
    "package_version": "0.13.1",
    "access_token": "A1",
    "refresh_token": "R1",
    "expires_at": 1.0,
    "scope": "x",
    "install_id": "install-42",
    "client_id": "c",
    "client_secret": "s",
    "mac_address": "02:fc:00:00:00:01",
    "location": "Houston, Texas, US",
}


def leave(home: Path, text: str) -> Path:
    place = home / ".local/share/datajoint-python/usage"
    place.mkdir(parents=True)
    (place / "config.json").write_text(text)
    with closing(sqlite3.connect(place / "main.db")) as connection:
        connection.execute("CREATE TABLE event(event_date datetime(3), event_type varchar(100))")
        rows = [("2026-11-21 20:33:40.441950", "import"), ("2026-11-21 20:33:41.000001", "fetch"), ("x", "y")]
        connection.executemany("INSERT INTO event VALUES (?, ?)", [*rows, ("2026-11-21 20:33:42.0", b"bytes")])
        connection.commit()
    return place


def datajoint(**more: Any) -> UsageAgent:
    return UsageAgent(
        author="DataJoint", data_directory="datajoint-python", package_name="datajoint", enrolment="manual", **more
    )


def test_a_yes_goes_on_with_what_waited(home: Path, host: UsageHost) -> None:
    leave(home, json.dumps({**ACCEPTED, "host": host.url}))
    agent = datajoint()
    folder = str(agent.home_path)
    answer = answers.read(folder)
    assert (answer.level, answer.host, answer.bare) == (ON, host.url, True)
    assert agent.show_logs() == [
        ("2026-11-21 20:33:40.441950", "import"),
        ("2026-11-21 20:33:41.000001", "fetch"),
    ]
    assert {record.where[0] for record in outbox.unsent(folder)} == {"0.13.1"}
    assert not any(record.where.ci for record in outbox.unsent(folder))
    assert "02:fc" not in "".join(
        path.read_text(errors="replace") for path in agent.home_path.rglob("*") if path.is_file()
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_yes_that_another_user_left_is_nobodys(home: Path, host: UsageHost) -> None:
    place = leave(home, json.dumps({**ACCEPTED, "host": host.url}))
    os.chown(place / "config.json", 12345, 12345)
    assert answers.read(str(datajoint().home_path)).level == UNSET


def test_it_is_taken_over_once(home: Path, host: UsageHost) -> None:
    leave(home, json.dumps({**ACCEPTED, "host": host.url}))
    datajoint()
    assert len(datajoint().show_logs() or []) == 2


def test_a_credential_of_an_old_host_is_used_in_its_own_dialect(home: Path, host: UsageHost) -> None:
    host.is_old = True
    host.families["install-42"] = [("R1", 0.0)]
    host.installs["install-42"] = "datajoint"
    leave(home, json.dumps({**ACCEPTED, "host": host.url}))
    folder = str(datajoint().home_path)
    assert send_round(folder, "datajoint", over=usage_transport()).trouble == ""
    token, event = host.asked
    assert token.headers["authorization"] == "Basic Yzpz"
    body = json.loads(event.body)
    assert body["installId"] == "install-42"
    assert body["headers"] == ["install_id", "event_date", "event_type"]
    assert body["rows"][0] == ["2026-11-21 20:33:40.441950", "import"]
    assert held.segments(folder, "on") == []


def test_a_no_stays_a_no(home: Path) -> None:
    leave(home, json.dumps({"collect": False}))
    folder = str(datajoint().home_path)
    assert answers.read(folder).level == OFF
    assert held.segments(folder) == []


@pytest.mark.parametrize(
    "text", ['{"collect": tr', "", "[]", '{"collect": true, "host": "http://evil.example.org"}', "{}"]
)
def test_K26_a_config_that_cannot_be_read_says_nothing_and_breaks_nothing(home: Path, text: str) -> None:
    leave(home, text)
    assert answers.read(str(datajoint().home_path)).level == "unset"


def test_K18_the_old_file_is_closed_to_other_users(home: Path, host: UsageHost) -> None:
    place = leave(home, json.dumps({**ACCEPTED, "host": host.url}))
    os.chmod(place / "config.json", 0o644)
    datajoint()
    assert (place / "config.json").stat().st_mode & 0o777 == 0o600
    known = tokens.read(tokens.path_of(str(datajoint().home_path)))
    assert known is not None
    assert known.install == "install-42"


def test_old_files_are_left_where_they_are(home: Path, host: UsageHost) -> None:
    place = leave(home, json.dumps({**ACCEPTED, "host": host.url}))
    before = (place / "main.db").read_bytes()
    datajoint()
    assert (place / "main.db").read_bytes() == before
    due.set_due(str(datajoint().home_path), 0)


def test_of_two_programs_that_start_at_once_one_takes_over(
    home: Path, host: UsageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(home, json.dumps({**ACCEPTED, "host": host.url}))
    looking = takeover.take_over

    def take_over(*arguments: Any, **more: Any) -> None:
        monkeypatch.setattr(takeover, "take_over", looking)
        datajoint()
        looking(*arguments, **more)

    monkeypatch.setattr(takeover, "take_over", take_over)
    assert len(datajoint().show_logs() or []) == 2


def test_what_0_3_left_is_not_taken_after_a_withdrawal(
    home: Path, host: UsageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(home, json.dumps({**ACCEPTED, "host": host.url}))
    turning = changing.turn

    def turn(folder: str, *arguments: Any, **more: Any) -> answers.Answer:
        given = turning(folder, *arguments, **more)
        changing.withdraw(folder, source="test")
        return given

    monkeypatch.setattr(changing, "turn", turn)
    folder = str(datajoint().home_path)
    assert answers.read(folder).level == OFF
    assert (held.held(folder), os.path.exists(tokens.path_of(folder))) == ([], False)
