"""What the operator's commands do, once Django is up. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from otumat.errors import NotFound
from otumat.spec import names


def prepare() -> None:
    """Set Django up and bring the database to the newest shape; creates the data folder where it is missing."""
    django.setup()
    from otumat_index.jobs import outbox
    from otumat_index.web import logs

    logs.configure(level=settings.CONFIG.log_level, form=settings.CONFIG.log_format)
    settings.CONFIG.data.mkdir(parents=True, exist_ok=True)
    for alias in settings.DATABASES:
        call_command("migrate", database=alias, interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    outbox.begin()


def create_user(name: str, *, email: str, password: str | None, confirmed: bool, admin: bool) -> str:
    """Add an account; returns a sentence."""
    from otumat_index.accounts import actions
    from otumat_index.journal.actor import command

    user = actions.create_user(
        name, email=email, password=password, confirmed=confirmed, admin=admin, by=command(), at=timezone.now()
    )
    kind = "Admin" if admin else "User"
    state = "is ready" if confirmed else "must confirm the address"
    return f"{kind} {user.username!r} with the address {user.email} {state}."


def import_users(path: Path) -> tuple[int, list[str]]:
    """Take in accounts of another index; returns how many were made, and why others were not."""
    from otumat_index.accounts import importing
    from otumat_index.journal.actor import command

    try:
        with path.open(encoding="utf-8") as lines:
            return importing.import_users(lines, by=command(), at=timezone.now())
    except (OSError, UnicodeDecodeError) as exc:
        raise NotFound(f"{path} cannot be read: {exc}.") from exc


def list_users(text: str) -> list[str]:
    """Accounts, one line each: login, address, what is special about it."""
    from otumat_index.accounts import queries

    lines = []
    for user in queries.search_users(text):
        state = "closed" if user.closed_at else "" if user.is_active else "disabled"
        words = [user.username, user.email or "-", "admin" if user.is_superuser else "", state]
        lines.append("  ".join(word for word in words if word))
    return lines


def disable_user(login: str, *, anyway: bool) -> str:
    """Close an account at once; returns a sentence."""
    from otumat_index.accounts import administration, queries
    from otumat_index.journal.actor import command

    user = queries.person(login, is_active=None)
    administration.deactivate(user, anyway=anyway, by=command(), at=timezone.now())
    return f"{user.username!r} is disabled: every session and token has ended."


def enable_user(login: str) -> str:
    """Let a person in again; returns a sentence."""
    from otumat_index.accounts import administration, queries
    from otumat_index.journal.actor import command

    user = queries.person(login, is_active=None)
    administration.reactivate(user, by=command(), at=timezone.now())
    return f"{user.username!r} may sign in again."


def reset_factors(login: str) -> str:
    """Take every second factor off an account; returns a sentence."""
    from otumat_index.accounts import administration, queries
    from otumat_index.journal.actor import command

    user = queries.person(login, is_active=None)
    administration.reset_factors(user, by=command(), at=timezone.now())
    end = "the password alone signs in" if user.has_usable_password() else "a password reminder lets the person in"
    return f"{user.username!r} has no second factor any more: every session has ended, and {end}."


def set_role(project: str, login: str, kind: str) -> str:
    """Give, change or take away a role; a free name is made for its first owner. Returns a sentence."""
    from otumat_index.accounts.queries import person
    from otumat_index.journal.actor import command
    from otumat_index.publish import actions, queries

    by, now = command(), timezone.now()
    found = queries.by_name(names.normalize(project))
    if found is None and kind == "owner":
        made = actions.assign_name(project, person(login), by=by, at=now)
        return f"{login!r} owns {made.name!r} now."
    found = queries.project(project, by=by)
    is_group = login.startswith("group:")
    holder = queries.group(login.removeprefix("group:"), found, by=by) if is_group else person(login, is_active=None)
    if kind == "none":
        actions.remove_role(found, holder, by=by, at=now)
        return f"{login!r} has no role in {found.name!r} any more."
    role = actions.assign_role(found, holder, kind, by=by, at=now)
    return f"{role.holder!r} is {role.kind} of {found.name!r} now."


def create_token(login: str, *, name: str, projects: list[str] | None) -> str:
    """Make an API token for a user; returns its text."""
    from otumat_index.accounts import actions
    from otumat_index.accounts.models import User
    from otumat_index.journal.actor import command

    user = User.objects.filter(username__iexact=login).first()
    if user is None:
        raise NotFound(f"There is no user {login!r}.", hint="Make one with `otumat-index user create`.")
    scope = [names.normalize(project) for project in projects] if projects else None
    return actions.create_token(user, name=name, projects=scope, by=command(), at=timezone.now())[1]


def import_records(source: str, *, owner: str | None, python: str | None) -> int:
    """Take in many records with progress; returns the exit code."""
    from otumat_index.publish import bulk

    code = bulk.run(source, owner=owner, python=python)
    await_search()
    return code


def await_search() -> None:
    """Wait until search shows every change so far, where a searcher runs."""
    from otumat_index.discover import search
    from otumat_index.journal import queries as journal

    search.await_serial(journal.last_serial())


def reindex(progress: Callable[[float], object], *, waits: bool = True) -> int:
    """Build the search index anew; returns the exit code."""
    django.setup()
    from otumat_index.discover.search.searcher import rebuilding

    rebuilding.rebuild(progress, waits=waits)
    return 0
