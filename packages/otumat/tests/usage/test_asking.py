"""The one question, at a real terminal."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import ProxyHandler, build_opener  # noqa: TID251 - somebody's browser

import pexpect  # type: ignore[import-untyped]
import pytest

import otumat
from harness.waiting import PATIENCE_S
from otumat.usage import answers, tokens

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from otumat.testing.usage import UsageHost

    Start = Callable[..., Any]

SRC = str(Path(otumat.__file__).parents[1])
IMPORT = "import hostpkg; print('imported')"
ELSEWHERE = f"""
import signal, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
{IMPORT}
"""
AGENT = """
from otumat.usage import UsageAgent
agent = UsageAgent(package_name=__name__, host={url!r}, enrolment={enrolment!r}, response_timeout={timeout})
agent.log(event_type="import")
"""


@pytest.fixture
def hosted(package: Path, host: UsageHost) -> Callable[..., None]:
    """Make the package build an agent when it is imported."""

    def build(*, enrolment: str = "prompt", timeout: float = PATIENCE_S) -> None:
        text = AGENT.format(url=host.url, enrolment=enrolment, timeout=timeout)
        (package / "__init__.py").write_text(text)

    build()
    return build


@pytest.fixture
def terminal(package: Path, tmp_path: Path) -> Start:
    def start(code: str = IMPORT, **environ: str) -> Any:
        paths = os.pathsep.join([SRC, str(package.parent)])
        env = {**os.environ, "PYTHONPATH": paths, "BROWSER": "true", **environ}
        return pexpect.spawn(
            sys.executable,
            ["-W", "error", "-c", code],
            env=env,
            cwd=str(tmp_path),
            encoding="utf-8",
            timeout=PATIENCE_S,
            use_poll=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


def ended(child: Any) -> str:
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


def test_a_yes_is_stored_with_its_time_source_and_manifest(hosted: Any, terminal: Start, folder: str) -> None:
    child = terminal()
    child.expect("hostpkg asks: may it tell http.*How often data are read.*y/N")
    child.sendline("y")
    told = ended(child)
    assert "To undo: otumat usage off hostpkg" in told
    assert "imported" in told
    answer = answers.read(folder)
    assert (answer.level, answer.source) == ("on", "the question at the terminal")
    assert answer.manifest.startswith("sha256:")
    assert answer.since.endswith("Z")
    assert "asks" not in ended(terminal())


@pytest.mark.parametrize("typed", ["n", "", "no", "yess"])
def test_anything_but_yes_is_no_and_is_never_asked_again(hosted: Any, terminal: Start, folder: str, typed: str) -> None:
    child = terminal()
    child.expect("y/N")
    child.sendline(typed)
    assert "Nothing will be counted" in ended(child)
    assert answers.read(folder).level == "off"
    assert ended(terminal()).strip() == "imported"


def test_U8_silence_is_no_answer_and_is_asked_again_another_day(
    hosted: Callable[..., None], terminal: Start, folder: str
) -> None:
    hosted(timeout=0.2)
    assert "No answer" in ended(terminal())
    assert answers.read(folder).level == "unset"
    assert ended(terminal()).strip() == "imported"
    past = os.stat(os.path.join(folder, "asked")).st_mtime - 25 * 60 * 60
    os.utime(os.path.join(folder, "asked"), (past, past))
    assert "asks" in ended(terminal())


@pytest.mark.parametrize("code", [IMPORT, ELSEWHERE], ids=["plain", "another thread gets it"])
def test_ctrl_c_at_the_question_is_no_answer_and_no_traceback(
    hosted: Any, terminal: Start, folder: str, code: str
) -> None:
    child = terminal(code)
    child.expect("y/N")
    child.sendintr()
    told = ended(child)
    assert "imported" in told
    assert "Traceback" not in told
    assert answers.read(folder).level == "unset"


def test_notice_is_one_line_with_the_command_once_a_day(
    hosted: Callable[..., None], terminal: Start, folder: str
) -> None:
    hosted(enrolment="notice")
    lines = ended(terminal()).strip().splitlines()
    assert len(lines) == 2
    assert "otumat usage on hostpkg" in lines[0]
    assert ended(terminal()).strip() == "imported"
    assert answers.read(folder).level == "unset"


def test_manual_says_nothing(hosted: Callable[..., None], terminal: Start, folder: str) -> None:
    hosted(enrolment="manual")
    assert ended(terminal()).strip() == "imported"
    assert not os.path.exists(folder)


@pytest.mark.parametrize(
    ("code", "environ"),
    [
        (IMPORT, {"CI": "true"}),
        (IMPORT, {"DO_NOT_TRACK": "1"}),
        (IMPORT, {"OTUMAT_USAGE": "off"}),
        ("import sys, types; sys.modules['ipykernel'] = types.ModuleType('ipykernel'); " + IMPORT, {}),
        ("import threading; t = threading.Thread(target=__import__, args=('hostpkg',)); t.start(); t.join()", {}),
        ("import sys; sys.stdin = None; " + IMPORT, {}),
        ("import sys; sys.stdin.close(); " + IMPORT, {}),
        ("import otumat; otumat.DISABLE_USAGE_TRACKING_PACKAGES = ['hostpkg']; " + IMPORT, {}),
        ("import otumat; otumat.DISABLE_USAGE_TRACKING_PACKAGES.append('hostpkg'); " + IMPORT, {}),
    ],
    ids=["CI", "DO_NOT_TRACK", "off", "notebook", "thread", "K8 no stdin", "K8 closed", "K29 list", "K29 in place"],
)
def test_nobody_is_asked_where_they_could_not_answer(
    hosted: Any, terminal: Start, folder: str, code: str, environ: dict[str, str]
) -> None:
    assert "asks" not in ended(terminal(code, **environ))
    assert answers.read(folder).level == "unset"


def test_K31_a_spawned_child_does_not_ask_again(hosted: Any, terminal: Start, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, hostpkg\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=print, args=('child',))\n"
        "    process.start(); process.join()\n"
    )
    child = terminal(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')")
    child.expect("y/N")
    child.sendline("n")
    assert "asks" not in ended(child)


def test_K7_without_a_terminal_nothing_is_said_or_stored(
    hosted: Any, package: Path, folder: str, run_program: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = run_program(IMPORT, PYTHONPATH=os.pathsep.join([SRC, str(package.parent)]))
    assert (done.stdout, done.stderr) == ("imported\n", "")
    assert not os.path.exists(folder)


def test_a_larger_manifest_is_asked_for_its_news_only(hosted: Any, package: Path, terminal: Start, folder: str) -> None:
    child = terminal()
    child.expect("y/N")
    child.sendline("y")
    ended(child)
    manifest = package / "otumat-usage.toml"
    manifest.write_text(manifest.read_text() + '\n[[event]]\nname = "delete"\npurpose = "What goes."\n')
    os.unlink(os.path.join(folder, "asked"))
    child = terminal()
    child.expect("more than you said yes to(.*)y/N")
    asked = child.match[1]
    assert "delete" in asked
    assert "fetch" not in asked
    child.sendline("n")
    ended(child)
    assert set(answers.read(folder).events) == {"import", "fetch"}
    os.unlink(os.path.join(folder, "asked"))
    assert "asks" not in ended(terminal())
    assert "more than" not in ended(terminal())


def test_a_package_that_wants_a_person_opens_the_browser_and_always_prints_the_link(
    hosted: Any, package: Path, terminal: Start, folder: str, host: UsageHost, tmp_path: Path
) -> None:
    manifest = package / "otumat-usage.toml"
    manifest.write_text('account = "required"\n' + manifest.read_text())
    child = terminal(DISPLAY=":0")
    child.expect("a yes is linked to yours.*y/N")
    child.sendline("y")
    child.expect(r"in your browser: (\S+)")
    query = dict(parse_qsl(urlsplit(child.match[1]).query))
    assert query["redirect_uri"].startswith("http://127.0.0.1:")
    with build_opener(ProxyHandler({})).open(host.consented(query), timeout=PATIENCE_S) as page:
        assert b"Thank you" in page.read()
    assert "imported" in ended(child)
    known = tokens.read(tokens.path_of(folder))
    assert known is not None
    assert known.account
    assert json.loads(Path(tokens.path_of(folder)).read_text())["host"] == host.url


def test_K27_a_new_host_is_asked_for_and_a_no_keeps_the_old_one(
    hosted: Any, package: Path, terminal: Start, folder: str, host: UsageHost
) -> None:
    child = terminal()
    child.expect("y/N")
    child.sendline("y")
    ended(child)
    manifest = package / "otumat-usage.toml"
    manifest.write_text('host = "https://new.example.org"\n' + manifest.read_text())
    os.unlink(os.path.join(folder, "asked"))
    child = terminal()
    child.expect("from now on to https://new.example.org.*y/N")
    child.sendline("n")
    ended(child)
    assert answers.read(folder).host == host.url
    os.unlink(os.path.join(folder, "asked"))
    assert "from now on" not in ended(terminal())
