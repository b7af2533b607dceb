"""Help and options of `otumat classifiers` and `otumat info`."""

from __future__ import annotations

from otumat.cli.parser.options import Commands, add_index, add_json

CLASSIFIERS = """\
List the classifiers that may be used, one a line, ready to be pasted into pyproject.toml or setup.py.
With TEXT, only those that contain all of its words.

The list is that of the index, or, when none is set or it does not answer, that of the installed package
trove-classifiers. Which of the two is told on standard error.
"""

CLASSIFIERS_EXAMPLES = """\
examples:
  otumat classifiers
  otumat classifiers bug tracking
"""

INFO = "Show what an index knows about a project: its latest release, or the one that VERSION names."

INFO_EXAMPLES = """\
examples:
  otumat info roundup
  otumat info roundup 1.0
  otumat info roundup --json | jq -r .version
"""


def add_classifiers(commands: Commands) -> None:
    parser = commands.add("classifiers", "list the classifiers there are", CLASSIFIERS, CLASSIFIERS_EXAMPLES)
    parser.set_defaults(run="discovering:classifiers")
    parser.add_argument("text", nargs="*", metavar="TEXT", help="words that must occur, in upper or lower case")
    add_index(parser)
    add_json(parser)


def add_info(commands: Commands) -> None:
    parser = commands.add("info", "show what an index knows about a project", INFO, INFO_EXAMPLES)
    parser.set_defaults(run="discovering:info")
    parser.add_argument("name", metavar="NAME", help="name of the project")
    parser.add_argument("version", nargs="?", default="", metavar="VERSION", help="a release other than the latest")
    add_index(parser)
    add_json(parser)
