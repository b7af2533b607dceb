"""The example package of the guides, from its publishing to its last user's erasure, against a started index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.server import Index
from otumat.spec.consent import CI_VARIABLES

EXAMPLE = Path(__file__).parents[1] / "docs/examples/usage"


def test_the_whole_story_of_the_example(index: Index, tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in (*CI_VARIABLES, "DO_NOT_TRACK")}
    line = [sys.executable, EXAMPLE / "story.py", tmp_path / "story", "--index", index.public_url]
    done = subprocess.run(
        [str(word) for word in [*line, "--no-build-isolation"]],
        env=environ | {"OTUMAT_TOKEN": index.token("alice")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    story = done.stdout.split("\n$ ")
    counted = "counted {'import': 2, 'read': 2, 'step': 1000}"
    seen = answers(story, "curl")
    assert [each.splitlines()[1] for each in seen] == [f"installs 1, {counted}", f"installs 0, {counted}"]
    assert "sundial: off, decided by you" in answers(story, "usage status")[-1]
    assert "No package has asked here" in done.stderr


def answers(story: list[str], command: str) -> list[str]:
    """What the commands with these words printed, each with itself."""
    return [each for each in story if command in each.partition("\n")[0]]
