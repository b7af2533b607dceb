"""Help and options of `otumat notifications`."""

from __future__ import annotations

from otumat.cli.parser.options import CREDENTIALS, Actions, Commands, add_common

NOTIFICATIONS = """\
See and choose how much mail you get about projects you have submitted to, in general and for single projects.

  all      every change, your own as well
  others   changes that others make
  none     nothing but what you must know, such as changes of your role
  default  for a project: as in general

Mail about the safety of your account always comes.
"""

EXAMPLES = """\
examples:
  otumat notifications show
  otumat notifications set others
  otumat notifications set none roundup
"""

SHOW_EXAMPLES = """\
examples:
  otumat notifications show                         in general, and every project of which you said something else
  otumat notifications show roundup
"""

SET_EXAMPLES = """\
examples:
  otumat notifications set others
  otumat notifications set none roundup
  otumat notifications set default roundup
"""


def add_notifications(commands: Commands) -> None:
    parser = commands.add("notifications", "choose how much mail you get", NOTIFICATIONS, f"{CREDENTIALS}\n{EXAMPLES}")
    actions = Actions(parser)
    showing = actions.add("show", "show what you chose", SHOW_EXAMPLES)
    showing.set_defaults(run="notifications:show")
    showing.add_argument("project", nargs="?", default="", metavar="PROJECT", help="(default: in general)")
    add_common(showing)
    choosing = actions.add("set", "choose how much mail you get", SET_EXAMPLES)
    choosing.set_defaults(run="notifications:choose")
    choosing.add_argument("level", choices=["all", "others", "none", "default"])
    choosing.add_argument("project", nargs="?", default="", metavar="PROJECT", help="(default: in general)")
    add_common(choosing)
