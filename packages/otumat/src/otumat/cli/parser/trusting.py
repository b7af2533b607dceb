"""Help and options of `otumat keygen`, `otumat sign`, `otumat verify` and `otumat keys`."""

from __future__ import annotations

import argparse

from otumat.cli.parser.options import Actions, Commands, add_index, add_json

KEYGEN = """\
Make a key pair to sign with: PATH holds the private key, readable by you alone, and PATH.pub the public one, which you
give away. Nothing is ever overwritten.
"""

KEYGEN_EXAMPLES = """\
examples:
  otumat keygen                          an Ed25519 key in your configuration folder; a passphrase is asked for twice
  otumat keygen ~/keys/plugin.pem --rsa  an RSA key, for hosts that check signatures of otumat 0.3, too
"""

SIGN = """\
Sign built wheels, whatever built them. Each gets a list of everything it installs, signed by every key that is named,
and a signature of the otumat 0.3 kind where an RSA key is among them. All else in the wheel stays byte for byte as it
is. Nothing is changed unless all of them can be signed; signing again changes nothing.
"""

SIGN_EXAMPLES = """\
which key, the first that there is:
  --key keys/plugin.pem        a PEM file; its passphrase is asked for, or OTUMAT_SIGNING_PASSPHRASE
  --key agent:COMMENT          a key of ssh-agent
  --key env:NAME               PEM in an environment variable
  OTUMAT_SIGNING_ADDRESS       any of these, or OTUMAT_SIGNING_KEY with the PEM itself
  the key that 'otumat keygen' made

examples:
  python -m build && otumat sign dist/*.whl
  otumat sign dist/*.whl --check         is everything signed?
"""

VERIFY = """\
Is what is installed what its author signed? Nothing of it is imported or run. Every file that was signed is compared,
also metadata, entry points and scripts; compiled files are proved against their source; and what would be imported in
its place is looked for.
"""

VERIFY_EXAMPLES = """\
exit codes: 0 trusted, 10 unsigned, 11 untrusted key, 12 below threshold, 13 modified, 14 revoked, 15 expired,
  16 rolled back, 17 shadowed, 18 unverifiable, 19 unsafe, 20 downgraded, 21 error; of several, the worst

examples:
  otumat verify plugin1                         by the keys of your policy ('otumat keys')
  otumat verify plugin1 --key acme.pub          by this key alone
  otumat verify dist/plugin1-1.0-py3-none-any.whl
  otumat verify --group acme.plugins            what a host would load of these entry points, and why not the rest
  otumat verify --env --json | jq '.verdicts[] | select(.trusted | not) | .name'
"""

KEYS = """\
The keys you trust, by project, and what you ask of each: your policy, a file.
"""

KEYS_EXAMPLES = """\
examples:
  otumat keys add acme.pub --for plugin1 --note "Acme, release key"
  otumat keys add acme.pub --for 'acme-*'
  otumat keys ask plugin1 --threshold 2 --minimum-version 1.1
  otumat keys mode warn --group acme.plugins
  otumat keys pin plugin1                the keys that the index lists for it
  otumat keys list
"""

PIN_EXAMPLES = """\
The index is taken at its word once, and its own key is remembered. Later, keys that ended there end here, too. A key
that is new is taken if the keys you trust signed its coming ('otumat keys rotate'); else it is held back until --new
says that it is right, and the exit code is 1. A list that is old, expired, of another project or index, or has another
past than the one seen before, is refused.

examples:
  otumat keys pin plugin1 --index https://index.example.org
  otumat keys pin plugin1 --new
"""


def add_keygen(commands: Commands) -> None:
    parser = commands.add("keygen", "make a key pair to sign with", KEYGEN, KEYGEN_EXAMPLES)
    parser.set_defaults(run="trusting:keygen")
    parser.add_argument("path", nargs="?", default="", metavar="PATH", help="where the private key goes")
    parser.add_argument("--rsa", action="store_true", help="an RSA key of 3072 bits instead of an Ed25519 key")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--passphrase-stdin", action="store_true", help="read the passphrase from standard input")
    how.add_argument("--no-passphrase", action="store_true", help="none; whoever can read the file can sign")
    parser.add_argument("--no-input", action="store_true", help="never ask; fail when something is missing")
    add_json(parser)


def add_sign(commands: Commands) -> None:
    parser = commands.add("sign", "sign built wheels", SIGN, SIGN_EXAMPLES)
    parser.set_defaults(run="trusting:sign")
    parser.add_argument("files", nargs="+", metavar="FILES", help="wheels, such as dist/*.whl")
    parser.add_argument(
        "--key", action="append", default=[], metavar="ADDRESS", help="a key; may be given several times"
    )
    parser.add_argument(
        "--public", default="", metavar="FILE", help="put this public key into the wheel, as MODULE.pub"
    )
    parser.add_argument("--sequence", type=natural, default=0, metavar="N", help="number of the release, see the guide")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if something is not signed")
    parser.add_argument("--no-input", action="store_true", help="never ask; fail when something is missing")
    add_json(parser)


def add_verify(commands: Commands) -> None:
    parser = commands.add("verify", "is what is installed what was signed?", VERIFY, VERIFY_EXAMPLES)
    parser.set_defaults(run="verifying:verify", is_local=True)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a project that is installed here, or a wheel")
    parser.add_argument("--env", action="store_true", help="everything that is installed, and what belongs to nobody")
    parser.add_argument("--group", default="", metavar="GROUP", help="what would be loaded of these entry points?")
    parser.add_argument("--path", action="append", default=[], metavar="FOLDER", help="look here, instead of sys.path")
    parser.add_argument(
        "--key", action="append", default=[], metavar="FILE", help="trust this public key, and no policy"
    )
    parser.add_argument("--legacy", action="store_true", help="with --key: signatures of the 0.3 kind will do")
    add_policy(parser)
    add_json(parser)


