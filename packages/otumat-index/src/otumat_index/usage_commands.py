"""`otumat-index usage`: what an operator does with counts at the machine itself."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

from otumat_index.bar import Bar

FORMATS = ("csv", "jsonl", "parquet")


def add_usage(commands: argparse._SubParsersAction[argparse.ArgumentParser], data: argparse.ArgumentParser) -> None:
    """Uses that consenting copies told of."""
    about = "uses that consenting copies told of"
    usage = commands.add_parser("usage", help=about).add_subparsers(dest="what", required=True, metavar="ACTION")
    export = usage.add_parser(
        "export",
        parents=[data],
        help="write all counts of a project into a file",
        description="How often each event happened, by day, properties and release. No row tells whose use it was. The "
        "file appears when it is whole. Parquet needs otumat-index[parquet].",
    )
    export.add_argument("--project", required=True, help="its name")
    export.add_argument("--from", dest="since", type=date.fromisoformat, metavar="DAY", help="default: 400 days ago")
    export.add_argument("--to", dest="until", type=date.fromisoformat, metavar="DAY", help="default: today")
    export.add_argument("--format", choices=FORMATS, help="default: as the file's name ends, else csv")
    export.add_argument("--replace", action="store_true", help="write over a file that is there")
    export.add_argument("file", nargs="?", type=Path, help="default: PROJECT-usage-FROM-TO.FORMAT here")
    export.set_defaults(run=run_export)


def run_export(args: argparse.Namespace) -> int:
    from django.utils import timezone

    from otumat_index import commands

    until = args.until or timezone.now().date()
    since = args.since or until - timedelta(days=400)
    form = args.format or form_of(args.file)
    commands.prepare()
    shown = Bar("export")
    path, rows = export(
        args.project, args.file, since=since, until=until, form=form, shown=shown, replaces=args.replace
    )
    shown.end()
    print(f"{rows:,} rows in {path}")
    return 0


def form_of(path: Path | None) -> str:
    ending = path.suffix.removeprefix(".") if path else ""
    return ending if ending in FORMATS else FORMATS[0]


def export(
    name: str, path: Path | None, *, since: date, until: date, form: str, shown: Bar, replaces: bool
) -> tuple[Path, int]:
    """Write a project's counts; returns where they are, and how many rows."""
    from otumat_index.journal.actor import command
    from otumat_index.publish import queries
    from otumat_index.usage import exporting

    project = queries.project(name, by=command())
    path = path or Path(f"{project.normalized}-usage-{since}-{until}.{form}")
    rows = exporting.export(project.pk, path, since=since, until=until, form=form, progress=shown, replaces=replaces)
    return path, rows
