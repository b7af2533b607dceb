"""`otumat yank` and `otumat journal`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import connect
from otumat.cli.console import GREEN, printable
from otumat.publish import record

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings


def yank(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Yank a release, or take its yank back."""
    api = connect(options, settings, console)
    if options.undo:
        record.unyank(api, options.name, options.version)
    else:
        record.yank(api, options.name, options.version, reason=options.reason)
    if console.as_json:
        told = {"name": options.name, "version": options.version, "yanked": not options.undo}
        console.show_json({"ok": True, **told, "reason": options.reason})
        return 0
    word = console.style("Taken back" if options.undo else "Yanked", GREEN)
    end = "installers choose it again." if options.undo else "only those who ask for this very version get it."
    console.show(f"{word}: {printable(options.name)} {printable(options.version)}; {end}")
    return 0


def journal(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Who changed what, and when."""
    entries, older = record.journal(connect(options, settings, console), options.project, before=options.before)
    if console.as_json:
        console.show_json({"ok": True, "entries": [asdict(each) for each in entries], "next": older})
        return 0
    if entries:
        console.show_columns(("when (UTC)", "who", "with", "project", "what"), [_row(each) for each in entries])
    else:
        console.note("There is nothing in it.")
    if older is not None:
        console.note(f"There is more, older than these: add --before {older}.")
    return 0


def _row(entry: record.Entry) -> tuple[str, ...]:
    what = entry.sentence or f"{entry.action} {entry.subject}"
    why = f" ({entry.reason})" if entry.reason else ""
    return (entry.at[:19].replace("T", " "), entry.actor, entry.credential, entry.project, f"{what}{why}")
