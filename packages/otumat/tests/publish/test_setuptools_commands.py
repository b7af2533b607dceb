from __future__ import annotations

import subprocess
import sys
from email import message_from_string
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DRAFT_EXAMPLE = """\
from setuptools import setup

__version__ = "0.5.2"

setup(
    name = "roundup",
    version = __version__,
    discriminators = [
        'Development Status :: 4 - Beta',
        'Environment :: Console (Text Based)',
        'Environment :: Web Environment',
        'Intended Audience :: End Users/Desktop',
        'Intended Audience :: Developers',
        'Intended Audience :: System Administrators',
        'License :: OSI Approved :: Python License',
        'Operating System :: MacOS X',
        'Operating System :: Microsoft :: Windows',
        'Operating System :: POSIX',
        'Programming Language :: Python',
        'Topic :: Communications :: Email',
        'Topic :: Office/Business',
        'Topic :: Software Development :: Bug Tracking',
    ],
    url = 'http://sourceforge.net/projects/roundup/',
    py_modules = [],
)
"""

SHORT = """\
from setuptools import setup
setup(name="roundup", version="1.0", description="Issues", py_modules=[], install_requires=["demo>=2"], {more})
"""


@pytest.fixture
def run_setup(tmp_path: Path, clean_environ: dict[str, str]) -> Any:
    """Run a setup script in a process of its own: `run_setup(text, "register", "--verify", OTUMAT_INDEX=url)`."""

    def run(script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "setup.py").write_text(script)
        line = [sys.executable, "setup.py", *arguments]
        # setuptools warns of much that old setup scripts do; the draft's example is one.
        quiet = clean_environ | {"PYTHONWARNINGS": "ignore"} | environ
        return subprocess.run(line, cwd=tmp_path, env=quiet, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def as_alice(index: Any) -> dict[str, str]:
    return {"OTUMAT_INDEX": index.url, "OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wonderland"}


def classifiers_built(tmp_path: Path) -> list[str]:
    (pkg_info,) = tmp_path.glob("*.egg-info/PKG-INFO")
    return [str(each) for each in message_from_string(pkg_info.read_text()).get_all("Classifier", [])]


def test_D46_the_drafts_own_example_builds_with_its_discriminators(run_setup: Any, tmp_path: Path) -> None:
    done = run_setup(DRAFT_EXAMPLE, "egg_info")
    assert done.returncode == 0, done.stderr
    found = classifiers_built(tmp_path)
    assert len(found) == 14
    assert found[0] == "Development Status :: 4 - Beta"
    assert found[-1] == "Topic :: Software Development :: Bug Tracking"
    assert "Unknown distribution option" not in done.stderr


def test_D46_discriminators_reach_the_wheel(run_setup: Any, tmp_path: Path) -> None:
    import zipfile

    done = run_setup(DRAFT_EXAMPLE, "bdist_wheel")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("dist/*.whl")
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read("roundup-0.5.2.dist-info/METADATA").decode()
    assert metadata.count("\nClassifier: ") == 14


def test_classifiers_and_discriminators_come_in_one_list(run_setup: Any, tmp_path: Path) -> None:
    run_setup(SHORT.format(more="classifiers=['A', 'B'], discriminators=('B', 'C')"), "egg_info")
    assert classifiers_built(tmp_path) == ["A", "B", "C"]


@pytest.mark.parametrize("value", ["'Topic :: Office/Business'", "[1]", "{'a': 'b'}"])
def test_discriminators_that_are_no_list_of_strings_are_refused(run_setup: Any, value: str) -> None:
    done = run_setup(SHORT.format(more=f"discriminators={value}"), "egg_info")
    assert done.returncode == 1
    assert "setup(discriminators=...) takes a list of strings" in done.stderr
    assert "Traceback" not in done.stderr


def test_D38_register_submits_the_metadata_of_the_setup_script(
    run_setup: Any, index: Any, as_alice: dict[str, str]
) -> None:
    script = SHORT.format(more="discriminators=['Topic :: Office/Business']")
    done = run_setup(script, "register", **as_alice)
    assert done.returncode == 0, done.stderr
    post = index.releases["roundup", "1.0"]
    assert post.one(":action") == "submit"
    assert post.all("classifiers") == ["Topic :: Office/Business"]
    assert post.all("requires_dist") == ["demo>=2"]
    assert f"{index.url}/project/roundup/" in done.stdout


def test_register_leaves_nothing_in_the_projects_folder(
    run_setup: Any, as_alice: dict[str, str], tmp_path: Path
) -> None:
    before = {path.name for path in tmp_path.iterdir()} | {"setup.py"}
    run_setup(SHORT.format(more=""), "register", **as_alice)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_D45_verify_names_what_is_wrong_with_the_drafts_example(
    run_setup: Any, index: Any, as_alice: dict[str, str]
) -> None:
    index.classifiers += ("Development Status :: 4 - Beta",)
    done = run_setup(DRAFT_EXAMPLE, "register", "--verify", **as_alice)
    assert done.returncode == 1
    assert "'Environment :: Console (Text Based)' is not in the list" in done.stderr
    assert "'License :: OSI Approved :: Python License' is not in the list" in done.stderr
    assert index.releases == {}


def test_the_index_may_be_given_as_an_option(run_setup: Any, index: Any, as_alice: dict[str, str]) -> None:
    del as_alice["OTUMAT_INDEX"]
    for option in ("--index", "--repository"):
        done = run_setup(SHORT.format(more=""), "register", option, index.url, **as_alice)
        assert done.returncode == 0, done.stderr
    assert len(index.posts) == 2


def test_D47_list_classifiers_prints_the_list_of_the_index(
    run_setup: Any, index: Any, as_alice: dict[str, str]
) -> None:
    done = run_setup(SHORT.format(more=""), "register", "--list-classifiers", **as_alice)
    assert [line for line in done.stdout.splitlines() if " :: " in line] == list(index.classifiers)
    assert index.posts == []


def test_without_an_index_setup_py_says_what_to_set(run_setup: Any) -> None:
    done = run_setup(SHORT.format(more=""), "register")
    assert done.returncode == 1
    assert "OTUMAT_INDEX" in done.stderr
    assert "Traceback" not in done.stderr
