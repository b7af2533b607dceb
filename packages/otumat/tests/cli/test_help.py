from __future__ import annotations

import argparse
import re
import shlex
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from otumat.cli.console import printable, size_text
from otumat.cli.parser import build_parser

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]


def below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command that does something, by its whole name: `info`, `token list`."""
    named: dict[str, argparse.ArgumentParser] = {}
    for name, parser in below(build_parser()).items():
        inner = {f"{name} {what}": each for what, each in below(parser).items()}
        named |= inner or {name: parser}
    return named


def test_without_a_command_the_help_is_shown(otumat: Otumat) -> None:
    done = otumat()
    assert done.returncode == 2
    assert "otumat COMMAND --help" in done.stderr


@pytest.mark.parametrize("name", commands())
def test_every_command_exists_and_teaches_by_example(name: str) -> None:
    parser = commands()[name]
    module, _, function = parser.get_default("run").partition(":")
    assert callable(getattr(import_module(f"otumat.cli.{module}"), function))
    assert f"otumat {name}" in parser.format_help().partition("examples:")[2]


def test_the_help_names_every_command_in_one_group(otumat: Otumat) -> None:
    shown = otumat("--help").stdout
    assert [name for name in below(build_parser()) if len(re.findall(rf"^  {name} ", shown, re.MULTILINE)) != 1] == []
    assert "your account:\n  login " in shown


@pytest.mark.parametrize("name", ["token", "role"])
def test_a_kind_of_thing_without_an_action_names_them(otumat: Otumat, name: str) -> None:
    done = otumat(name)
    assert done.returncode == 2
    assert "required: ACTION" in done.stderr
    assert f"otumat {name} list" in otumat(name, "--help").stdout


def examples() -> list[str]:
    parsers = [build_parser(), *below(build_parser()).values(), *commands().values()]
    texts = [parser.format_help() for parser in parsers]
    lines = [line.strip() for text in texts for line in text.partition("examples:")[2].splitlines()]
    return sorted(
        {
            re.split(r"  +| [|>]", line[line.index("otumat ") :])[0]
            for line in lines
            if "otumat " in line and "'" not in line
        }
    )


@pytest.mark.parametrize("line", examples())
def test_every_example_of_the_help_is_understood(line: str) -> None:
    assert build_parser().parse_args(shlex.split(line)[1:]).command


@pytest.mark.parametrize("name", commands())
def test_no_option_takes_a_secret_as_its_value(name: str) -> None:
    taking = [option for action in commands()[name]._actions if action.nargs != 0 for option in action.option_strings]
    assert not [option for option in taking if "password" in option or "token" in option]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b1m", "\\x9b1m"),
        ("Räksmörgås 日本", "Räksmörgås 日本"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_made_visible(given: str, shown: str) -> None:
    assert printable(given) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (5 * 10**9, "5.0 GB")],
)
def test_sizes_are_for_people(size_bytes: int, shown: str) -> None:
    assert size_text(size_bytes) == shown
