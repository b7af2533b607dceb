"""The example package and the guides of usage: every command they tell, against a started index."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

from harness.server import BIN, Index
from harness.waiting import PATIENCE_S
from otumat.cli.parser import build_parser
from otumat.spec.consent import CI_VARIABLES
from otumat.usage.manifests import parse
from otumat_index.cli import parser as index_parser
from otumat_index.config import Config

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = [DOCS / f"guide/usage-for-{whom}.md" for whom in ("authors", "operators", "users")]
AUTHORS = GUIDES[0].read_text()


@pytest.fixture
def example(index: Index, tmp_path: Path) -> Path:
    """The example, with the address of this index in its manifest."""
    shutil.copytree(DOCS / "examples/usage", tmp_path / "example")
    manifest = tmp_path / "example/src/sundial/otumat-usage.toml"
    manifest.write_text(manifest.read_text().replace("http://localhost:8000", index.public_url))
    return tmp_path / "example"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A user outside CI who has said nothing."""
    told = (*CI_VARIABLES, "DO_NOT_TRACK", "OTUMAT_USAGE", "XDG_STATE_HOME")
    return {name: value for name, value in os.environ.items() if name not in told} | {"HOME": str(tmp_path)}


def run(*words: str | Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    line = [str(word) for word in words]
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_whole_story_of_the_example(index: Index, example: Path, environ: dict[str, str], tmp_path: Path) -> None:
    env = environ | {"OTUMAT_TOKEN": index.token("alice")}
    words = (example / "story.py", tmp_path / "story", "--index", index.public_url, "--no-build-isolation")
    done = run(sys.executable, *words, env=env)
    story = done.stdout.split("\n$ ")
    counted = "counted {'import': 2, 'read': 2, 'step': 1000}"
    seen = answers(story, "curl")
    assert [each.splitlines()[1] for each in seen] == [f"installs 1, {counted}", f"installs 0, {counted}"]
    assert "sundial: off, decided by you" in answers(story, "usage status")[-1]
    assert "No package has asked here" in done.stderr


def answers(story: list[str], command: str) -> list[str]:
    """What the commands with these words printed, each with itself."""
    return [each for each in story if command in each.partition("\n")[0]]


def test_an_author_tries_it_as_the_guide_says(
    index: Index, example: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    site, dist = tmp_path / "site", tmp_path / "dist"
    pip = (sys.executable, "-m", "pip")
    run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", dist, example, env=environ)
    (wheel,) = dist.glob("*.whl")
    token = {"OTUMAT_TOKEN": index.token("alice")}
    run(BIN / "otumat", "publish", wheel, "--index", index.public_url, env=environ | token)
    run(*pip, "install", "-q", "--no-deps", "--no-index", "--target", site, wheel, env=environ)
    env = environ | {"PATH": f"{site / 'bin'}:{BIN}:{environ['PATH']}", "PYTHONPATH": str(site)}
    first, *others = [line.partition("#")[0] for line in block_below(AUTHORS, "## Try it").splitlines()]
    child = pexpect.spawn(first, env=env, encoding="utf-8", timeout=PATIENCE_S, dimensions=(24, 200), use_poll=True)
    child.expect("y/N")
    assert told_in_the_guide() in child.before.replace("\r\n", "\n").replace(index.public_url, "HOST")
    child.sendline("y")
    child.expect(pexpect.EOF)
    assert "Thank you. The first counts leave in an hour." in child.before
    shown, sent, left, erased = (run(*shlex.split(line), env=env) for line in others)
    assert '"read",{"dial":"hour"},1' in shown.stdout
    assert sent.stdout == "Sent 2 uses in 1 request.\n"
    assert '"read",{"dial":"hour"},1' in left.stdout
    assert "which signed this receipt" in erased.stderr
    assert json.loads(erased.stdout)["receipt"]["project"] == "sundial"


def block_below(text: str, heading: str) -> str:
    """The first block of commands below a heading."""
    return text.partition(heading)[2].partition("```\n")[2].partition("```")[0].strip()


def told_in_the_guide() -> str:
    """The question as the guide prints it."""
    asked = block_below(AUTHORS, "## What your users see").partition("\n")[2].partition("\n  [y/N]")[0]
    return asked.replace("https://index.example.org", "HOST")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda each: str(each.stem))
def test_every_command_of_a_guide_is_one(guide: Path) -> None:
    text = guide.read_text()
    said = re.findall(r"`(otumat(?:-index)? [^`]+)`", text) + re.findall(r"^(otumat [^#\n]+)", text, re.MULTILINE)
    assert len(said) > 2
    for line in said:
        program, *words = shlex.split(line.partition(" > ")[0].replace("dist/*", "dist/a.whl"))
        (build_parser(words[0]) if program == "otumat" else index_parser()).parse_args(words)


def test_the_manifest_of_the_guide_is_one_and_says_what_the_example_says() -> None:
    (told,) = re.findall(r"```toml\n(.*?)```", AUTHORS, re.DOTALL)
    guide, example = parse(told.encode()), parse((DOCS / "examples/usage/src/sundial/otumat-usage.toml").read_bytes())
    assert [event.name for event in guide.events] == [event.name for event in example.events]
    assert guide.purpose == example.purpose


def test_every_setting_of_the_operators_guide_is_one() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)[`=]", GUIDES[1].read_text())) - {"OTUMAT_USAGE"}  # the client's
    assert {"USAGE_RAW_DAYS", "EVENTS_URL"} <= named
    assert named <= {name.upper() for name in Config.__dataclass_fields__}
