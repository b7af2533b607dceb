"""Help and options of `otumat search` and `otumat browse`."""

from __future__ import annotations

import argparse

from otumat.cli.parser.options import Commands, add_index, add_json

ORDERS = ("best", "name", "updated", "created")
ROWS_MAX = 100

SEARCH = """\
Find projects on an index.

Words are looked for in names, keywords, summaries and descriptions; all of them must be there. A word with a colon
asks for more, a minus before it for the opposite:

  issue tracker                both words
  "issue tracker"              the phrase
  framework:django             Framework :: Django, or anything below it; also topic:, os:, status:, audience:, ...
  framework:django,flask       either of them
  python:3.13                  says that it runs on Python 3.13
  license:MIT                  by classifier or licence expression
  author:"R. Jones"            so for every field of the metadata: name:, summary:, keywords:, maintainer:, ...
  depends:numpy                requires numpy
  has:wheel  -is:yanked        has a wheel; is not yanked
  updated:<90d                 changed in the last 90 days; created:2024
  -windows                     without that word

Put the whole query into single quotes, so that the shell takes neither quotes nor < from it.
"""

SEARCH_EXAMPLES = """\
examples:
  otumat search issue tracker
  otumat search 'web framework license:MIT python:3.13 updated:<1y'
  otumat search 'topic:office/business os:os/2 -windows'
  otumat search mail --classifier "Framework :: Django" --sort updated
  otumat search database --facets
  otumat search 'depends:numpy' --rows 100 --json | jq -r '.results[].name'
  otumat search 'time series' --web

exit codes: 0 something was found; 1 nothing, or no answer; 2 used as it cannot be
"""

BROWSE = """\
Walk the tree of classifiers, with the number of projects below each.

Without CLASSIFIER, the categories. With one or more, what is below them, counted among the projects that carry all of
them (each of them, or anything below it), and the first of these projects.
"""

BROWSE_EXAMPLES = """\
examples:
  otumat browse
  otumat browse Topic
  otumat browse "Topic :: Office/Business" "Operating System :: OS/2"
  otumat browse Framework --query 'updated:<90d'
"""


def rows(text: str) -> int:
    """A number of rows."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= ROWS_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {ROWS_MAX}")
    return int(text)


def add_search(commands: Commands) -> None:
    parser = commands.add("search", "find projects", SEARCH, SEARCH_EXAMPLES)
    parser.set_defaults(run="searching:search")
    parser.add_argument("text", nargs="*", metavar="TEXT", help="the query; put -- before one that begins with a minus")
    parser.add_argument(
        "--classifier", action="append", default=[], metavar="C", help="carried by the project; may be given repeatedly"
    )
    parser.add_argument("--sort", default="", choices=ORDERS, help="what comes first (default: the best match)")
    _add_rows(parser, 20)
    parser.add_argument("--place", default="", metavar="PLACE", help="go on from here, as the answer before told")
    parser.add_argument("--facets", action="store_true", help="also count what was found in each category")
    parser.add_argument(
        "--web", action="store_true", help="show the address of the same search on the web, and open it"
    )
    add_index(parser)
    add_json(parser)


def add_browse(commands: Commands) -> None:
    parser = commands.add("browse", "walk the tree of classifiers", BROWSE, BROWSE_EXAMPLES)
    parser.set_defaults(run="searching:browse")
    parser.add_argument("classifier", nargs="*", metavar="CLASSIFIER", help="a category, or a classifier in full")
    parser.add_argument("--query", action="append", default=[], metavar="TEXT", help="only what also matches this")
    _add_rows(parser, 10)
    add_index(parser)
    add_json(parser)


def _add_rows(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--rows",
        type=rows,
        default=default,
        metavar="N",
        help=f"most projects shown, up to {ROWS_MAX} (default: {default})",
    )
