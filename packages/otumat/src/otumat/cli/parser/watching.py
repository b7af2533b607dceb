"""Help and options of `otumat watch`."""

from __future__ import annotations

import argparse

from otumat.cli.parser.options import Commands, seconds

WATCH = """\
Run a script when a file has changed, or any file in a folder. What it writes to standard output, line by line, is what
its next run is called with. A file counts as changed once nothing is written to it any more. Ends on Ctrl-C, after the
run that is under way; pressed twice, at once. Needs the extra 'watch'.
"""
WATCH_EXAMPLES = """\
The script finds the paths of what changed, one a line, in the file that OTUMAT_WATCH_LIST names.

examples:
  otumat watch -f settings.toml -s ./reload.sh
  otumat watch -f dist -s ./publish-new.sh --initialize
      publish-new.sh:  #!/bin/sh
                       xargs -d '\\n' otumat publish < "$OTUMAT_WATCH_LIST" >&2
  otumat watch -f settings.toml -i 5 -s ./reload.sh 0        as Otumat 0.3.1 had it
  otumat watch -f settings.toml -s ./reload.sh -a 0          as Otumat 0.3.0 had it
"""


def add_watch(commands: Commands) -> None:
    parser = commands.add("watch", "run a script when a file changes", WATCH, WATCH_EXAMPLES)
    parser.set_defaults(run="watching:watch")
    parser.add_argument("-f", "--file", required=True, metavar="PATH", help="file or folder to watch")
    parser.add_argument("-s", "--script", required=True, help="script or program to run")
    parser.add_argument(
        "-a", "--arguments", nargs="+", default=[], metavar="ARG", help="what its first run is called with"
    )
    parser.add_argument(
        "-i", "--interval", type=_some_seconds, default=5, metavar="SECONDS", help="look at least so often (5)"
    )
    parser.add_argument(
        "--quiet",
        type=seconds,
        default=0.5,
        metavar="SECONDS",
        help="how long nothing may be written before it is run (0.5)",
    )
    parser.add_argument("--initialize", action="store_true", help="run it at the start, too, for what is there")
    parser.add_argument("watch_args", nargs="*", metavar="ARG", help=argparse.SUPPRESS)


def _some_seconds(text: str) -> float:
    value = seconds(text)
    if value < 0.1:
        raise argparse.ArgumentTypeError("looking more often than ten times a second is no use")
    return value
