"""The parts of `otumat register` that make an account: details, the mail, the wait; and the reminder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from otumat.cli.console import printable
from otumat.cli.credentials import AT_TERMINAL, from_stdin, nobody, warn_of_listeners
from otumat.cli.waiting import wait_for_confirmation
from otumat.errors import Conflict, Invalid, OtumatError, Problem, Refused, Unauthenticated
from otumat.publish import account
from otumat.settings import Credentials

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Index, Settings
    from otumat.transport import Transport

PASSWORD_MIN_CHARS = 10
QUESTIONS = ("name", "email", "password")
ASKED_FOR_BY = {  # which question mends a problem of which field
    "confirm": "password",
    "email": "email",
    "login": "name",
    "name": "name",
    "password": "password",
    "username": "name",
}


@dataclass(frozen=True)
class Details:
    """What it takes to register."""

    name: str
    email: str
    password: str = field(repr=False)


def become_user(
    options: argparse.Namespace, settings: Settings, index: Index, console: Console, over: Transport
) -> Credentials:
    """
    Register, and wait until the link in the mail was opened.

    Errors:
        Unauthenticated: `credentials.missing`. Invalid, Conflict, Refused: as the index says. Refused: `unconfirmed`,
        the link was not opened in time.
    """
    warn_of_listeners(index, console)
    details = _given(options, settings, index, console)
    source = AT_TERMINAL if not options.password_stdin else "--password-stdin"
    details = _register(_completed(details, console), index, console, over)
    by = Credentials(details.name, details.password, source)
    console.note(f"A mail is on its way to {printable(details.email)}. Open the link in it to confirm the address.")
    _wait(by, options.wait_s, index, console, over)
    return by


def remind(name_or_email: str, index: Index, console: Console, over: Transport) -> None:
    """Have a mail sent with a link to set a new password."""
    account.remind(name_or_email, at=index, over=over)
    console.note(
        f"If {index.url} knows {printable(name_or_email)}, a mail with a link to set a new password is on its way."
    )


def local_problems(details: Details) -> list[Problem]:
    """What is plainly wrong and needs no index to tell."""
    problems = []
    if not details.name:
        problems.append(Problem("login.missing", "login", "A login is needed.", hint="Choose a short name."))
    if details.email.count("@") != 1 or details.email.startswith("@") or details.email.endswith("@"):
        message = f"{details.email!r} is no address of mail." if details.email else "An address of mail is needed."
        hint = "A link is sent there to confirm it."
        problems.append(Problem("email.invalid", "email", message, value=details.email, hint=hint))
    if len(details.password) < PASSWORD_MIN_CHARS:
        message = f"The password has {len(details.password)} characters; it needs at least {PASSWORD_MIN_CHARS}."
        problems.append(Problem("password.short", "password", message, hint="A few words in a row are easy to keep."))
    return problems


def _given(options: argparse.Namespace, settings: Settings, index: Index, console: Console) -> Details:
    """What the flags say, all of it if nobody can be asked."""
    if not console.is_interactive:
        flags = {
            "--username USER": options.username,
            "--email ADDRESS": options.email,
            "--password-stdin": options.password_stdin,
        }
        if missing := [flag for flag, value in flags.items() if not value]:
            raise Unauthenticated(
                f"To register at {index.url} it takes {', '.join(missing)} as well: {nobody(console)}.",
                code="credentials.missing",
            )
    found = from_stdin(options, settings, index, console) if options.password_stdin else None
    return Details(options.username, options.email, found.password if found else "")


def _completed(details: Details, console: Console) -> Details:
    unknown = [question for question in QUESTIONS if not getattr(details, question)]
    return replace(details, **{question: _ask(question, console) for question in unknown})


def _ask(question: str, console: Console) -> str:
    match question:
        case "name":
            return console.ask("Login: ")
        case "email":
            return console.ask("Address of mail: ")
    while True:
        password = console.ask_secret(f"Password (at least {PASSWORD_MIN_CHARS} characters): ")
        if password == console.ask_secret("The same again: "):
            return password
        console.note("These two differ; please type it twice the same.")


def _register(details: Details, index: Index, console: Console, over: Transport) -> Details:
    """Tell the details; ask again for what is wrong, and only for that, until the index takes them."""
    while True:
        try:
            if problems := local_problems(details):
                raise Invalid(problems)
            name = account.register(details.name, password=details.password, email=details.email, at=index, over=over)
        except (Invalid, Conflict) as exc:
            again = _to_ask_again(exc)
            if not (again and console.is_interactive):
                raise
            console.tell_person(exc)
            details = replace(details, **{question: _ask(question, console) for question in again})
        else:
            return replace(details, name=name)


def _to_ask_again(exc: OtumatError) -> list[str]:
    """Which questions mend this; none when there is something that no question mends."""
    if exc.code == "login_taken":
        return ["name"]
    problems = [each for each in exc.problems if each.severity == "error"] if isinstance(exc, Invalid) else []
    wrong = {ASKED_FOR_BY.get(each.field, "") for each in problems}
    return [] if "" in wrong else [question for question in QUESTIONS if question in wrong]


def _wait(by: Credentials, limit_s: float, index: Index, console: Console, over: Transport) -> None:
    later = "Open the link in the mail, then do this again" + (
        " and choose 1 (log in and submit)." if console.is_interactive else " without --new-user."
    )

    def tell(seconds: int) -> None:
        if console.is_live:
            console.redraw(
                f"Waiting for the confirmation, {seconds // 60}:{seconds % 60:02}   (Ctrl-C stops the waiting)"
            )

    if limit_s > 0 and not console.is_live:
        console.note(f"Waiting for the confirmation, {limit_s:g} s at most.")
    try:
        confirmed = wait_for_confirmation(
            lambda: account.confirmation(by, at=index, over=over), limit_s=limit_s, tell=tell
        )
    except KeyboardInterrupt:
        _wipe(console)
        console.note(f"The registration is kept. {later}")
        raise
    _wipe(console)
    if not confirmed:
        raise Refused(f"The account {by.username!r} is not confirmed yet.", code=account.UNCONFIRMED, hint=later)
    console.note("Confirmed.")


def _wipe(console: Console) -> None:
    if console.is_live:
        console.redraw("")