def add_keys(commands: Commands) -> None:
    parser = commands.add("keys", "whom do you trust?", KEYS, KEYS_EXAMPLES)
    actions = Actions(parser)
    _add_add(actions)
    _add_list(actions)
    _add_remove(actions)
    _add_revoke(actions)
    _add_ask(actions)
    _add_mode(actions)
    _add_fetch(actions)
    _add_pin(actions)


def add_policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policy", default="", metavar="FILE", help="the policy (default: OTUMAT_POLICY, or your own)")


def natural(text: str) -> int:
    """A whole number, 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _add_add(actions: Actions) -> None:
    parser = actions.add("add", "trust a key for a project", "examples:\n  otumat keys add acme.pub --for plugin1")
    parser.set_defaults(run="keyring:add")
    parser.add_argument("file", metavar="FILE", help="the public key: PEM, or a .pub file of OpenSSH")
    _add_for(parser)
    parser.add_argument("--role", default="maintainer", choices=["owner", "maintainer", "reviewer"])
    parser.add_argument("--note", default="", help="whose key it is")
    parser.add_argument("--expires", default="", metavar="DAY", help="2027-12-31; from then on it counts no more")
    add_policy(parser)
    add_json(parser)


def _add_list(actions: Actions) -> None:
    parser = actions.add("list", "list the keys you trust", "examples:\n  otumat keys list --json")
    parser.set_defaults(run="keyring:list_keys")
    add_policy(parser)
    add_json(parser)


def _add_remove(actions: Actions) -> None:
    parser = actions.add("remove", "forget a key", "examples:\n  otumat keys remove 3f0c91ab --for plugin1")
    parser.set_defaults(run="keyring:remove")
    parser.add_argument("id", metavar="ID", help="its id, or how that begins")
    _add_for(parser)
    add_policy(parser)
    add_json(parser)


def _add_revoke(actions: Actions) -> None:
    parser = actions.add(
        "revoke", "never accept a key again", "examples:\n  otumat keys revoke 3f0c91ab --reason compromised"
    )
    parser.set_defaults(run="keyring:revoke")
    parser.add_argument("id", metavar="ID", help="its id, or how that begins; for every project that lists it")
    parser.add_argument("--reason", default="superseded", choices=["superseded", "compromised"])
    add_policy(parser)
    add_json(parser)


def _add_ask(actions: Actions) -> None:
    parser = actions.add("ask", "what is asked of a project", "examples:\n  otumat keys ask plugin1 --threshold 2")
    parser.set_defaults(run="keyring:ask")
    parser.add_argument("project", metavar="NAME")
    parser.add_argument("--threshold", type=natural, metavar="N", help="how many of its keys must have signed")
    parser.add_argument("--minimum-version", metavar="VERSION", help="anything older is a roll-back")
    parser.add_argument("--minimum-sequence", type=natural, metavar="N", help="the same by the number of the release")
    parser.add_argument("--modern-from", metavar="VERSION", help="from here on, signatures of the 0.3 kind never do")
    parser.add_argument("--legacy", choices=["yes", "no"], help="whether signatures of the 0.3 kind will do")
    parser.add_argument("--stale", choices=["warn", "refuse"], help="once the index's list of its keys has expired")
    add_policy(parser)
    add_json(parser)


def _add_fetch(actions: Actions) -> None:
    parser = actions.add(
        "fetch", "show the keys an index lists for a project", "examples:\n  otumat keys fetch plugin1 --index acme"
    )
    parser.set_defaults(run="pinning:fetch")
    parser.add_argument("project", metavar="NAME")
    _add_index_key(parser)
    add_index(parser)
    add_policy(parser)
    add_json(parser)


def _add_index_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--index-key", default="", metavar="FILE", help="the index's own public key, where its operator gave you that"
    )


def _add_pin(actions: Actions) -> None:
    parser = actions.add("pin", "take the keys an index lists into your policy", PIN_EXAMPLES)
    parser.set_defaults(run="pinning:pin")
    parser.add_argument("project", metavar="NAME")
    parser.add_argument("--new", action="store_true", help="take new keys that no old one vouches for")
    parser.add_argument("--force", action="store_true", help="the same, and forget what is known of the index")
    _add_index_key(parser)
    add_index(parser)
    add_policy(parser)
    add_json(parser)


def _add_mode(actions: Actions) -> None:
    examples = "examples:\n  otumat keys mode warn\n  otumat keys mode enforce --group acme.plugins --editable own"
    parser = actions.add("mode", "how strictly plugins are loaded", examples)
    parser.set_defaults(run="keyring:mode")
    parser.add_argument("mode", choices=["off", "warn", "enforce"], help="check nothing, tell, or refuse")
    parser.add_argument("--group", default="", metavar="GROUP", help="for these entry points alone")
    parser.add_argument(
        "--editable", choices=["refuse", "own"], help="editable installs: none, or of your own checkouts"
    )
    add_policy(parser)
    add_json(parser)


def _add_for(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--for", dest="project", required=True, metavar="NAME", help="the project, or a pattern such as 'acme-*'"
    )
