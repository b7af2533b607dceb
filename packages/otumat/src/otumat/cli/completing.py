"""
`otumat completion`: the tree of commands as a script for a shell.

`places` walks the parser; each shell's script is that walk as a table, below a few lines that find out which command
the words so far name. Everything in a table comes from our own parser: no word of a stranger gets into a script.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.cli.parser import build_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otumat.cli.console import Console
    from otumat.settings import Settings

FILES = ("FILE", "FILES", "PATH", "FOLDER")
"""Placeholders of arguments that are files."""


@dataclass(frozen=True)
class Option:
    """An option: its spellings, what it is for, and whether a value comes after it: one of a few words, or anything."""

    names: tuple[str, ...]
    about: str
    takes_value: bool
    choices: tuple[str, ...]
    is_file: bool


@dataclass(frozen=True)
class Place:
    """A command, or the beginning of one: `` (otumat alone), `search`, `token`, `token list`."""

    path: str
    children: dict[str, str]
    options: tuple[Option, ...]
    choices: tuple[str, ...]
    takes_files: bool

    @property
    def words(self) -> str:
        """What may come next and is no option."""
        return " ".join([*self.children, *self.choices])


def completion(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The script of one shell."""
    console.show({"bash": bash, "zsh": zsh, "fish": fish}[options.shell](list(places(build_parser()))))
    return 0


def places(parser: argparse.ArgumentParser, path: str = "") -> Iterator[Place]:
    """Every command below a parser, itself first."""
    shown = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction) or _is_shown(each)]
    below = [each for each in shown if isinstance(each, argparse._SubParsersAction)]
    others = [each for each in shown if not isinstance(each, argparse._SubParsersAction)]
    positional = [each for each in others if not each.option_strings]
    parsers = dict(below[0].choices) if below else {}
    yield Place(
        path,
        {name: _first_sentence(each.description) for name, each in parsers.items()},
        tuple(_option(each) for each in others if each.option_strings),
        tuple(str(word) for each in positional for word in each.choices or ()),
        any(each.metavar in FILES for each in positional),
    )
    for name, each in parsers.items():
        yield from places(each, f"{path} {name}".strip())


def _is_shown(action: argparse.Action) -> bool:
    return action.help != argparse.SUPPRESS


def _option(action: argparse.Action) -> Option:
    return Option(
        tuple(action.option_strings),
        action.help or "",
        action.nargs != 0,
        tuple(str(each) for each in action.choices or ()),
        action.metavar in FILES,
    )


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split()).partition(". ")[0].rstrip(".")


BASH = """\
# Completes otumat in bash. Made by: otumat completion bash
_otumat() {{
    local word at="" options="" words="" files=""
    local last="${{COMP_WORDS[COMP_CWORD-1]}}" current="${{COMP_WORDS[COMP_CWORD]}}"
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$at:$word" in
{steps}
        esac
    done
{table}
    [[ $current == -* ]] && words=$options
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [[ -n $files && $current != -* ]]; then
        compopt -o filenames 2>/dev/null
        COMPREPLY+=($(compgen -f -- "$current"))
    fi
}}
complete -F _otumat otumat"""

ZSH = """\
#compdef otumat
# Completes otumat in zsh. Made by: otumat completion zsh
_otumat() {{
    local word at="" options="" known="" files=""
    local last="${{words[CURRENT-1]}}" current="${{words[CURRENT]}}"
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$at:$word" in
{steps}
        esac
    done
{table}
    [[ $current == -* ]] && known=$options
    compadd -- ${{=known}}
    [[ -n $files && $current != -* ]] && _files
    return 0
}}
if [[ $funcstack[1] == _otumat ]]; then _otumat "$@"; else compdef _otumat otumat; fi"""

FISH = """\
# Completes otumat in fish. Made by: otumat completion fish
function __otumat_at
    set -l at
    for word in (commandline -opc)[2..]
        switch "$at:$word"
{steps}
        end
    end
    test "$at" = "$argv[1]"
end
complete -c otumat -f
{table}"""


def bash(found: list[Place]) -> str:
    return BASH.format(steps=_posix_steps(found), table=_posix_table(found, "words"))


def zsh(found: list[Place]) -> str:
    return ZSH.format(steps=_posix_steps(found), table=_posix_table(found, "known"))


def _posix_steps(found: list[Place]) -> str:
    """From the command so far and one more word to the command then."""
    lines = (
        f"            {shlex.quote(f'{place.path}:{child}')}) at={shlex.quote(f'{place.path} {child}'.strip())} ;;"
        for place in found
        for child in place.children
    )
    return "\n".join(lines)


def _posix_table(found: list[Place], words: str) -> str:
    """What may come next: after an option that takes a value, that; else what the command takes."""
    values, commands = [], []
    for place in found:
        for option in place.options:
            if option.takes_value:
                patterns = "|".join(shlex.quote(f"{place.path}:{name}") for name in option.names)
                files = " files=1" if option.is_file else ""
                values.append(f"        {patterns}) {words}={shlex.quote(' '.join(option.choices))}{files} ;;")
        options = shlex.quote(" ".join(name for option in place.options for name in option.names))
        files = " files=1" if place.takes_files else ""
        commands.append(
            f"            {shlex.quote(place.path)}) options={options} {words}={shlex.quote(place.words)}{files} ;;"
        )
    head, middle, end = '    case "$at:$last" in', '        *) case "$at" in', "        esac ;;\n    esac"
    return "\n".join([head, *values, middle, *commands, end])


def fish(found: list[Place]) -> str:
    steps = [
        (_fish(f"{place.path}:{child}"), _fish(f"{place.path} {child}".strip()))
        for place in found
        for child in place.children
    ]
    cases = (f"            case {before}\n                set at {after}" for before, after in steps)
    return FISH.format(steps="\n".join(cases), table="\n".join(_fish_lines(found)))


def _fish_lines(found: list[Place]) -> Iterator[str]:
    for place in found:
        start = f"complete -c otumat -n {_fish(f'__otumat_at {_fish(place.path)}')}"
        for child, about in place.children.items():
            yield f"{start} -a {_fish(child)} -d {_fish(about)}"
        if place.choices:
            yield f"{start} -a {_fish(' '.join(place.choices))}"
        if place.takes_files:
            yield f"{start} -F"
        for option in place.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            kind = " -r -F" if option.is_file else " -x" if option.takes_value else ""
            choices = f" -a {_fish(' '.join(option.choices))}" if option.choices else ""
            yield f"{start} {names}{kind}{choices} -d {_fish(option.about)}"


def _fish(text: str) -> str:
    """A word in single quotes, in which fish knows two escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
