"""`otumat watch`: a script is run when a file or folder changes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from otumat.cli.console import printable
from otumat.errors import NotFound
from otumat.watch import Script, Watcher

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings


def watch(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Watch until the process is told to end; that is how it ends well."""
    folder = os.path.dirname(os.path.abspath(options.file))
    if not os.path.isdir(folder):
        raise NotFound(f"There is no folder {folder} to watch.", code="path.missing")
    watcher = Watcher(
        options.file,
        Script.named(options.script),
        arguments=[*options.arguments, *options.watch_args],
        interval_s=options.interval,
        quiet_s=options.quiet,
        tell=lambda text: console.note(printable(text)),
        show=lambda line: console.show(printable(line)),
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: watcher.stop())
    watcher.run(at_start=options.initialize)
    console.note("Stopped.")
    return 0
