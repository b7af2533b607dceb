"""`otumat-index`: run and look after an index. Words in, words out."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from otumat.errors import Invalid, OtumatError
from otumat_index import __version__, key_commands, upkeep_commands, usage_commands
from otumat_index.bar import Bar

EPILOG = """\
examples:
  otumat-index serve                                 run an index in ./data on http://localhost:8000
  otumat-index user create alice --email a@example.org --confirmed --password-stdin
  otumat-index token create alice                    prints the token last
  otumat-index import installed --owner alice        something real to look at
  otumat-index backup /mnt/other-disk/index          all of it, beside a running server; `restore` makes one from it
  otumat-index settings                              every setting, its value, and where it came from
"""


def parser() -> argparse.ArgumentParser:
    """All commands; every one takes --data and works beside a running server."""
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument(
        "--data", type=Path, metavar="DIR", help="the index's data folder (default: $OTUMAT_DATA, else ./data)"
    )
    top = argparse.ArgumentParser(
        prog="otumat-index",
        description="A package index of your own: publish, discover, install.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("-V", "--version", action="version", version=f"otumat-index {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        parents=[data],
        help="run the index",
        description="Create what is missing, then run web and job processes until SIGTERM or Ctrl-C.",
    )
    serve.add_argument("--host", default="localhost", help="address to listen on (default: localhost, IPv4 and IPv6)")
    serve.add_argument("--port", type=int, default=8000, help="port (default: 8000)")
    serve.add_argument("--workers", type=int, help="web worker processes (default: the setting WORKERS, 2)")
    serve.set_defaults(run=run_serve)

    user = commands.add_parser("user", help="accounts").add_subparsers(dest="what", required=True, metavar="ACTION")
    create = user.add_parser("create", parents=[data], help="add an account")
    create.add_argument("name", help="login name")
    create.add_argument("--email", required=True, help="mail address")
    create.add_argument("--confirmed", action="store_true", help="take the address as confirmed")
    create.add_argument("--admin", action="store_true", help="make this person an admin of the index")
    create.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from standard input (without: token-only account)",
    )
    create.set_defaults(run=run_user_create)

    people = user.add_parser(
        "import",
        parents=[data],
        help="take in accounts of another index",
        description="One JSON object a line: login, email, and sha1 (the draft's unsalted hash, 40 hex digits) or "
        "argon2 (as argon2 writes it) or neither; confirmed (true or false). Who is there already is left alone.",
    )
    people.add_argument("file", type=Path, metavar="FILE.jsonl")
    people.set_defaults(run=run_user_import)

    listing = user.add_parser("list", parents=[data], help="accounts whose login or address contains a text")
    listing.add_argument("text", nargs="?", default="", help="part of a login or address (default: the newest)")
    listing.set_defaults(run=run_user_list)
    disable = user.add_parser("disable", parents=[data], help="close an account at once: password, sessions, tokens")
    disable.add_argument("name", help="login name")
    disable.add_argument("--anyway", action="store_true", help="even if projects are left without an active owner")
    disable.set_defaults(run=run_user_disable)
    enable = user.add_parser("enable", parents=[data], help="let somebody in again")
    enable.add_argument("name", help="login name")
    enable.set_defaults(run=run_user_enable)

    factors = user.add_parser(
        "reset-factors",
        parents=[data],
        help="take every second factor off an account whose person lost one",
        description="Removes authenticator apps, passkeys and recovery codes, ends every session, and tells the person "
        "by mail. First make sure that it is the person who asks: from then on the password alone signs in.",
    )
    factors.add_argument("name", help="login name")
    factors.add_argument("--yes", action="store_true", help="do not ask whether it is meant")
    factors.set_defaults(run=run_user_reset_factors)

    role = commands.add_parser("role", parents=[data], help="give somebody a role in a project")
    role.add_argument("project", help="its name; a free one is made for its first owner")
    role.add_argument("user", help="login name, or group:SLUG")
    role.add_argument("kind", choices=["owner", "maintainer", "reader", "none"], help="`none` takes the role away")
    role.set_defaults(run=run_role)

    token = commands.add_parser("token", help="API tokens").add_subparsers(dest="what", required=True, metavar="ACTION")
    make = token.add_parser("create", parents=[data], help="make an API token and print it")
    make.add_argument("user", help="login name")
    make.add_argument("--project", action="append", metavar="P", help="limit it to this project; repeat for more")
    make.add_argument("--name", default="command line", help="what it is for, to tell it from others")
    make.set_defaults(run=run_token_create)

    key_commands.add_keys(commands, data)
    usage_commands.add_usage(commands, data)

    load = commands.add_parser("import", parents=[data], help="take in many metadata records")
    load.add_argument(
        "source",
        metavar="FILE.jsonl|installed",
        help="core metadata as JSON, one object a line; or `installed`: every distribution of a Python environment",
    )
    load.add_argument("--owner", metavar="USER", help="who owns the new names (without: an admin assigns them later)")
    load.add_argument(
        "--python", metavar="PATH", help="with `installed`: the environment's interpreter (default: this one)"
    )
    load.set_defaults(run=run_import)

    anew = commands.add_parser(
        "reindex",
        parents=[data],
        help="build the search index anew",
        description="Reads the whole catalogue and writes DATA/search; a running server answers from the old index "
        "meanwhile and from the new one within a second after.",
    )
    anew.add_argument("--in-background", action="store_true", help=argparse.SUPPRESS)
    anew.set_defaults(run=run_reindex)

    upkeep_commands.add_upkeep(commands, data)

    show = commands.add_parser("settings", parents=[data], help="every setting, value and source")
    show.add_argument("--json", action="store_true", help="as one JSON object")
    show.set_defaults(run=run_settings)

    dj = commands.add_parser("django", parents=[data], help=argparse.SUPPRESS)
    dj.add_argument("args", nargs=argparse.REMAINDER)
    dj.set_defaults(run=run_django)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; our own errors become one plain message each."""
    args = parser().parse_args(argv)
    if args.data is not None:
        os.environ["OTUMAT_DATA"] = str(args.data.absolute())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otumat_index.settings")
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except OtumatError as exc:
        print(f"otumat-index: {exc}", file=sys.stderr)
        for problem in exc.problems if isinstance(exc, Invalid) else ():
            print(f"  - {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run_serve(args: argparse.Namespace) -> int:
    from otumat_index import serving

    return serving.serve(host=args.host, port=args.port, workers=args.workers)


def run_user_create(args: argparse.Namespace) -> int:
    from otumat_index import commands

    password = sys.stdin.readline().rstrip("\r\n") if args.password_stdin else None
    commands.prepare()
    print(
        commands.create_user(args.name, email=args.email, password=password, confirmed=args.confirmed, admin=args.admin)
    )
    return 0


def run_user_import(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    made, refused = commands.import_users(args.file)
    for line in refused:
        print(line, file=sys.stderr)
    print(f"{made} accounts were made, {len(refused)} lines were not taken.")
    return 1 if refused else 0


def run_user_list(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    for line in commands.list_users(args.text):
        print(line)
    return 0


def run_user_disable(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    print(commands.disable_user(args.name, anyway=args.anyway))
    return 0


def run_user_enable(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    print(commands.enable_user(args.name))
    return 0


def run_user_reset_factors(args: argparse.Namespace) -> int:
    from otumat_index import commands

    if not args.yes:
        if not sys.stdin.isatty():
            print("otumat-index: Nobody can be asked here; add --yes if it is meant.", file=sys.stderr)
            return 2
        print(f"Take every second factor off the account {args.name!r}? [y/N]: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("Nothing was changed.", file=sys.stderr)
            return 1
    commands.prepare()
    print(commands.reset_factors(args.name))
    return 0


def run_role(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    print(commands.set_role(args.project, args.user, args.kind))
    return 0


def run_token_create(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    print(commands.create_token(args.user, name=args.name, projects=args.project))
    return 0


def run_import(args: argparse.Namespace) -> int:
    from otumat_index import commands

    commands.prepare()
    return commands.import_records(args.source, owner=args.owner, python=args.python)


def run_reindex(args: argparse.Namespace) -> int:
    from otumat_index import commands

    if args.in_background:
        os.nice(10)
        return commands.reindex(lambda _: None, waits=False)
    commands.prepare()
    shown = Bar("search index")
    code = commands.reindex(shown)
    shown.end()
    return code


def run_settings(args: argparse.Namespace) -> int:
    import json

    from otumat_index.config import read

    config, sources = read(os.environ)
    rows = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.metadata["secret"] and value:
            value = "[set, not shown]"
        rows.append(
            {"name": field.name.upper(), "value": value, "source": sources[field.name], "why": field.metadata["why"]}
        )
    if args.json:
        print(json.dumps(rows, indent=2, default=str))
        return 0
    for row in rows:
        print(f"{row['name']} = {row['value']!s}    [{row['source']}]\n    {row['why']}")
    return 0


def run_django(args: argparse.Namespace) -> int:
    from django.core.management import execute_from_command_line

    execute_from_command_line(["otumat-index django", *args.args])
    return 0


if __name__ == "__main__":
    sys.exit(main())
