"""`otumat-index backup`, `restore` and `check`: the words."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from otumat_index.bar import Bar

BACKUP = """\
Copies the databases, the keys, settings.toml and every published file into DIR, beside a running server. Said again, it
brings DIR up to date: published files never change, so only new ones are copied. Until it has ended the copy from
before counts. Whoever has DIR has all secrets of the index: keep it as you keep the index itself.

Not in it: settings from the environment, uses that are kept on ClickHouse (see its BACKUP), mail written to DATA/mail.
"""
RESTORE = """\
Makes an index out of what `backup` wrote: into a new data folder (--data), and into the empty databases and the store
that its settings.toml and the environment name. Everything is looked at first; what is damaged is told, and nothing
is written then. Erasures, yanks and tokens revoked since the backup are undone by it.
"""
CHECK = """\
Looks at the databases, and for every published file whether it is there in its size. Changes nothing; exit code 1 if
something is wrong.
"""


def add_upkeep(commands: argparse._SubParsersAction[argparse.ArgumentParser], data: argparse.ArgumentParser) -> None:
    """A copy of the index, an index from one, and whether all is there."""
    form = argparse.RawDescriptionHelpFormatter
    about = "copy the whole index into a folder"
    backup = commands.add_parser("backup", parents=[data], help=about, description=BACKUP, formatter_class=form)
    backup.add_argument("folder", type=Path, metavar="DIR")
    backup.set_defaults(run=run_backup)
    about = "make an index from such a folder"
    restore = commands.add_parser("restore", parents=[data], help=about, description=RESTORE, formatter_class=form)
    restore.add_argument("folder", type=Path, metavar="DIR")
    restore.set_defaults(run=run_restore)
    about = "whether everything is there and whole"
    check = commands.add_parser("check", parents=[data], help=about, description=CHECK, formatter_class=form)
    check.add_argument("--all", action="store_true", help="read every file and compare its SHA-256")
    check.add_argument("--json", action="store_true", help="the problems as a JSON list")
    check.set_defaults(run=run_check)


def run_backup(args: argparse.Namespace) -> int:
    from django.conf import settings
    from django.utils import timezone

    from otumat_index import commands

    check_there()
    commands.prepare()
    from otumat_index.upkeep.taking import take

    shown = Bar("backup")
    note = take(settings.CONFIG, args.folder, at=timezone.now(), progress=shown)
    shown.end()
    databases = " and ".join(sorted(note.databases))
    print(f"{args.folder} has the index as of {note.made_at}: {databases}, {note.files:,} files, {note.bytes:,} bytes.")
    if settings.CONFIG.events_url.startswith("clickhouse"):
        print("Uses are on ClickHouse, and not in it: back them up with ClickHouse's own BACKUP.")
    for key in note.missing:
        print(f"  - {key} is named by the catalogue, and was not in the store.")
    return 1 if note.missing else 0


def run_restore(args: argparse.Namespace) -> int:
    from otumat_index.config import read
    from otumat_index.upkeep.restoring import restore

    data = read(os.environ)[0].data
    shown = Bar("restore")
    note = restore(args.folder, data, progress=shown)
    shown.end()
    print(f"{data} has the index as of {note.made_at}, with {note.files:,} files. Start it: otumat-index serve")
    print("What was erased, yanked or revoked since then has to be so again: the journal of the lost index tells.")
    return 0


def run_check(args: argparse.Namespace) -> int:
    import django
    from django.conf import settings

    check_there()
    django.setup()
    from otumat_index.upkeep.checking import check

    shown = Bar("check")
    problems = check(settings.CONFIG, reads_all=args.all, progress=shown)
    shown.end()
    if args.json:
        print(json.dumps([problem.as_dict() for problem in problems], indent=2))
    else:
        for problem in problems:
            print(f"  - {problem}")
        print(f"{len(problems)} problems." if problems else "Everything is there.")
    return 1 if any(problem.severity == "error" for problem in problems) else 0


def check_there() -> None:
    """NotFound: no index is where the settings say; other commands would begin one."""
    from otumat.errors import NotFound
    from otumat_index.config import read

    config = read(os.environ)[0]
    if not config.database_url and not config.database_path.exists():
        hint = "Name its data folder with --data."
        raise NotFound(f"There is no index in {config.data}: no {config.database_path.name}.", hint=hint)
