"""Help and options of `otumat keygen`, `otumat sign` and `otumat verify`; those of `otumat keys` are in `keys.py`."""

from __future__ import annotations

from otumat.cli.parser.options import Commands, add_json, add_policy, natural

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
