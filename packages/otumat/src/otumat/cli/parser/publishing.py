"""Help and options of `otumat register`, `otumat publish` and `otumat yank`."""

from __future__ import annotations

from otumat.cli.parser.options import CREDENTIALS, Commands, add_common, add_save, seconds

REGISTER = """\
Tell an index about a release: its name, version, summary, classifiers and all other metadata. No file is uploaded.
A release that the index knows already is updated.

PATH is the project's folder (pyproject.toml or setup.py, any build back end), a built wheel or sdist, or a METADATA or
PKG-INFO file. In a folder, the project's own build back end tells the metadata.

At a terminal, and without credentials, you may choose:
  1. log in and submit the package information
  2. register as a new packager: details, a mail with a link, and as soon as the link is opened the submission
  3. send a password reminder
At the end you are asked whether to keep the login; it is kept only if you say yes.
"""

REGISTER_EXAMPLES = """\
examples:
  otumat register --verify                          only check; the index keeps nothing
  otumat register                                   the project in this folder
  otumat register dist/roundup-1.0.tar.gz --index work
  pass show index | otumat register --username alice --password-stdin

the same choices without a terminal:
  pass show index | otumat register --new-user --username alice --email alice@example.org --password-stdin
  otumat register --remind alice
"""

PUBLISH = """\
Send built files, wheels and sdists, to an index. Every file is looked at first, and nothing is sent unless all of them
hold. Files that the index has already, byte for byte, are skipped, so the command can be repeated.
"""

PUBLISH_EXAMPLES = """\
examples:
  python -m build && otumat publish dist/*
  otumat publish --verify dist/*                    only check; the index keeps nothing
  otumat publish dist/* --json | jq .files
"""

YANK = """\
Yank a release: installers stop choosing it by themselves, those who ask for this very version still get it, and nothing
is deleted (PEP 592). It can be undone.
"""

YANK_EXAMPLES = """\
examples:
  otumat yank roundup 1.0 --reason "loses issues on Windows, use 1.0.1"
  otumat yank roundup 1.0 --undo
"""


def add_register(commands: Commands) -> None:
    parser = commands.add(
        "register", "tell an index about a release, or become its user", REGISTER, f"{CREDENTIALS}\n{REGISTER_EXAMPLES}"
    )
    parser.set_defaults(run="registering:register")
    parser.add_argument("path", nargs="?", default="", metavar="PATH", help="folder or file (default: this folder)")
    parser.add_argument("--verify", action="store_true", help="only have it checked; the index keeps nothing")
    parser.add_argument(
        "--no-isolation",
        action="store_true",
        help="build with the packages that are installed here, not in an environment of its own; needs no network",
    )
    choices = parser.add_mutually_exclusive_group()
    choices.add_argument("--new-user", action="store_true", help="choice 2: register --username as a new packager")
    choices.add_argument("--remind", default="", metavar="NAME_OR_EMAIL", help="choice 3: send a password reminder")
    parser.add_argument("--email", default="", metavar="ADDRESS", help="where the mail for a new packager goes")
    parser.add_argument(
        "--wait-s",
        type=seconds,
        default=600,
        metavar="SECONDS",
        help="longest wait for a new packager to open the link in the mail (default: 600; 0 does not wait)",
    )
    add_common(parser)
    add_save(parser, "the login")


def add_publish(commands: Commands) -> None:
    parser = commands.add("publish", "send built files to an index", PUBLISH, f"{CREDENTIALS}\n{PUBLISH_EXAMPLES}")
    parser.set_defaults(run="publishing:publish")
    parser.add_argument("files", nargs="+", metavar="FILES", help="wheels and sdists, such as dist/*")
    parser.add_argument("--verify", action="store_true", help="only have them checked; the index keeps nothing")
    add_common(parser)


def add_yank(commands: Commands) -> None:
    parser = commands.add("yank", "advise against a release, or undo that", YANK, f"{CREDENTIALS}\n{YANK_EXAMPLES}")
    parser.set_defaults(run="recording:yank")
    parser.add_argument("name", metavar="NAME", help="name of the project")
    parser.add_argument("version", metavar="VERSION", help="the release")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--reason", default="", help="one line that everybody can read")
    how.add_argument("--undo", action="store_true", help="take the yank back")
    add_common(parser)
