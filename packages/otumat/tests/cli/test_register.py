from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]

PKG_INFO = """\
Metadata-Version: 2.1
Name: roundup
Version: 0.5
Summary: Issue tracking
Author: Räinhard
Classifier: Environment :: Console
Classifier: Topic :: Office/Business
Keywords: issues,bugs
Project-URL: Home, https://roundup.example.org

Roundup tracks issues.

It has two paragraphs.
"""


@pytest.fixture
def pkg_info(tmp_path: Path) -> Path:
    path = tmp_path / "PKG-INFO"
    path.write_text(PKG_INFO, encoding="utf-8")
    return path


@pytest.fixture
def as_alice(index: Any) -> dict[str, str]:
    return {"OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wonderland", "OTUMAT_INDEX": index.url}


def test_D4_one_command_from_a_checkout_registers_its_metadata(
    otumat: Otumat, index: Any, as_alice: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "roundup"\nversion = "0.5"\nclassifiers = ["Topic :: Office/Business"]\n'
        "[tool.hatch.build.targets.wheel]\nbypass-selection = true\n"
    )
    done = otumat("register", "--no-isolation", **as_alice)
    assert done.returncode == 0, done.stderr
    assert index.releases["roundup", "0.5"].all("classifiers") == ["Topic :: Office/Business"]


def test_D38_the_form_is_the_drafts(otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path) -> None:
    otumat("register", pkg_info, **as_alice)
    (post,) = index.posts
    assert post.path == "/submit"
    assert post.fields[0] == (":action", "submit")
    assert post.headers["accept"] == "application/json"
    assert post.headers["authorization"].startswith("Basic ")
    assert post.one("author") == "Räinhard"
    assert post.all("classifiers") == ["Environment :: Console", "Topic :: Office/Business"]
    assert post.one("description") == "Roundup tracks issues.\n\nIt has two paragraphs.\n"
    assert post.files == {}


def test_what_is_sent_is_shown_and_then_the_page(
    otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path
) -> None:
    done = otumat("register", pkg_info, **as_alice)
    assert "  classifiers       Environment :: Console\n                    Topic :: Office/Business\n" in done.stdout
    assert "  description       3 lines, 47 bytes\n" in done.stdout
    assert done.stdout.endswith(f"Created: roundup 0.5 at {index.url}.\n{index.url}/project/roundup/\n")


def test_D7_a_second_submission_is_an_update(
    otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path
) -> None:
    otumat("register", pkg_info, **as_alice)
    assert "Updated: roundup 0.5" in otumat("register", pkg_info, **as_alice).stdout


def test_D43_verify_commits_nothing(otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path) -> None:
    done = otumat("register", pkg_info, "--verify", **as_alice)
    assert done.returncode == 0
    assert "Verified: roundup 0.5 holds; nothing was kept." in done.stdout
    assert index.posts[0].one(":action") == "verify"
    assert index.releases == {}


def test_D44_every_problem_is_told_with_hint_rule_and_suggestions(
    otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path
) -> None:
    index.classifiers = ()
    done = otumat("register", pkg_info, "--verify", **as_alice)
    assert done.returncode == 1
    for value in ("Environment :: Console", "Topic :: Office/Business"):
        assert f"error    classifiers: {value!r} is not in the list of classifiers.\n" in done.stderr
    assert "           Or: Environment :: Console\n" in done.stderr
    assert "           Rule: core metadata: Classifier\n" in done.stderr


def test_the_answer_as_json(otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path) -> None:
    done = otumat("register", pkg_info, "--json", **as_alice)
    assert json.loads(done.stdout) == {
        "ok": True,
        "action": "created",
        "name": "roundup",
        "version": "0.5",
        "url": f"{index.url}/project/roundup/",
        "index": index.url,
        "problems": [],
    }


def test_a_refusal_as_json(otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path) -> None:
    index.classifiers = ()
    answer = json.loads(otumat("register", pkg_info, "--json", **as_alice).stdout)
    assert (answer["ok"], answer["error"]["code"]) == (False, "invalid")
    assert [problem["value"] for problem in answer["problems"]] == [
        "Environment :: Console",
        "Topic :: Office/Business",
    ]


def test_metadata_that_cannot_be_read_is_never_sent(
    otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path
) -> None:
    pkg_info.write_text("Metadata-Version: 2.1\nName: roundup\nName: other\nVersion: 1\n")
    done = otumat("register", pkg_info, **as_alice)
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert index.posts == []


def test_without_an_index_nothing_is_built_or_sent(otumat: Otumat, tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("open('built', 'w')")
    done = otumat("register", "--no-isolation")
    assert done.returncode == 2
    assert "No index is set. Name one with --index URL" in done.stderr
    assert not (tmp_path / "built").exists()


def test_a_terminal_is_never_rewritten_by_what_an_index_says(
    otumat: Otumat, index: Any, as_alice: dict[str, str], pkg_info: Path
) -> None:
    pkg_info.write_text(
        "Metadata-Version: 2.1\nName: roundup\nVersion: 1\nSummary: \x1b[2Jgone\nClassifier: \x1b]0;x\n"
    )
    done = otumat("register", pkg_info, **as_alice)
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("package", "path"), [("packaging", "PKG-INFO"), ("build", ".")])
def test_a_missing_extra_is_named(
    otumat: Otumat, as_alice: dict[str, str], pkg_info: Path, tmp_path: Path, package: str, path: str
) -> None:
    (tmp_path / "setup.py").write_text("")
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / f"{package}.py").write_text(f"raise ModuleNotFoundError('none', name={package!r})")
    done = otumat("register", path, PYTHONPATH=str(blocked), **as_alice)
    assert done.returncode == 2
    assert f"'otumat register' needs the package {package}, which is not installed." in done.stderr
    assert "pip install 'otumat[publish]'" in done.stderr
