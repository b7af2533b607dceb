"""What the tests of the command share: a terminal, and the people of the small index."""

from __future__ import annotations

import base64
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pexpect  # type: ignore[import-untyped]
import pytest

from harness.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Answer = tuple[int, Mapping[str, str], dict[str, Any]]


@pytest.fixture
def at_a_terminal(clean_environ: dict[str, str], tmp_path: Path) -> Callable[..., Any]:
    def start(*arguments: str, **environ: str) -> Any:
        line = ["-m", "otumat", *map(str, arguments)]
        return pexpect.spawn(
            sys.executable,
            line,
            cwd=tmp_path,
            env=clean_environ | {"TERM": "xterm"} | environ,
            encoding="utf-8",
            timeout=PATIENCE_S,
            use_poll=True,
            # Started from a job in the background, a process inherits that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


@dataclass
class Account:
    password: str
    email: str
    confirmed: bool = True


@dataclass
class SmallPeople:
    """
    The accounts of a small index, and everything people do with each other there, behind one door.

    Attributes:
        asked: Every (method, path, what was sent), in order.
        next_answers: Given instead of the answer to the next `whoami`s.
        refused: Details that are refused: field to message.
        says: What it says to a question below `/api/v1/` that it knows nothing about by itself.
    """

    index: Any
    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=lambda: {"alice": "owner", "group:core": "maintainer"})
    invitations: list[dict[str, Any]] = field(default_factory=list)
    reminded: list[dict[str, Any]] = field(default_factory=list)
    yanked: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    next_answers: list[Answer] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    sign_up_is_open: bool = True
    says: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, password in self.index.users.items():
            self.accounts[name] = Account(password, f"{name}@example.org")
        self._add_token("laptop", next(iter(self.index.tokens)))
        self.index.doors.append(self.answer)

    def confirm(self, name: str) -> None:
        """Open the link of the mail."""
        self.accounts[name].confirmed = True
        self.index.users[name] = self.accounts[name].password

    def answer(self, method: str, path: str, headers: Mapping[str, str], sent: Mapping[str, Any]) -> Answer | None:
        parts = path.strip("/").split("/")
        if parts[0] not in ("user", "password_reminder", "api"):
            return None
        self.asked.append((method, path, dict(sent)))
        match parts:
            case ["user"]:
                return self._register(sent)
            case ["password_reminder"]:
                self.reminded.append(dict(sent))
                return _yes(action="reminded")
            case ["api", "v1", "whoami"] if self.next_answers:
                return self.next_answers.pop(0)
            case ["api", "v1", *what]:
                name, token_id = self._who(headers.get("authorization", ""))
                if not name:
                    return _no(401, "unauthenticated", "That login and password do not match.")
                if not self.accounts[name].confirmed:
                    return _no(403, "unconfirmed", f"The account {name!r} is not confirmed yet.")
                return self._manage(method, what, sent, name, token_id)
        return None

    def _register(self, sent: Mapping[str, Any]) -> Answer:
        if not self.sign_up_is_open:
            return _no(403, "sign_up_closed", "This index takes no new users.")
        problems = [
            {"code": f"user.{each}", "field": each, "message": message, "severity": "error"}
            for each, message in self.refused.items()
        ]
        if problems:
            self.refused = {}
            status, headers, value = _no(400, "invalid", "Some things to mend.")
            return status, headers, value | {"problems": problems}
        name = sent["name"].lower()
        if name in self.accounts:
            return _no(409, "login_taken", f"The login {name!r} is taken.")
        self.accounts[name] = Account(sent["password"], sent["email"], confirmed=False)
        return _yes(action="registered", name=name)

    def _who(self, authorization: str) -> tuple[str, str]:
        name, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if name == "__token__":
            return next((("alice", token) for token, each in self.tokens.items() if each["text"] == password), ("", ""))
        account = self.accounts.get(name)
        return (name, "") if account and account.password == password else ("", "")

    def _manage(self, method: str, what: list[str], sent: Mapping[str, Any], name: str, token_id: str) -> Answer:
        what[-1] = what[-1].partition("?")[0]
        if (said := self.says.get(f"{method} {'/'.join(what)}")) is not None:
            return _yes(**said)
        match method, what:
            case "GET", ["whoami"]:
                return _yes(user=name, credential=f"token:{token_id}" if token_id else "password", confirmed=True)
            case "GET", ["tokens"]:
                return _yes(tokens=[self._shown(token) for token in self.tokens])
            case "POST", ["tokens"]:
                token = self._add_token(**sent)
                return _yes(**self._shown(token), token=self.tokens[token]["text"])
            case "DELETE", ["tokens", token] if token in self.tokens:
                self.index.tokens.discard(self.tokens.pop(token)["text"])
                return _yes()
            case "GET", ["project", "roundup", "roles"]:
                return _yes(roles=[{"user": user, "role": role} for user, role in self.roles.items()])
            case "PUT", ["project", "roundup", "roles", user]:
                self.roles[user] = sent["role"]
                return _yes()
            case "DELETE", ["project", "roundup", "roles", user] if user in self.roles:
                del self.roles[user]
                return _yes()
            case "GET", ["project", "roundup", "invitations"] if name == "bob":
                return _no(403, "refused", "Only owners see the invitations.")
            case "GET", ["project", "roundup", "invitations"] | ["invitations"]:
                return _yes(invitations=self.invitations)
            case "POST", ["project", "roundup", "transfer"]:
                return _yes(id=70, project="roundup", role="owner", transfer=True, invited_by=name, **sent)
            case "POST", ["project", "roundup", "invitations"]:
                number = len(self.invitations) + 7
                ends = "2030-01-08T00:00:00Z"
                invitation = {"id": number, "project": "roundup", "invited_by": name, "expires_at": ends, **sent}
                self.invitations.append(invitation)
                return _yes(**invitation)
            case "DELETE", ["project", "roundup", "invitations", number]:
                self._close(number)
                return _yes()
            case "POST", ["invitations", number, "accept" | "decline"]:
                self._close(number)
                return _yes()
            case "PUT", ["project", "roundup", version, "yank"]:
                self.yanked[version] = sent["reason"]
                return _yes(version=version, yanked=True)
            case "DELETE", ["project", "roundup", version, "yank"]:
                del self.yanked[version]
                return _yes(version=version, yanked=False)
            case "GET", ["journal"] | ["project", "roundup", "journal"]:
                row = {"action": "release.yank", "subject": "roundup 1.0", "project": "roundup", "reason": "\x1b[2J"}
                who = {"serial": 8, "at": "2030-01-01T12:00:00.5Z", "actor": "bob", "credential": "password"}
                return _yes(entries=[{**who, **row, "sentence": "yanked roundup 1.0"}], next=8)
        return _no(404, "not_found", "There is no such thing.")

    def _close(self, number: str) -> None:
        self.invitations = [each for each in self.invitations if str(each["id"]) != number]

    def _add_token(self, name: str, text: str = "", **limits: Any) -> str:
        token = str(len(self.tokens) + 12)
        none = {"actions": None, "projects": None, "expires_at": None, "last_used_at": None}
        text = text or f"otumat-secret-{token}"
        self.tokens[token] = {**none, **limits, "name": name, "text": text, "begins": text[:8]}
        self.index.tokens.add(text)
        return token

    def _shown(self, token: str) -> dict[str, Any]:
        return {"id": int(token), **{key: value for key, value in self.tokens[token].items() if key != "text"}}


def _yes(**more: Any) -> Answer:
    return 200, {}, {"ok": True, **more}


def _no(status: int, code: str, message: str) -> Answer:
    return status, {}, {"ok": False, "error": {"code": code, "message": message, "hint": ""}, "problems": []}


@pytest.fixture
def people(index: Any) -> SmallPeople:
    return SmallPeople(index)


@pytest.fixture
def alice(otumat: Callable[..., Any], index: Any, people: SmallPeople) -> Callable[..., Any]:
    """The command, run by Alice."""
    who = {"OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wonderland"}
    return lambda *words: otumat(*words, OTUMAT_INDEX=index.url, **who)
