"""Help and options of `otumat usage` and `otumat upload`."""

from __future__ import annotations

import argparse
from contextlib import suppress
from datetime import UTC, datetime

from otumat.cli.parser.options import Actions, Commands, add_json, seconds
from otumat.errors import Invalid
from otumat.usage.frequency import seconds_of

USAGE = """\
See and decide what packages may tell about how you use them. Nothing is recorded until you say yes; any no wins:
yours, DO_NOT_TRACK=1, OTUMAT_USAGE=off, your site's policy file, and being in CI.

  off     nothing is recorded
  local   uses are counted on this machine only, for you to look at
  on      the counts are also sent to the host that the package names
"""

USAGE_EXAMPLES = """\
examples:
  otumat usage status                      every package, and who decided
  otumat usage show datajoint              the exact bytes that would leave
  otumat usage on datajoint
  otumat usage off datajoint

'otumat usage ACTION --help' tells what each does and how to undo it.
"""

STATUS_EXAMPLES = """\
examples:
  otumat usage status
  otumat usage status datajoint --json
"""
ON_EXAMPLES = """\
Enrols this machine: anonymously, if package and host allow that; else in your browser, or with a code for any browser.
What leaves: see 'otumat usage show'. To undo: otumat usage off PACKAGE

examples:
  otumat usage on datajoint
  otumat usage on datajoint --device
  otumat usage on datajoint --host https://index.example.org --service
"""
LOCAL_EXAMPLES = """\
If it was on, the host is told that this is over. To undo: otumat usage on PACKAGE, or otumat usage off PACKAGE

examples:
  otumat usage local datajoint
"""
OFF_EXAMPLES = """\
Everything held is deleted first; then the host is told, or, without a network, as soon as it can be reached.
What was sent stays there: 'otumat usage erase' has it deleted, too. To undo: otumat usage on PACKAGE

examples:
  otumat usage off datajoint
  otumat usage off --all
"""
SHOW_EXAMPLES = """\
Showing freezes the batch: what you see is what is sent next, byte for byte, if you leave it on.

examples:
  otumat usage show datajoint
  otumat usage show datajoint | sha256sum  the host answers with the same
"""
SENT_EXAMPLES = """\
examples:
  otumat usage sent datajoint
  otumat usage sent datajoint --json | jq '.batches[].answer'
"""
SEND_EXAMPLES = """\
examples:
  otumat usage send datajoint
"""
EXPORT_EXAMPLES = """\
examples:
  otumat usage export datajoint > mine.json
"""
ERASE_EXAMPLES = """\
Turns it off, too. This cannot be undone: a later 'otumat usage on' begins anew. After 'otumat usage off' it still
erases what was sent before.

examples:
  otumat usage erase datajoint
  otumat usage erase datajoint --json > receipt.json     'otumat usage receipt receipt.json' checks it, at any time
"""
WEB_EXAMPLES = """\
Shows what this install told, on its host's own page: export, withdraw, erase. No account is needed. After
'otumat usage off' it shows the install that was left last.

examples:
  otumat usage web datajoint
"""
RECEIPT_EXAMPLES = """\
The host that the receipt names says which keys it signs with; --host asks one that you know instead.

examples:
  otumat usage receipt receipt.json
  otumat usage receipt receipt.json --host https://index.example.org
"""
SERVICE_EXAMPLES = """\
Without it, uses are sent by a short process while programs with the package run.
To undo: otumat usage service PACKAGE --remove

examples:
  otumat usage service datajoint
  otumat usage service datajoint --show
  otumat usage service datajoint --remove
"""

UPLOAD = """\
Send what is held of a package again and again, until it is turned off. The command of Otumat 0.3;
'otumat usage service' is the quieter way.
"""
UPLOAD_EXAMPLES = """\
examples:
  otumat upload -a DataJoint -d datajoint-python -p datajoint -s 2026-11-22T08:00:00.0 -f 12h
"""


