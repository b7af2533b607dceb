"""A whole environment: T14, T44, T47, T63, and what belongs to nobody."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otumat.trust import verify_environment

if TYPE_CHECKING:
    from otumat.trust import Policy

AT = "2026-01-31T12:00:00Z"


@pytest.fixture
def site(installed: Path, tmp_path: Path) -> Path:
    shutil.copytree(installed, tmp_path / "env", symlinks=True)
    return next((tmp_path / "env").glob("lib/python3.*/site-packages"))


def states(policy: Policy, *path: Path) -> dict[str, str]:
    return {each.name: each.state for each in verify_environment(policy, at=AT, path=[str(each) for each in path])}


def test_an_environment_of_trusted_things_is_trusted(site: Path, policy: Policy) -> None:
    assert states(policy, site) == {"plugin1": "trusted"}


STRAYS = {
    "T14 a .pth that runs code": ("evil.pth", b"import os; os.system('true')\n", "modified"),
    "T14 a .pth that adds a folder": ("more.pth", b"/tmp/more\n", "unsigned"),
    "T47 sitecustomize": ("sitecustomize.py", b"", "modified"),
    "T47 usercustomize as a package": ("usercustomize/__init__.py", b"", "modified"),
    "T47 a .start file": ("evil.start", b"evil:main\n", "modified"),
    "a module of nobody": ("stray.py", b"", "unsigned"),
    "a package of nobody": ("stray/__init__.py", b"", "unsigned"),
    "an extension of nobody": ("stray.so", b"", "unsigned"),
}


@pytest.mark.parametrize("how", STRAYS)
def test_T14_T47_what_belongs_to_nobody_is_told(how: str, site: Path, policy: Policy) -> None:
    name, data, state = STRAYS[how]
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_bytes(data)
    assert states(policy, site) == {"plugin1": "trusted", name.partition("/")[0]: state}


def test_T14_a_record_that_lists_it_does_not_clear_it(site: Path, policy: Policy) -> None:
    (site / "evil.pth").write_text("import os\n")
    with (site / "plugin1-1.0.dist-info" / "RECORD").open("a") as file:
        file.write("evil.pth,,\n")
    assert states(policy, site)["evil.pth"] == "unsigned"


def test_T44_T63_of_two_of_one_name_the_second_is_hidden(
    site: Path, policy: Policy, wheel: Any, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier"
    zipfile.ZipFile(wheel(tmp_path / "dist", {"plugin1/__init__.py": b"evil = 1\n"})).extractall(earlier)
    found = [(each.state, each.location) for each in verify_environment(policy, at=AT, path=[str(earlier), str(site)])]
    assert found == [
        ("unsigned", str(earlier / "plugin1-1.0.dist-info")),
        ("shadowed", str(site / "plugin1-1.0.dist-info")),
    ]


def test_progress_is_told_for_each(site: Path, policy: Policy) -> None:
    told: list[tuple[int, int, str]] = []
    list(verify_environment(policy, at=AT, path=[str(site)], progress=lambda *each: told.append(each)))
    assert told == [(0, 1, "plugin1")]


def test_folders_that_are_none_are_passed_over(site: Path, policy: Policy, tmp_path: Path) -> None:
    (tmp_path / "file.zip").write_bytes(b"x")
    assert states(policy, tmp_path / "missing", tmp_path / "file.zip", site) == {"plugin1": "trusted"}


@pytest.mark.parametrize(
    "metadata", [b"", b"\xff\xfe", b"Name: a\nName: b\nVersion: 1\n", b"Name: other\nVersion: 1.0\n"]
)
def test_metadata_with_two_readings_is_an_error(metadata: bytes, site: Path, policy: Policy) -> None:
    (site / "plugin1-1.0.dist-info" / "METADATA").write_bytes(metadata)
    (state,) = states(policy, site).values()
    assert state in ("error", "untrusted-key")
