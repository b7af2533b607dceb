"""`setup(privkey_path=…, pubkey_path=…)`, by real builds; and the verifying lines of the first readme, unmodified."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import otumat

if TYPE_CHECKING:
    from collections.abc import Callable

SETUP_PY = "from setuptools import setup\nsetup(name={name!r}, version='1.0', packages=['plugin1'], {more})\n"
SNIPPET = """
import pkg_resources
from pathlib import Path
from otumat import hash_pkg, verify

base_name = 'base'
plugin_name = 'plugin1'
base_meta = pkg_resources.get_distribution(base_name)
plugin_meta = pkg_resources.get_distribution(plugin_name)

data = hash_pkg(pkgpath=str(Path(plugin_meta.module_path, plugin_name)))
signature = plugin_meta.get_metadata('{}.sig'.format(plugin_name))
pubkey_path = str(Path(base_meta.egg_info, '{}.pub'.format(base_name)))

verify(pubkey_path=pubkey_path, data=data, signature=signature)
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    def make(more: str = "", *, name: str = "plugin1", package: str = "plugin1") -> Path:
        folder = tmp_path / "project"
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").write_bytes(b"x = 1\n")
        text = SETUP_PY.format(name=name, more=more).replace("['plugin1']", repr([package]))
        (folder / "setup.py").write_text(text)
        return folder

    return make


def setup(folder: Path, *words: str, python: str | Path = sys.executable) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONWARNINGS": "ignore", "HOME": str(folder.parent)}
    line = [str(python), "setup.py", *words]
    return subprocess.run(line, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120)


def built(folder: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(folder.glob("dist/*.whl")))


def check(wheel: zipfile.ZipFile, folder: Path, public: Path) -> None:
    wheel.extractall(folder / "out")
    signature = wheel.read("plugin1-1.0.dist-info/plugin1.sig").decode()
    otumat.verify(public, otumat.hash_pkg(folder / "out" / "plugin1"), signature)


def test_a_wheel_built_by_setup_py_carries_signature_and_key(project: Any, keys: Any) -> None:
    pair = keys("rsa2048")
    folder = project(f"privkey_path={str(pair.private)!r}, pubkey_path={str(pair.public)!r}")
    done = setup(folder, "bdist_wheel")
    assert done.returncode == 0, done.stderr
    assert built(folder).read("plugin1-1.0.dist-info/plugin1.pub") == pair.public.read_bytes()
    check(built(folder), folder, pair.public)


@pytest.mark.parametrize("layout", ["flat", "src"])
def test_H8_a_file_that_is_not_packaged_spoils_no_signature(layout: str, project: Any, keys: Any) -> None:
    """The original signs the source folder: with one unpackaged `notes.txt` in it, no installed copy ever verifies."""
    pair = keys("rsa2048")
    more = "package_dir={'': 'src'}, " if layout == "src" else ""
    folder = project(f"{more}privkey_path={str(pair.private)!r}")
    if layout == "src":
        (folder / "src").mkdir()
        (folder / "plugin1").rename(folder / "src" / "plugin1")
    package = next(folder.glob("**/plugin1"))
    (package / "notes.txt").write_bytes(b"not packaged\n")
    (package / "tests").mkdir()
    (package / "tests" / "test_it.py").write_bytes(b"")
    for _ in range(2):  # the second build finds what the first one left
        done = setup(folder, "bdist_wheel")
        assert done.returncode == 0, done.stderr
        names = built(folder).namelist()
        assert "plugin1/notes.txt" not in names
        assert names.count("plugin1-1.0.dist-info/plugin1.sig") == 1
        check(built(folder), folder, pair.public)


def test_setup_cfg_and_the_home_folder_are_taken(project: Any, keys: Any) -> None:
    pair, folder = keys("rsa2048"), project()
    (folder.parent / "keys").mkdir()
    (folder.parent / "keys" / "k.pem").write_bytes(pair.private.read_bytes())
    (folder / "setup.py").write_text("from setuptools import setup\nsetup()\n")
    (folder / "setup.cfg").write_text(
        "[metadata]\nname = plugin1\nversion = 1.0\n[options]\npackages = plugin1\nprivkey_path = ~/keys/k.pem\n"
    )
    done = setup(folder, "bdist_wheel")
    assert done.returncode == 0, done.stderr
    check(built(folder), folder, pair.public)


