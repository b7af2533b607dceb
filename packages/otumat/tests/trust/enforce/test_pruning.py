"""What the cache of compiled code forgets, with many processes beside each other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from otumat.trust.enforce.code_cache import private_folder
from otumat.trust.enforce.pruning import KEPT_S, prune

DAY_S = 86_400
NOW = 1_800_000_000.0


def pack(folder: Path, name: str, *, days: float = 0, size: int = 10) -> Path:
    """A pack of a cache that was last used so many days ago."""
    path = folder / "code" / "cpython-311-x-0" / name
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (NOW - days * DAY_S, NOW - days * DAY_S))
    return path


def test_what_was_not_used_for_90_days_goes_and_the_rest_stays(tmp_path: Path) -> None:
    old, used = pack(tmp_path, "old", days=91), pack(tmp_path, "used", days=89)
    prune(tmp_path.as_posix(), now=NOW)
    assert (old.exists(), used.exists()) == (False, True)


def test_of_too_much_the_oldest_goes_and_the_newest_never(tmp_path: Path) -> None:
    packs = [pack(tmp_path, str(days), days=days, size=40) for days in range(5)]
    prune(tmp_path.as_posix(), now=NOW, most_bytes=100)
    assert [each.exists() for each in packs] == [True, True, False, False, False]
    prune(tmp_path.as_posix(), now=NOW, most_bytes=1)
    assert [each.exists() for each in packs] == [True, False, False, False, False]


def test_extensions_that_nothing_has_used_go_with_their_folder(tmp_path: Path) -> None:
    for name, days in (("old", 91), ("used", 1)):
        folder = tmp_path / "native" / name / "plugin1"
        folder.mkdir(parents=True)
        folder.parent.chmod(0o700)
        (folder / "ext.so").write_bytes(b"x")
        os.utime(folder.parent, (NOW - days * DAY_S, NOW - days * DAY_S))
    prune(tmp_path.as_posix(), now=NOW)
    assert os.listdir(tmp_path / "native") == ["used"]


@pytest.mark.skipif(os.name == "nt", reason="there are no modes")
def test_what_is_not_this_users_alone_is_left_alone(tmp_path: Path) -> None:
    old = pack(tmp_path, "old", days=999)
    old.parent.chmod(0o755)
    link = tmp_path / "code" / "linked"
    elsewhere = pack(tmp_path / "elsewhere", "old", days=999)
    link.symlink_to(elsewhere.parent)
    prune(tmp_path.as_posix(), now=NOW)
    assert old.exists()
    assert elsewhere.exists()
    prune((tmp_path / "missing").as_posix(), now=NOW)


@pytest.mark.skipif(os.name == "nt", reason="no descriptors of folders")
def test_a_link_put_in_a_folders_place_leads_nowhere(tmp_path: Path) -> None:
    """Who may write to the folder above swaps ours for a link, right when we have looked whose it is."""
    ours = pack(tmp_path, "old", days=999).parent
    precious = pack(tmp_path / "precious", "letter", days=999)
    code = (
        "import os, sys\nfrom otumat.trust.enforce.pruning import prune\n"
        "folder, ours, precious = sys.argv[1:]\nlisted = 0\n"
        "def swap(event, args):\n    global listed\n    listed += event == 'os.listdir'\n"
        "    if event == 'os.listdir' and listed == 2:\n"
        "        os.rename(ours, ours + '.away')\n        os.symlink(precious, ours)\n"
        f"sys.addaudithook(swap)\nprune(folder, now={NOW})\nassert listed > 1\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, tmp_path, ours, precious.parent], env=env, check=True)
    assert ours.is_symlink()
    assert precious.exists()


@pytest.mark.skipif(os.name == "nt", reason="there are no modes")
def test_what_is_made_for_the_cache_is_closed_to_others_from_the_top_on(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        descriptor = private_folder(str(tmp_path / "otumat" / "code" / "x"))
        assert descriptor is not None
        os.close(descriptor)
    finally:
        os.umask(before)
    assert {oct(each.stat().st_mode & 0o777) for each in tmp_path.rglob("*")} == {"0o700"}


def test_a_host_that_keeps_new_code_forgets_what_is_old_and_uses_count(host: Any) -> None:
    assert host.load()["refused"] == []
    (kept,) = [each for each in (host.root / ".cache/otumat/code").rglob("*") if each.is_file()]
    long_ago = time.time() - KEPT_S - DAY_S
    stale = kept.with_name("0" * 64)
    stale.write_bytes(b"x")
    for each in (kept, stale):
        os.utime(each, (long_ago, long_ago))
    host.load()
    assert kept.stat().st_mtime > long_ago  # used, so it counts as new
    assert stale.exists()  # nothing was compiled, so nothing was looked at
    kept.unlink()
    host.load()
    assert (kept.exists(), stale.exists()) == (True, False)


def test_many_processes_prune_and_load_at_once(host: Any) -> None:
    host.load()
    folder = host.root / ".cache/otumat"
    (kept,) = [each for each in (folder / "code").rglob("*") if each.is_file()]
    code = (
        "import sys, time\nfrom otumat.trust.enforce.pruning import prune\n"
        f"until = time.monotonic() + 6\nwhile time.monotonic() < until: prune({str(folder)!r}, now=4e9)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pruners = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(2)]
    try:
        for _ in range(6):
            assert host.load()["refused"] == []
    finally:
        codes = [each.wait(60) for each in pruners]
    assert codes == [0, 0]
    assert host.load()["refused"] == []
    assert kept.exists()
