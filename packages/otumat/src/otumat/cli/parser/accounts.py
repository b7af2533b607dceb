"""Help and options of `otumat login`, `otumat logout` and `otumat token`."""

from __future__ import annotations

from otumat.cli.parser.options import (
    CREDENTIALS,
    Actions,
    Commands,
    add_common,
    add_index,
    add_json,
    add_save,
    days,
)

TOKEN_NAME = "otumat login"
MAY = ("submit", "upload", "yank", "read", "manage")

LOGIN = """\
Log in at an index and keep the login on this machine, if you say yes: in the system's keyring, or else in
~/.pythonpackagerc, which only you can read.

With a login and password, an API token is made and kept instead of the password: it can be revoked by itself, and
'otumat logout' does. You can also give a token that you have.
"""

LOGIN_EXAMPLES = """\
examples:
  otumat login                                      asks for what it needs
  otumat login --name "Alice's laptop" --expires-days 90
  pass show token | otumat login --token-stdin --save file
  pass show index | otumat login --username alice --password-stdin --save yes
"""

LOGOUT = (
    "Revoke the API token that is kept on this machine for an index, and forget it; forget a password that is kept."
)

LOGOUT_EXAMPLES = """\
examples:
  otumat logout
  otumat logout --index work
  otumat logout --keep-token                        only forget it here; the index is not asked
"""

TOKEN = """\
See, make and revoke API tokens. A token stands in for your password, may be limited to some actions and projects, and
can be revoked without touching anything else.
"""

TOKEN_EXAMPLES = """\
examples:
  otumat token list
  otumat token create "roundup releases" --action upload --project roundup --expires-days 365
  otumat token revoke 12
"""

TOKEN_LIST_EXAMPLES = """\
examples:
  otumat token list
  otumat token list --json | jq '.tokens[] | select(.expires_at == "")'
"""

TOKEN_CREATE_EXAMPLES = """\
The token is the only line on standard output, and is shown this once.

examples:
  otumat token create laptop
  otumat token create ci --action upload --action submit --project roundup --expires-days 90
  otumat token create ci --project roundup | gh secret set OTUMAT_TOKEN
"""

TOKEN_REVOKE_EXAMPLES = """\
examples:
  otumat token revoke 12                            the id is that of 'otumat token list'
"""


def add_login(commands: Commands) -> None:
    parser = commands.add("login", "keep a login on this machine", LOGIN, LOGIN_EXAMPLES)
    parser.set_defaults(run="accounts:login")
    parser.add_argument(
        "--name", default=TOKEN_NAME, help=f"what the token that is made is called (default: {TOKEN_NAME})"
    )
    parser.add_argument("--expires-days", type=days, metavar="DAYS", help="when it ends (default: never)")
    add_common(parser)
    add_save(parser, "the token")


def add_logout(commands: Commands) -> None:
    parser = commands.add("logout", "revoke and forget the login of this machine", LOGOUT, LOGOUT_EXAMPLES)
    parser.set_defaults(run="accounts:logout")
    parser.add_argument("--keep-token", action="store_true", help="only forget the token here, do not revoke it")
    add_index(parser)
    add_json(parser)


def add_token(commands: Commands) -> None:
    parser = commands.add("token", "list, make and revoke API tokens", TOKEN, f"{CREDENTIALS}\n{TOKEN_EXAMPLES}")
    actions = Actions(parser)
    listing = actions.add("list", "list your API tokens", TOKEN_LIST_EXAMPLES)
    listing.set_defaults(run="accounts:list_tokens")
    add_common(listing)
    making = actions.add("create", "make an API token", TOKEN_CREATE_EXAMPLES)
    making.set_defaults(run="accounts:create_token")
    making.add_argument("name", metavar="NAME", help="what it is for, to tell it from others")
    making.add_argument(
        "--action", action="append", default=[], choices=MAY, help="may do this; repeatable (default: everything)"
    )
    making.add_argument(
        "--project", action="append", default=[], metavar="NAME", help="for this project; repeatable (default: all)"
    )
    making.add_argument("--expires-days", type=days, metavar="DAYS", help="when it ends (default: never)")
    add_common(making)
    revoking = actions.add("revoke", "end an API token at once", TOKEN_REVOKE_EXAMPLES)
    revoking.set_defaults(run="accounts:revoke_token")
    revoking.add_argument("id", metavar="ID", help="its id in 'otumat token list'")
    add_common(revoking)
