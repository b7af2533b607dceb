"""
An account at an index: made in three steps (details, a mail with a link, the confirmation), and its API tokens.

Source: the draft, commands `user` and `password_reminder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.errors import Refused, Unauthenticated, Unreachable
from otumat.publish import reply
from otumat.publish.api import Api, rows, texts
from otumat.settings import TOKEN_USERNAME, Credentials
from otumat.transport import Form, Request, basic_auth

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from otumat.settings import Index
    from otumat.transport import Transport

UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True)
class Confirmation:
    """Whether an account is confirmed, and how many seconds the index asks to wait before it is asked again."""

    is_given: bool
    retry_after_s: int = 0


@dataclass(frozen=True)
class Person:
    """Who some credentials are: the login, and the id of the API token among them, empty for a password."""

    name: str
    token_id: str


@dataclass(frozen=True)
class Token:
    """
    An API token without its secret. Times are as the index writes them (ISO 8601), empty for never.

    Attributes:
        actions, projects: What it is limited to; None is no limit.
    """

    id: str
    name: str
    begins: str
    actions: tuple[str, ...] | None
    projects: tuple[str, ...] | None
    created_at: str
    expires_at: str
    last_used_at: str


def register(name: str, *, password: str, email: str, at: Index, over: Transport) -> str:
    """
    Step 1 of 3: tell the details. The index then mails a link to the address; opening it is step 3.

    Returns:
        The login as the index writes it.

    Errors:
        Conflict: `login_taken`. Refused: `sign_up_closed`. Invalid: with everything that is wrong.
    """
    fields = [("name", name), ("password", password), ("confirm", password), ("email", email)]
    return reply.text(_post_form("user", [(":action", "user"), *fields], at, over).get("name")) or name


def remind(name_or_email: str, *, at: Index, over: Transport) -> None:
    """Have a link to set a new password mailed, to the stored address. The answer never tells whether there is one."""
    field = "email" if "@" in name_or_email else "name"
    _post_form("password_reminder", [(":action", "password_reset"), (field, name_or_email)], at, over)


def confirmation(by: Credentials, *, at: Index, over: Transport) -> Confirmation:
    """
    Ask once whether a new account is confirmed.

    An index that fails, is busy or is away for a moment has only not confirmed it yet.

    Errors:
        Unauthenticated: the index does not know this login with this password.
    """
    url = f"{at.url}/api/v1/whoami"
    headers = {"Accept": "application/json", "Authorization": basic_auth(by.username, by.password)}
    wait_s = 0
    try:
        response = over.send(Request("GET", url, headers))
        wait_s = _retry_after_s(response.headers.get("retry-after", ""))
        answer = reply.accepted(response, asked=url)
    except Unreachable:
        return Confirmation(False, wait_s)
    except Unauthenticated as exc:
        raise Unauthenticated(
            f"{at.url} does not let {by.username!r} in with this password.",
            hint="Read the mail it has sent: it says what is the matter.",
        ) from exc
    except Refused as exc:
        if exc.code != UNCONFIRMED:
            raise
        return Confirmation(False, wait_s)
    return Confirmation(answer.get("confirmed") is not False, wait_s)


def whoami(api: Api) -> Person:
    """Who the credentials are."""
    answer = api.ask("GET", "whoami")
    kind, _, token_id = reply.text(answer.get("credential")).partition(":")
    return Person(reply.text(answer.get("user")), token_id if kind == "token" else "")


def tokens(api: Api) -> list[Token]:
    """All API tokens of the account, without their secrets."""
    return [_token(each) for each in rows(api.ask("GET", "tokens"), "tokens")]


def create_token(
    api: Api,
    name: str,
    *,
    actions: Sequence[str] = (),
    projects: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """
    Make an API token.

    Args:
        actions, projects: What it is limited to; empty is no limit.
        expires_at: With a time zone; None is never.

    Returns:
        The token, and its text, which the index shows this once.
    """
    limits = {"actions": list(actions) or None, "projects": list(projects) or None}
    ends = {"expires_at": expires_at.isoformat()} if expires_at else {}
    answer = api.ask("POST", "tokens", body={"name": name, **limits, **ends})
    text = reply.text(answer.get("token"))
    if not text:
        raise Unreachable(f"{api.index.url} made a token and did not tell it.", code="unreachable.form")
    return _token(answer), text


def revoke_token(api: Api, token_id: str) -> None:
    """End a token at once."""
    api.ask("DELETE", "tokens", token_id)


def by_token(text: str, source: str) -> Credentials:
    """An API token as the credentials it is sent as."""
    return Credentials(TOKEN_USERNAME, text, source)


def _post_form(command: str, fields: list[tuple[str, str]], at: Index, over: Transport) -> dict[str, object]:
    url = f"{at.url}/{command}"
    return reply.accepted(over.send(Request("POST", url, {"Accept": "application/json"}, Form(fields))), asked=url)


def _token(told: dict[str, object]) -> Token:
    actions, projects = told.get("actions"), told.get("projects")
    return Token(
        id=str(told.get("id", ""))[:100],
        name=reply.text(told.get("name")),
        begins=reply.text(told.get("begins")),
        actions=None if actions is None else texts(actions),
        projects=None if projects is None else texts(projects),
        created_at=reply.text(told.get("created_at")),
        expires_at=reply.text(told.get("expires_at")),
        last_used_at=reply.text(told.get("last_used_at")),
    )


def _retry_after_s(header: str) -> int:
    """RFC 9110 10.2.3, the form in seconds; a date (which needs a clock that is right) counts as not said."""
    return int(header) if header.isascii() and header.isdigit() and len(header) < 9 else 0