def add_usage(commands: Commands) -> None:
    parser = commands.add("usage", "see and decide what is counted", USAGE, USAGE_EXAMPLES)
    actions = Actions(parser)
    which = "one package (default: all)"
    status = _add(actions, "status", "show what is recorded and sent, and why", STATUS_EXAMPLES, optional=which)
    status.set_defaults(run="usage:status")
    turning_on = _add(actions, "on", "count and send", ON_EXAMPLES)
    turning_on.set_defaults(run="usage:turn_on")
    turning_on.add_argument("--host", default="", metavar="URL", help="where to send (default: what the package names)")
    ways = turning_on.add_mutually_exclusive_group()
    for way, text in (
        ("browser", "answer in the browser"),
        ("device", "enter a code in any browser"),
        ("anonymous", "no account"),
    ):
        ways.add_argument(f"--{way}", dest="way", action="store_const", const=way, default="", help=text)
    turning_on.add_argument("--timeout", type=seconds, default=600, metavar="SECONDS", help="how long to wait for you")
    turning_on.add_argument(
        "--service", action="store_true", help="also send when no program runs; see 'otumat usage service'"
    )
    _add(actions, "local", "count on this machine only", LOCAL_EXAMPLES).set_defaults(run="usage:turn_local")
    turning_off = _add(actions, "off", "count nothing, and delete what is held", OFF_EXAMPLES, optional="one package")
    turning_off.set_defaults(run="usage:turn_off")
    turning_off.add_argument("--all", action="store_true", help="every package that there is any state of")
    _add(actions, "show", "print the exact bytes that would leave", SHOW_EXAMPLES).set_defaults(run="usage:show")
    _add(actions, "sent", "print the exact bytes that left", SENT_EXAMPLES).set_defaults(run="usage:sent")
    _add(actions, "send", "send now what is held", SEND_EXAMPLES).set_defaults(run="usage:send")
    export = _add(actions, "export", "print everything that is kept, here and at the host", EXPORT_EXAMPLES)
    export.set_defaults(run="usage:export")
    erase = _add(actions, "erase", "have everything deleted, here and at the host", ERASE_EXAMPLES)
    erase.set_defaults(run="usage:erase")
    erase.add_argument("--image", action="store_true", help="in a copy of an image: what all its copies told")
    web = _add(actions, "web", "open this install's page at its host", WEB_EXAMPLES)
    web.set_defaults(run="usage:web")
    web.add_argument("--no-browser", action="store_true", help="only print the link")
    receipt = actions.add("receipt", "check what an erasure certified", RECEIPT_EXAMPLES)
    receipt.set_defaults(run="usage:receipt")
    receipt.add_argument("file", metavar="FILE", help="the receipt, as it was printed or downloaded")
    receipt.add_argument("--host", default="", metavar="URL", help="who signed it (default: what it names)")
    add_json(receipt)
    service = _add(actions, "service", "send at log-in, too", SERVICE_EXAMPLES)
    service.set_defaults(run="usage:service")
    service.add_argument("--every", default="24h", metavar="PERIOD", help="how often (default: 24h)")
    what = service.add_mutually_exclusive_group()
    what.add_argument("--show", dest="do", action="store_const", const="show", default="install", help="only show it")
    what.add_argument("--remove", dest="do", action="store_const", const="remove", help="take it away again")


def add_upload(commands: Commands) -> None:
    parser = commands.add("upload", "send usage counts for ever (0.3)", UPLOAD, UPLOAD_EXAMPLES)
    parser.set_defaults(run="usage:upload")
    # Required, as they were; of author and data directory only 0.3's own files are looked for.
    parser.add_argument("-a", "--author", required=True)
    parser.add_argument("-d", "--data-directory", required=True)
    parser.add_argument("-p", "--package-name", required=True)
    parser.add_argument(
        "-s", "--start", required=True, type=_moment, metavar="TIME", help="first round, UTC: 2026-11-22T08:00:00.0"
    )
    parser.add_argument("-f", "--frequency", required=True, type=_period, metavar="PERIOD", help="30s, 15m, 12h, 1h30m")


def _moment(text: str) -> datetime:
    """As 0.3 wrote it; at one full second in a million that was without its fraction."""
    for form in ("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S"):
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-22T08:00:00.0")


def _period(text: str) -> str:
    try:
        seconds_of(text)
    except Invalid as exc:
        raise argparse.ArgumentTypeError(str(exc.problems[0])) from None
    return text


def _add(actions: Actions, name: str, short: str, epilog: str, *, optional: str = "") -> argparse.ArgumentParser:
    parser = actions.add(name, short, epilog)
    if optional:
        parser.add_argument("package", nargs="?", default="", metavar="PACKAGE", help=optional)
    else:
        parser.add_argument("package", metavar="PACKAGE", help="name of the package")
    add_json(parser)
    return parser
