"""A small host of uses on loopback, a clean home, and host programs that run for real."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import otumat
from harness.waiting import stay_in_one_day
from otumat.spec.consent import CI_VARIABLES, LOCAL, ON
from otumat.testing.usage import UsageHost
from otumat.usage import changing, counters, manifests, places, tokens
from otumat.usage.hosts import discover, usage_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SRC = str(Path(otumat.__file__).parents[1])
PACKAGE = "hostpkg"
REAL_HOME = os.environ.get("HOME", "")  # where pyenv keeps its own

MANIFEST = """\
project = "hostpkg"
purpose = "To learn which parts are used."

[[event]]
name = "import"
purpose = "How often it is imported."

[[event]]
name = "fetch"
purpose = "How often data are read."
properties = {backend = ["mysql", "postgresql", "other"]}
"""


@pytest.fixture(autouse=True)
def one_day() -> None:
    """What is counted, held and sent is of today, whichever of them asks first."""
    stay_in_one_day(60)


@pytest.fixture(scope="session")
def pythons() -> list[str]:
    """Every kind of CPython of 3.11 or later that is here, on PATH or kept by pyenv: one each, this one first."""
    named = [shutil.which(f"python3.{minor}{kind}") or "" for minor in range(11, 16) for kind in ("", "t")]
    kept = sorted(str(path) for path in Path(REAL_HOME or os.devnull).glob(".pyenv/versions/3.1[1-5]*/bin/python"))
    real = [path for path in named if path and Path(path).parent.name != "shims"]  # pyenv's scripts find those kept
    found: dict[str, str] = {}
    for each in (sys.executable, *real, *kept):
        found.setdefault(_kind(each), each)
    found.pop("", None)
    return list(found.values())


@pytest.fixture(scope="session")
def free_threaded(pythons: list[str]) -> str:
    """A CPython without the global lock, if there is one."""
    found = [python for python in pythons if _kind(python).endswith("t")]
    return found[-1] if found else pytest.skip("no python3.13t or later: a build without the global lock")


@functools.cache
def _kind(python: str) -> str:
    """As in the name of its command: `3.13`, or `3.13t` for a free-threaded build; empty for what does not start."""
    code = "import sys, sysconfig\nt = 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''\n"
    code += "print('%d.%d%s' % (*sys.version_info[:2], t))"
    done = subprocess.run([python, "-S", "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@pytest.fixture
def host() -> Iterator[UsageHost]:
    with UsageHost() as started:
        yield started


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, outside CI, with nothing said."""
    for name in (*CI_VARIABLES, "OTUMAT_USAGE", "DO_NOT_TRACK", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    return place


@pytest.fixture
def folder(home: Path) -> str:
    return places.folder(PACKAGE)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A host package with a manifest, to be imported by programs of a test: its folder."""
    inside = tmp_path / "site" / PACKAGE
    inside.mkdir(parents=True)
    (inside / "__init__.py").write_text("__version__ = '1.2'\n")
    (inside / "otumat-usage.toml").write_text(MANIFEST)
    monkeypatch.syspath_prepend(str(inside.parent))
    yield inside
    sys.modules.pop(PACKAGE, None)


@pytest.fixture
def say(folder: str) -> Callable[..., None]:
    """The user's answer, without any manifest: bare names."""

    def store(level: str, *, url: str = "", account: str = "optional", package: str = PACKAGE) -> None:
        found = manifests.Found(None, "none")
        place = places.folder(package)
        changing.turn(place, level, package=package, found=found, source="test", host=url, account=account)

    return store


@pytest.fixture
def local(folder: str, say: Callable[..., None]) -> str:
    say(LOCAL)
    return folder


@pytest.fixture
def enrolled(folder: str, host: UsageHost, say: Callable[..., None]) -> str:
    """A folder whose user said yes, with a credential of the small host."""
    say(ON, url=host.url)
    there = discover(host.url, over=usage_transport())
    told = host.new_tokens("install-1")
    host.installs["install-1"] = PACKAGE
    tokens.write(
        tokens.path_of(folder),
        tokens.Credential(
            install="install-1",
            host=host.url,
            access_token=told["access_token"],
            refresh_token=told["refresh_token"],
            got_s=time.time(),
            expires_in=3600,
            endpoints=there.endpoints,
        ),
    )
    host.asked.clear()
    return folder


@pytest.fixture
def forgotten() -> None:
    """The maps of the last test's home are not this one's."""
    counters._forget()


@pytest.fixture
def run_program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a host program, as a process with this home; any warning is an error."""

    def run(
        code: str, *arguments: str, timeout_s: float = 60, python: str = sys.executable, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": SRC, "PYTHONDONTWRITEBYTECODE": "1", **environ}
        line = [python, "-W", "error", "-c", code, *arguments]
        return subprocess.run(line, env=env, capture_output=True, text=True, timeout=timeout_s, check=False)

    return run
