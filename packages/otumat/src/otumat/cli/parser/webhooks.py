"""Help and options of `otumat webhook`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.cli.parser.options import CREDENTIALS, Actions, Commands, add_common

if TYPE_CHECKING:
    from argparse import ArgumentParser

WEBHOOK = """\
Webhooks are addresses that the index tells of a project's changes, by a POST that is signed with the webhook's secret.
What cannot be told is tried again, less and less often.
"""

EXAMPLES = """\
examples:
  otumat webhook add roundup https://ci.example.org/hook --action release.create
  otumat webhook test roundup 3
  otumat webhook deliveries roundup 3
"""

ADD_EXAMPLES = """\
The secret is the only line on standard output, and is shown this once.

examples:
  otumat webhook add roundup https://ci.example.org/hook
  otumat webhook add roundup https://ci.example.org/hook --action release.create --action file.publish
"""

ENABLE_EXAMPLES = """\
  otumat webhook enable roundup 3                   after it failed for so long that it was disabled
"""

DELIVERIES_EXAMPLES = """\
  otumat webhook deliveries roundup 3
  otumat webhook deliveries roundup 3 --json | jq '.deliveries[] | select(.state == "failed")'
"""

REDELIVER_EXAMPLES = """\
  otumat webhook redeliver roundup 3 2f0c6c2e-6a41-4a0b-93a5-0d1f0a6d7b11
"""


def add_webhook(commands: Commands) -> None:
    parser = commands.add("webhook", "tell other programs of changes", WEBHOOK, f"{CREDENTIALS}\n{EXAMPLES}")
    actions = Actions(parser)
    examples = "examples:\n  otumat webhook list roundup\n"
    _of_project(actions, "list", "list a project's webhooks", examples, run="list_webhooks")
    adding = _of_project(actions, "add", "have an address told of changes", ADD_EXAMPLES)
    adding.add_argument("url", metavar="URL", help="where to POST, with https")
    adding.add_argument(
        "--action", action="append", default=[], metavar="CHANGE", help="only these; repeatable (default: every change)"
    )
    _of_webhook(actions, "remove", "delete a webhook and its deliveries", "  otumat webhook remove roundup 3\n")
    _of_webhook(actions, "enable", "have a webhook called again", ENABLE_EXAMPLES)
    _of_webhook(actions, "test", "send a test delivery", "  otumat webhook test roundup 3\n")
    _of_webhook(actions, "deliveries", "show what it was told, and how that went", DELIVERIES_EXAMPLES)
    again = _of_webhook(actions, "redeliver", "tell it of a change again", REDELIVER_EXAMPLES)
    again.add_argument("delivery", metavar="DELIVERY", help="its id in 'otumat webhook deliveries'")


def _of_project(actions: Actions, name: str, short: str, epilog: str, run: str = "") -> ArgumentParser:
    parser = actions.add(name, short, epilog)
    parser.set_defaults(run=f"webhooks:{run or name}")
    parser.add_argument("project", metavar="PROJECT")
    add_common(parser)
    return parser


def _of_webhook(actions: Actions, name: str, short: str, examples: str) -> ArgumentParser:
    parser = _of_project(actions, name, short, f"examples:\n{examples}")
    parser.add_argument("id", metavar="ID", help="its id in 'otumat webhook list'")
    return parser