def mistakes(keys: Any) -> dict[str, tuple[str, dict[str, str], str]]:
    good, small = keys("rsa2048"), keys("rsa1024")
    return {
        "no such key": ("privkey_path='~/no/key.pem'", {}, "there is no such file"),
        "no text": ("privkey_path=3", {}, "takes the path of a PEM file"),
        "a private key as public": (f"pubkey_path={str(good.private)!r}", {}, "PRIVATE key"),
        "a small public key": (f"pubkey_path={str(small.public)!r}", {}, "1024 bits"),
        "a public key as private": (f"privkey_path={str(good.public)!r}", {}, "holds a public key"),
        "an Ed25519 key": (f"privkey_path={str(keys('ed25519').private)!r}", {}, "RSA"),
        "another name": (f"privkey_path={str(good.private)!r}", {"name": "mism"}, "named like the distribution"),
    }


MISTAKES = ["no such key", "no text", "a private key as public", "a small public key", "a public key as private",
            "an Ed25519 key", "another name"]  # fmt: skip


@pytest.mark.parametrize("how", MISTAKES)
def test_H7_a_build_that_cannot_be_signed_fails_and_says_why(how: str, project: Any, keys: Any) -> None:
    """The original builds an unsigned package without a word where the key is missing, and signs the value of nothing
    where no package has the distribution's name."""
    more, changes, told = mistakes(keys)[how]
    folder = project(more, **changes)
    done = setup(folder, "bdist_wheel")
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not [*folder.glob("dist/*.whl")]


def test_whoever_builds_from_the_sdist_needs_no_key(project: Any, keys: Any, tmp_path: Path) -> None:
    pair = keys("rsa2048")
    key = tmp_path / "k.pem"
    key.write_bytes(pair.private.read_bytes())
    folder = project(f"privkey_path={str(key)!r}")
    assert setup(folder, "sdist").returncode == 0
    key.unlink()
    import tarfile

    with tarfile.open(next(folder.glob("dist/*.tar.gz"))) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    unpacked = next((tmp_path / "unpacked").iterdir())
    done = setup(unpacked, "bdist_wheel")
    assert done.returncode == 0, done.stderr
    check(built(unpacked), unpacked, pair.public)


def test_the_lines_of_the_first_readme_run_as_they_are(project: Any, keys: Any, wheel: Any, tmp_path: Path) -> None:
    venv, pair = tmp_path / "venv", keys("rsa2048")
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    python = venv / "bin" / "python"
    line = [python, "-m", "pip", "install", "-q", "setuptools<81", "wheel"]
    done = subprocess.run([*map(str, line)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("setuptools with pkg_resources cannot be had here")
    folder = project(f"privkey_path={str(pair.private)!r}")
    assert setup(folder, "bdist_wheel").returncode == 0
    base = wheel(
        tmp_path / "dist",
        {"base/__init__.py": b"", "base-1.0.dist-info/base.pub": pair.public.read_bytes()},
        name="base",
    )
    plugin = next(folder.glob("dist/*.whl"))
    line = [python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", base, plugin]
    subprocess.run([*map(str, line)], check=True)
    environ = {"PYTHONPATH": str(Path(otumat.__file__).parents[1]), "PATH": os.environ["PATH"]}
    run = [str(python), "-W", "ignore", "-c", SNIPPET]
    assert subprocess.run(run, env=environ, capture_output=True, text=True, check=False).returncode == 0
    site = next(venv.glob("lib/python3*/site-packages"))
    (site / "plugin1" / "evil_pycache.py").write_text("evil = 1\n")
    done = subprocess.run(run, env=environ, capture_output=True, text=True, check=False)
    assert "InvalidSignature" in done.stderr
