"""Help of `otumat completion`."""

from __future__ import annotations

from otumat.cli.parser.options import Commands

SHELLS = ("bash", "zsh", "fish")

COMPLETION = """\
Print a script that makes the shell complete otumat's commands, options and their values at the press of Tab.
It is made from this version's own commands; after an upgrade, print it again.

Where it goes, for good:

  bash   ~/.local/share/bash-completion/completions/otumat
  zsh    ~/.zfunc/_otumat, with ~/.zfunc in fpath before compinit
  fish   ~/.config/fish/completions/otumat.fish

or, in bash and zsh, for this shell alone: source <(otumat completion bash)
"""

COMPLETION_EXAMPLES = """\
examples:
  otumat completion bash
  otumat completion zsh
  otumat completion fish
"""


def add_completion(commands: Commands) -> None:
    parser = commands.add("completion", "complete words at the press of Tab", COMPLETION, COMPLETION_EXAMPLES)
    parser.set_defaults(run="completing:completion")
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")
