"""`otumat-index backup`, `restore` and `check`: the words."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from otumat.errors import OtumatError
from otumat_index.bar import Bar

BACKUP = """\
Copies the databases, the keys, settings.toml and every published file into DIR, beside a running server. Said again, it
brings DIR up to date: published files never change, so only new ones are copied. Until it has ended the copy from
before counts. Whoever has DIR has all secrets of the index: keep it as you keep the index itself.

Not in it: settings from the environment, files that settings name, uses that are kept on ClickHouse (see its BACKUP),
mail written to DATA/mail. Exit code 1: it was not taken, or published files are missing in it, which are named.
"""
RESTORE = """\
Makes an index out of what `backup` wrote: into a new data folder (--data), and into the empty databases and the store
that its settings.toml and the environment name. Everything is looked at first; what is damaged is told, and nothing
is written then. Erasures, yanks and tokens revoked since the backup are undone by it.

With --without-damaged, published files that are damaged or missing in DIR are left out, and so are the uses if their
database is: counting begins anew. The rest is restored, and what is missing is named, by release. The index still lists
those files, and answers 404 to whoever asks for one; `check` names them until each is back in the store, or deleted.
Without a whole catalogue, keys and settings there is no index.
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
    backup.add_argument("folder", type=Path, metavar="DIR", help="where the copy lies: each index has a DIR of its own")
    backup.set_defaults(run=run_backup)
    about = "make an index from such a folder"
    restore = commands.add_parser("restore", parents=[data], help=about, description=RESTORE, formatter_class=form)
    restore.add_argument("folder", type=Path, metavar="DIR", help="what `backup` wrote")
    about = "go on with a damaged copy: restore everything else, and name what is missing"
    restore.add_argument("--without-damaged", action="store_true", help=about)
    restore.set_defaults(run=run_restore)
    about = "whether everything is there and whole"
    check = commands.add_parser("check", parents=[data], help=about, description=CHECK, formatter_class=form)
    check.add_argument("--all", action="store_true", help="read every file and compare its SHA-256")
    check.add_argument("--json", action="store_true", help="the problems as a JSON list")
    check.set_defaults(run=run_check)


def run_backup(args: argparse.Namespace) -> int:
    import django
    from django.conf import settings
    from django.utils import timezone

    check_there()
    django.setup()  # and no more: an upgrade's changes of the databases are what a backup is taken before
    from otumat_index.upkeep.taking import take

    shown = Bar("backup")
    shown(0)
    with plainly("The backup was not finished; one from before still counts", "Mend that, and say it again."):
        note = take(settings.CONFIG, args.folder, at=timezone.now(), progress=shown)
    shown.end()
    databases = " and ".join(sorted(note.databases))
    print(f"{args.folder} has the index as of {note.made_at}: {databases}, {note.files:,} files, {note.bytes:,} bytes.")
    if settings.CONFIG.events_url.startswith("clickhouse"):
        print("Uses are on ClickHouse, and not in it: back them up with ClickHouse's own BACKUP.")
    for key in note.missing:
        print(f"  - {key} is named by the catalogue, and is not in the store, or not as it was published.")
    return 1 if note.missing else 0


def run_restore(args: argparse.Namespace) -> int:
    from otumat_index.config import read
    from otumat_index.upkeep.restoring import restore

    data = read(os.environ)[0].data
    shown = Bar("restore")
    shown(0)
    anew = "Mend that, and begin again with an empty data folder and empty databases."
    with plainly("The restore was not finished", anew):
        at = datetime.now(UTC)  # noqa: TID251 - Django, whose clock the other doors take, is not set up
        note, left_out = restore(args.folder, data, at=at, without_damaged=args.without_damaged, progress=shown)
    shown.end()
    for line in told_of(left_out):
        print(line)
    restored = note.files - sum("/" in each for each in left_out)
    print(f"{data} has the index as of {note.made_at}, with {restored:,} files. Start it:")
    print(f"  otumat-index serve --data {data}")
    print("What was erased, yanked or revoked since then has to be so again: the journal of the lost index tells.")
    if note.missing:
        count = f"{len(note.missing)} published file{'s' if len(note.missing) > 1 else ''}"
        print(f"{count} had been lost before the backup was taken: `otumat-index check` names what is missing.")
    if read(os.environ)[0].events_url.startswith("clickhouse"):
        print("Uses are on ClickHouse, and are as they are there: nothing was restored of them. Projects and installs")
        print("from after the backup are gone here, and their numbers there are not given to new ones.")
    return 0


def told_of(left_out: set[str]) -> Iterator[str]:
    """What a restore left out, by release, and what that means."""
    keys = sorted((release_of(key), key.rpartition("/")[2]) for key in left_out if "/" in key)
    if keys:
        count = f"{len(keys)} published file{'s are' if len(keys) > 1 else ' is'}"
        yield f"{count} damaged in the backup, and not restored:"
        yield from (f"  - {release}: {filename}" for release, filename in keys)
        yield "The index lists them as before, and answers 404 to whoever asks for one. `otumat-index check` names them"
        yield "until each is back in the store, as it was published, or deleted."
    if len(keys) < len(left_out):
        yield "Uses are damaged in the backup: what was counted is gone, and counting begins anew."


def release_of(key: str) -> str:
    """
    The release that a published file is of, as far as its name tells.

    >>> release_of("01/abcdefghij/roundup-1.0-py3-none-any.whl")
    'roundup 1.0'
    """
    from otumat.errors import Invalid
    from otumat.spec import filenames

    try:
        parsed = filenames.parse(key.rpartition("/")[2])
    except Invalid:
        return "a release"
    return f"{parsed.project} {parsed.version}"


def run_check(args: argparse.Namespace) -> int:
    import django
    from django.conf import settings

    check_there()
    django.setup()
    from otumat_index.upkeep.checking import check

    shown = Bar("check")
    shown(0)
    with plainly("The check was not finished", "Mend that, and say it again."):
        problems = check(settings.CONFIG, reads_all=args.all, progress=shown)
    shown.end()
    if args.json:
        print(json.dumps([problem.as_dict() for problem in problems], indent=2))
    else:
        for problem in problems:
            print(f"  - {problem}")
        count = "1 problem." if len(problems) == 1 else f"{len(problems)} problems."
        print(count if problems else "Everything is there.")
    return 1 if any(problem.severity == "error" for problem in problems) else 0


@contextmanager
def plainly(what: str, hint: str) -> Iterator[None]:
    """A full disk, a lost connection or a store that refuses us, in one sentence."""
    from django.db import Error
    from obstore.exceptions import BaseError

    try:
        yield
    except (OSError, sqlite3.Error, Error, BaseError) as exc:
        raise OtumatError(f"{what}: {exc}.", code="upkeep", hint=hint) from exc


def check_there() -> None:
    """NotFound: no index is where the settings say; other commands would begin one."""
    from otumat.errors import NotFound
    from otumat_index.config import read

    config = read(os.environ)[0]
    if not config.database_url and not config.database_path.exists():
        hint = "Name its data folder with --data."
        raise NotFound(f"There is no index in {config.data}: no {config.database_path.name}.", hint=hint)
