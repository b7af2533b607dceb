"""`otumat login`, `otumat logout` and `otumat token`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from otumat.cli import credentials, logins
from otumat.cli.connection import connect, transport
from otumat.cli.console import GREEN, printable
from otumat.errors import NotFound, OtumatError, Refused, Unauthenticated
from otumat.publish import account
from otumat.publish.api import Api
from otumat.settings import TOKEN_USERNAME, Credentials

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Index, Settings


def login(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Find out that the credentials hold; keep a token, never a password if it can be helped."""
    index = settings.find_index(options.index)
    logins.check_place(options)
    credentials.warn_of_listeners(index, console)
    by = credentials.from_stdin(options, settings, index, console) or _ask(options, settings, index, console)
    if not (options.save or console.is_interactive):
        raise NotFound(
            f"Where is the login to be kept? {credentials.nobody(console).capitalize()}.",
            code="login.place",
            hint="Add --save keyring, --save file, or --save yes for the first of the two that there is.",
        )
    api = Api(index, by, transport())
    person = account.whoami(api)
    console.note(f"{console.style('Welcome', GREEN, on_stderr=True)}: {printable(person.name)} at {index.url}.")
    what = "Keep this API token" if person.token_id else f"Make an API token named {options.name!r} and keep it"
    place = logins.choose_place(options, console, f"{what} in {{place}}?")
    if place:
        api = _keep(api, person, options, settings, place, console)
    else:
        console.note("Nothing is kept.")
    if console.as_json:
        token_id = account.whoami(api).token_id if place else person.token_id
        console.show_json(
            {"ok": True, "index": index.url, "user": person.name, "kept": place, "token": token_id or None}
        )
    return 0


def logout(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Revoke what can be revoked, then forget it; in this order, for what is forgotten can be revoked by nobody."""
    index = settings.find_index(options.index)
    kept = logins.kept(settings, index)
    if not kept:
        raise NotFound(f"No login for {index.url} is kept on this machine.", code="login.none")
    revoked = False
    for place, by in kept:
        if by.username == TOKEN_USERNAME and not options.keep_token:
            revoked = _revoked(Api(index, by, transport()), console) or revoked
        logins.forget(place, by, index, settings)
        console.note(f"Forgotten: what was in {logins.WORDS[place]}.")
    left = replace(settings, indexes=tuple(each for each in settings.indexes if each.source not in _sources(kept)))
    if other := left.find_credentials(index):
        console.note(f"Still there, and not ours to delete: {printable(other.source)}.")
    if console.as_json:
        places = [place for place, _ in kept]
        console.show_json({"ok": True, "index": index.url, "forgotten": places, "revoked": revoked})
    return 0


def list_tokens(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The account's tokens."""
    tokens = account.tokens(connect(options, settings, console))
    titles = ("id", "name", "begins", "may", "projects", "expires", "last used")
    return console.show_listed(titles, [_row(each) for each in tokens], tokens=[asdict(each) for each in tokens])


def create_token(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Make a token; its text is the last line of the result, and the only one."""
    token, text = account.create_token(
        connect(options, settings, console),
        options.name,
        actions=options.action,
        projects=options.project,
        expires_at=_expiry(options.expires_days),
    )
    if console.as_json:
        console.show_json({"ok": True, **asdict(token), "token": text})
        return 0
    console.note(f"Made: API token {printable(token.name)!r} (id {printable(token.id)}). It is shown this once:")
    console.show(printable(text))
    return 0


def revoke_token(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """End a token."""
    account.revoke_token(connect(options, settings, console), options.id)
    return console.show_done("Revoked", f"API token {options.id}.", id=options.id)


def _ask(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Credentials:
    """A login and password, or, with the login left empty, a token."""
    if not console.is_interactive:
        return credentials.ask(options, settings, index, console)  # tells what to give instead
    username = options.username or console.ask(f"User name at {index.url} (nothing, to use an API token): ")
    secret = console.ask_secret(f"Password of {printable(username)}: " if username else "API token: ")
    if not secret:
        raise Unauthenticated("Without a password or a token nobody is let in.", code="credentials.missing")
    return Credentials(username or TOKEN_USERNAME, secret, credentials.AT_TERMINAL)


def _keep(
    api: Api, person: account.Person, options: argparse.Namespace, settings: Settings, place: str, console: Console
) -> Api:
    """Keep the token, or one that is made for the password; the way to ask with what is kept."""
    before = [old for _, old in logins.kept(settings, api.index) if old.username == TOKEN_USERNAME]
    made = None if person.token_id else _made_token(api, options, console)
    by = account.by_token(made[1], api.by.source) if made else api.by
    try:
        logins.keep(by, api.index, settings, place)
    except OtumatError:
        if made:
            account.revoke_token(api, made[0].id)  # nobody will ever know its text
        raise
    console.note(f"Kept in {logins.WORDS[place]}; 'otumat logout' revokes and forgets it.")
    for old in before:
        if old.password != by.password:
            _tell_of_older(replace(api, by=old), console)
    return replace(api, by=by)


def _tell_of_older(api: Api, console: Console) -> None:
    """A token that nobody knows any more, but that still holds, is not left behind in silence."""
    with suppress(OtumatError):
        old = printable(account.whoami(api).token_id)
        console.note(f"The API token that was kept before still holds; 'otumat token revoke {old}' ends it.")


def _made_token(api: Api, options: argparse.Namespace, console: Console) -> tuple[account.Token, str] | None:
    try:
        return account.create_token(api, options.name, expires_at=_expiry(options.expires_days))
    except NotFound:
        console.note(f"{api.index.url} makes no API tokens here; the password itself is kept.")
        return None


def _revoked(api: Api, console: Console) -> bool:
    """Whether the token ended here and now; one that the index does not let in any more has ended already."""
    try:
        if token_id := account.whoami(api).token_id:
            account.revoke_token(api, token_id)
            console.note(f"Revoked: API token {printable(token_id)} at {api.index.url}.")
            return True
    except Unauthenticated:
        console.note(f"{api.index.url} does not accept the token any more; there is nothing to revoke.")
    except Refused as exc:
        console.note(printable(f"The token cannot revoke itself: {exc} Revoke it on your account page."))
    return False


def _sources(kept: list[tuple[str, Credentials]]) -> set[str]:
    return {by.source for _, by in kept}


def _expiry(days: int | None) -> datetime | None:
    return datetime.now(UTC) + timedelta(days=days) if days else None  # noqa: TID251 - this door is where time enters


def _row(token: account.Token) -> tuple[str, ...]:
    may = "everything" if token.actions is None else ", ".join(token.actions)
    projects = "all" if token.projects is None else ", ".join(token.projects)
    times = (token.expires_at[:10] or "never", token.last_used_at[:10] or "never")
    return (token.id, token.name, token.begins, may, projects, *times)
