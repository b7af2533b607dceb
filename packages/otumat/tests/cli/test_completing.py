"""Tab completion, by the shells themselves where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from otumat.cli.completing import places
from otumat.cli.parser import build_parser

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]

ASK_BASH = """\
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
complete -p otumat | grep -q -- '-F _otumat' || exit 3
_otumat && printf '%s\\n' "${COMPREPLY[@]}"
"""


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    return found


@pytest.fixture
def press_tab(otumat: Otumat, tmp_path: Path) -> Callable[..., set[str]]:
    """What bash offers at the end of a line."""
    script = tmp_path / "otumat.bash"
    script.write_text(otumat("completion", "bash").stdout)

    def act(*words: str) -> set[str]:
        line = [shell("bash"), "--norc", "-c", ASK_BASH, "bash", str(script), "otumat", *words]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return set(done.stdout.split())

    return act


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("sea",), {"search"}),
        (("search", "--so"), {"--sort"}),
        (("search", "--sort", ""), {"best", "name", "updated", "created"}),
        (("search", "mail", "--sort", "u"), {"updated"}),
        (("search", "--place", ""), set()),
        (("token", ""), {"list", "create", "revoke"}),
        (("token", "cr"), {"create"}),
        (("role", "list", "--us"), {"--username"}),
        (("completion", ""), {"bash", "zsh", "fish"}),
        (("info", "roundup", "--js"), {"--json"}),
        (("nonsense", "search", ""), {"search"}),
        (("--ver",), {"--version"}),
        (("search", "$(touch broken)"), set()),
    ],
)
def test_bash_offers_what_may_come_next(
    press_tab: Callable[..., set[str]], tmp_path: Path, words: tuple[str, ...], offered: set[str]
) -> None:
    found = press_tab(*words)
    assert found == offered if words[0] != "nonsense" else "search" not in found
    assert not (tmp_path / "broken").exists()


def test_bash_offers_every_command(press_tab: Callable[..., set[str]]) -> None:
    top = next(places(build_parser()))
    assert press_tab("") == set(top.children)
    assert len(top.children) > 10


def test_bash_offers_files_where_files_are_meant(press_tab: Callable[..., set[str]], tmp_path: Path) -> None:
    (tmp_path / "roundup-1.0.tar.gz").touch()
    assert "roundup-1.0.tar.gz" in press_tab("publish", "round")
    assert "roundup-1.0.tar.gz" not in press_tab("info", "round")


def test_every_option_of_every_command_is_known() -> None:
    for place in places(build_parser()):
        assert {"-h", "--help"} <= {name for option in place.options for name in option.names}
    by_path = {place.path: place for place in places(build_parser())}
    assert "token create" in by_path
    assert by_path["completion"].choices == ("bash", "zsh", "fish")


@pytest.mark.parametrize(("name", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_the_script_is_one_of_that_shell(otumat: Otumat, tmp_path: Path, name: str, check: str) -> None:
    script = tmp_path / f"otumat.{name}"
    script.write_text(otumat("completion", name).stdout)
    done = subprocess.run([shell(name), check, str(script)], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_fish_offers_what_may_come_next(otumat: Otumat, tmp_path: Path) -> None:
    script = tmp_path / "otumat.fish"
    script.write_text(otumat("completion", "fish").stdout)
    line = [shell("fish"), "--no-config", "-c", f"source {script}; complete -C 'otumat search --sort '"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=30, check=False)
    assert {each.split("\t")[0] for each in done.stdout.splitlines()} == {"best", "name", "updated", "created"}


def test_another_shell_is_no_shell_of_ours(otumat: Otumat) -> None:
    done = otumat("completion", "tcsh")
    assert done.returncode == 2
    assert "bash" in done.stderr
