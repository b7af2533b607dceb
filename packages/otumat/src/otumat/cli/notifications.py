"""`otumat notifications`: how much mail there is about projects."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import connect
from otumat.publish import notifications

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings

WORDS = {
    "all": "every change, your own as well",
    "others": "changes that others make",
    "none": "nothing but what you must know, such as changes of your role",
}


def show(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """What was said about mail."""
    said = notifications.read(connect(options, settings, console), options.project)
    about = options.project or "in general"
    rows = [(about, *_level(said)), *((name, level, WORDS.get(level, "")) for name, level in said.projects.items())]
    return console.show_listed(("project", "level", "what is mailed"), rows, project=options.project, **asdict(said))


def choose(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Say it anew."""
    said = notifications.choose(connect(options, settings, console), options.level, options.project)
    where = f"about {options.project}" if options.project else "in general"
    level, words = _level(said)
    return console.show_done("Set", f"{where}: {level}, {words}.", project=options.project, **asdict(said))


def _level(said: notifications.Preference) -> tuple[str, str]:
    """The level, and what it means."""
    if said.level == "default":
        return "default", f"as in general: {WORDS.get(said.general, said.general)}"
    return said.level, WORDS.get(said.level, "")
