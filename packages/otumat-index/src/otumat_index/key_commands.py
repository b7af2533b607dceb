"""`otumat-index keys`: what an operator sees of keys, and does to them at the machine itself."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from otumat.errors import Invalid, NotFound, Problem

MAX_KEY_BYTES = 64 * 1024


def add_keys(commands: argparse._SubParsersAction[argparse.ArgumentParser], data: argparse.ArgumentParser) -> None:
    """Keys of projects, and the index's own."""
    about = "keys that may sign for a project, and the index's own"
    keys = commands.add_parser("keys", help=about).add_subparsers(dest="what", required=True, metavar="ACTION")
    listing = keys.add_parser("list", parents=[data], help="a project's keys; without a project, the index's own")
    listing.add_argument("project", nargs="?", default="", help="its name")
    listing.set_defaults(run=run_keys_list)
    adding = keys.add_parser(
        "add",
        parents=[data],
        help="let a key sign for a project",
        description="For an owner who cannot; all owners are told by mail. Whoever pinned the project's keys is asked "
        "before a key counts that no older one signed (`otumat keys rotate` does that).",
    )
    adding.add_argument("project", help="its name")
    adding.add_argument("file", type=Path, metavar="FILE", help="the public key: PEM, or a .pub file of OpenSSH")
    adding.add_argument("--role", default="maintainer", choices=["owner", "maintainer", "reviewer"])
    adding.add_argument("--note", default="", help="whose key it is")
    adding.add_argument("--replaces", default="", metavar="ID", help="the key whose place it takes")
    adding.set_defaults(run=run_keys_add)
    ending = keys.add_parser("revoke", parents=[data], help="end a key of a project, for good")
    ending.add_argument("project", help="its name")
    ending.add_argument("id", help="the key's id, or how that begins")
    ending.add_argument("--kind", default="superseded", choices=["superseded", "compromised"])
    ending.add_argument("--since", default="", metavar="MOMENT", help="of a compromise: 2026-01-31T12:00:00Z")
    ending.add_argument("--reason", default="", help="in words, for everybody to read")
    ending.set_defaults(run=run_keys_revoke)


def run_keys_list(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    for line in project_keys(args.project) if args.project else index_keys():
        print(line)
    return 0


def run_keys_add(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    print(add_key(args.project, args.file, role=args.role, note=args.note, replaces=args.replaces))
    return 0


def run_keys_revoke(args: argparse.Namespace) -> int:
    from otumat_index import commands

    since = moment(args.since) if args.since else None
    commands.prepare()
    print(revoke_key(args.project, args.id, kind=args.kind, since=since, reason=args.reason))
    return 0


def index_keys() -> list[str]:
    """The index's own keys, one line each, the newest first; what hosts compare with `otumat keys fetch`."""
    from django.conf import settings

    from otumat_index.trust import index_keys

    return [f"{each.public.id}  {each.public.kind}  index" for each in index_keys.signers(settings.CONFIG)]


def project_keys(name: str) -> list[str]:
    """A project's keys, one line each, those that ended included."""
    from otumat_index.journal.actor import command
    from otumat_index.publish import queries as publish
    from otumat_index.trust import queries

    project = publish.project(name, by=command())
    lines = []
    for key in queries.keys(project.normalized):
        ended = f"{key.revoked_for} {key.revoked_at:%Y-%m-%d}" if key.revoked_at else f"since {key.added_at:%Y-%m-%d}"
        lines.append("  ".join(word for word in (key.key_id, key.kind, key.role, ended, key.note) if word))
    return lines


def add_key(name: str, path: Path, *, role: str, note: str, replaces: str) -> str:
    """Let a key sign for a project; returns a sentence."""
    from django.utils import timezone

    from otumat_index.journal.actor import command
    from otumat_index.publish import queries as publish
    from otumat_index.publish.signing import actions

    by = command()
    project = publish.project(name, by=by)
    added = actions.add_key(project, text_of(path), role=role, note=note, replaces=replaces, by=by, at=timezone.now())
    return f"The key {added.key_id} may sign for {project.name!r} now."


def revoke_key(name: str, key_id: str, *, kind: str, since: datetime | None, reason: str) -> str:
    """End a key of a project; returns a sentence."""
    from django.utils import timezone

    from otumat_index.journal.actor import command
    from otumat_index.publish import queries as publish
    from otumat_index.publish.signing import actions

    by = command()
    project = publish.project(name, by=by)
    ended = actions.revoke_key(project, key_id, kind=kind, since=since, reason=reason, by=by, at=timezone.now())
    return f"The key {ended.key_id} of {project.name!r} is ended ({ended.revoked_for})."


def moment(text: str) -> datetime:
    """A moment with its time zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        message = f"{text[:40]!r} is no moment such as 2026-01-31T12:00:00Z."
        raise Invalid([Problem("key.since", "since", message)], message=message)
    return found


def text_of(path: Path) -> str:
    """What a file of a key holds; other bytes than ASCII make no key."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES + 1).decode("ascii", "replace")
    except OSError as exc:
        raise NotFound(f"{path} cannot be read: {exc.strerror or exc}.") from exc
