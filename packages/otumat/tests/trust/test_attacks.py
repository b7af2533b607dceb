"""
Attacks on a plugin that was signed and installed, by number: each on a fresh copy, and ending in a named verdict.

The copy is an installed environment: a virtual environment's layout with the plugin's wheel installed by pip. Where the
list says that an attack is accepted on purpose, the test says so.
"""

from __future__ import annotations

import base64
import importlib.machinery
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.installed_copy import EVIL, TAG, Copy
from otumat.spec.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_untouched_copy_is_trusted(copy: Copy, keys: Any) -> None:
    verdict = copy.verdict()
    assert verdict.state == "trusted", verdict.to_dict()
    assert [each.key_id for each in verdict.keys] == [PublicKey.from_pem(keys("rsa2048").public.read_bytes()).id]
    assert (verdict.scheme, verdict.exit_code, bool(verdict)) == ("dsse", 0, True)


def swap(copy: Copy) -> None:
    path = copy.package / "core.py"
    seen = path.stat()
    path.write_bytes(path.read_bytes().replace(b"2", b"3"))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def exchange(copy: Copy) -> None:
    one, other = copy.package / "core.py", copy.package / "data.json"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def record(copy: Copy, path: Path) -> None:
    """Rewrite RECORD so that it agrees with what the attacker left."""
    import hashlib

    name = path.relative_to(copy.site).as_posix()
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")
    lines = [line for line in (copy.info / "RECORD").read_text().splitlines() if not line.startswith(f"{name},")]
    (copy.info / "RECORD").write_text("\n".join([*lines, f"{name},sha256={digest},{path.stat().st_size}", ""]))


def redirect(copy: Copy, *, with_record: bool) -> None:
    path = copy.info / "entry_points.txt"
    path.write_text("[base.plugins]\np = os:system\n")
    if with_record:
        record(copy, path)


def with_record(copy: Copy) -> None:
    path = copy.package / "core.py"
    path.write_bytes(EVIL)
    record(copy, path)


def linked_file(copy: Copy) -> None:
    outside = copy.root / "outside.py"
    (copy.package / "core.py").rename(outside)
    (copy.package / "core.py").symlink_to(outside)


def linked_folder(copy: Copy) -> None:
    outside = copy.root / "outside"
    (copy.package / "sub").rename(outside)
    (copy.package / "sub").symlink_to(outside)


def linked_package(copy: Copy) -> None:
    copy.package.rename(copy.root / "outside")
    copy.package.symlink_to(copy.root / "outside")


def nested_repository(copy: Copy) -> None:
    for name in ("HEAD", "config"):
        (copy.package / "sub" / ".git").mkdir(exist_ok=True)
        (copy.package / "sub" / ".git" / name).write_text("x")


def write(name: str, data: bytes = EVIL) -> Callable[[Copy], None]:
    def attack(copy: Copy) -> None:
        path = copy.package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return attack


def crlf(name: str) -> Callable[[Copy], None]:
    def attack(copy: Copy) -> None:
        path = copy.package / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        (copy.package / ".gitattributes").unlink(missing_ok=True)

    return attack


def forged_lines(copy: Copy) -> None:
    folder = copy.package / "core.py 0\tplugin1\n100644 x"
    folder.mkdir()
    (folder / "a").write_bytes(b"")


def long_names(copy: Copy) -> None:
    (copy.package / ("n" * 255)).write_bytes(b"")
    os.close(os.open(os.fsencode(copy.package) + b"/\xff\xfe.py", os.O_CREAT | os.O_WRONLY))


def sparse(copy: Copy) -> None:
    with (copy.package / "core.py").open("r+b") as file:
        file.truncate(1 << 40)
    with (copy.package / "big.bin").open("wb") as file:
        file.truncate(1 << 42)


def deep(copy: Copy) -> None:
    folder = copy.package
    for _ in range(300):
        folder = folder / "d"
        folder.mkdir()


def link_to_proc(copy: Copy) -> None:
    (copy.package / "core.py").unlink()
    (copy.package / "core.py").symlink_to("/proc/self/environ")


def sock(copy: Copy) -> None:
    here = os.getcwd()
    os.chdir(copy.package)  # the address of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("s")
    finally:
        os.chdir(here)


def linked_cache(copy: Copy) -> None:
    shutil.rmtree(copy.package / "__pycache__", ignore_errors=True)
    (copy.package / "__pycache__").symlink_to("/tmp")


def nfd(copy: Copy) -> None:
    (copy.site / "more1" / "é.txt").rename(copy.site / "more1" / "e\u0301.txt")


MODIFICATIONS: dict[str, tuple[Callable[[Copy], Any], str]] = {
    "T01 content, same size and time": (swap, "plugin1/core.py"),
    "T02 a module more": (write("evil.py"), "plugin1/evil.py"),
    "T03 a module less": (lambda copy: (copy.package / "core.py").unlink(), "plugin1/core.py"),
    "T04 a module renamed": (
        lambda copy: (copy.package / "core.py").rename(copy.package / "corf.py"),
        "plugin1/core.py plugin1/corf.py",
    ),
    "T05 two contents exchanged": (exchange, "plugin1/core.py plugin1/data.json"),
    "T06 a name with pycache": (write("my_pycache.py"), "plugin1/my_pycache.py"),
    "T07 a package that hides a module": (write("core/__init__.py"), "plugin1/core plugin1/core/__init__.py"),
    "T08 an extension that hides a module": (
        write("core" + importlib.machinery.EXTENSION_SUFFIXES[0]),
        "plugin1/core" + importlib.machinery.EXTENSION_SUFFIXES[0],
    ),
    "T09 the same, with an ignore file": (
        lambda copy: [write("core.so")(copy), (copy.package / ".gitignore").write_text("*.so\n")],
        "plugin1/.gitignore plugin1/core.so",
    ),
    "T13 bytecode without source": (write("evil.pyc"), "plugin1/evil.pyc"),
    "T15 entry points redirected": (
        lambda copy: redirect(copy, with_record=False),
        "plugin1-1.0.dist-info/entry_points.txt",
    ),
    "T16 the same, RECORD rewritten": (
        lambda copy: redirect(copy, with_record=True),
        "plugin1-1.0.dist-info/entry_points.txt",
    ),
    "T17 a module swapped, RECORD rewritten": (with_record, "plugin1/core.py"),
    "T18 a link to the same bytes": (linked_file, "plugin1/core.py"),
    "T19 a linked subpackage, same bytes": (
        linked_folder,
        "plugin1/sub plugin1/sub/__init__.py plugin1/sub/empty.py",
    ),
    "T20 a loop of links": (lambda copy: (copy.package / "loop").symlink_to("."), "plugin1/loop"),
    "T21 a pipe": (lambda copy: os.mkfifo(copy.package / "pipe"), "plugin1/pipe"),
    "T22 a dangling link": (lambda copy: (copy.package / "gone").symlink_to("nowhere"), "plugin1/gone"),
    "T23 a binary file": (write("x.bin", bytes(range(256))), "plugin1/x.bin"),
    "T24 CRLF in a module": (crlf("core.py"), "plugin1/core.py"),
    "T25 CRLF in data": (crlf("data.json"), "plugin1/data.json"),
    "T26 code inside an ident": (
        lambda copy: (copy.package / "core.py").write_bytes(b"'$Id: ' ; evil = 1 ; '$'\ndef f():\n    return 2\n"),
        "plugin1/core.py",
    ),
    "T27 made executable": (lambda copy: (copy.package / "core.py").chmod(0o755), "plugin1/core.py"),
    "T29 a newline in a name": (forged_lines, "plugin1/core.py 0\tplugin1\n100644 x"),
    "T30 the whole package missing": (lambda copy: shutil.rmtree(copy.package), "plugin1/core.py"),
    "T31 a nested repository": (nested_repository, "plugin1/sub/.git plugin1/sub/.git/HEAD plugin1/sub/.git/config"),
    "T32 a name composed otherwise": (nfd, "more1/e\u0301.txt more1/é.txt"),
    "T33 a twin in capitals": (write("Core.py"), "plugin1/Core.py"),
    "T34 an empty folder": (lambda copy: (copy.package / "new").mkdir(), "plugin1/new"),
    "T38 code in .git": (write(".git/evil.py"), "plugin1/.git plugin1/.git/evil.py"),
    "T56 endless files": (sparse, "plugin1/core.py plugin1/big.bin"),
    "T56 names of all kinds": (long_names, "plugin1/" + "n" * 255),
    "T58 a link to a file of procfs": (link_to_proc, "plugin1/core.py"),
    "T58 a socket": (sock, "plugin1/s"),
    "T61 a linked cache": (linked_cache, "plugin1/__pycache__"),
    "T61 source in the cache": (write("__pycache__/evil.py"), "plugin1/__pycache__/evil.py"),
    "T61 bytecode of nothing": (write(f"__pycache__/evil.{TAG}.pyc"), f"plugin1/__pycache__/evil.{TAG}.pyc"),
    "T66 a pointer in place of a file": (write("data.json", b"version https://git-lfs\n"), "plugin1/data.json"),
}  # fmt: skip


@pytest.mark.parametrize("number", MODIFICATIONS)
def test_T_modification(number: str, copy: Copy) -> None:
    attack, told = MODIFICATIONS[number]
    attack(copy)
    verdict = copy.verdict()
    assert verdict.state == "modified", verdict.to_dict()
    paths = {finding.path for finding in verdict.findings if finding.state == "modified"}
    expected = {told} if "\n" in told or "\t" in told else set(told.split(" "))
    assert expected <= paths, paths
    json.dumps(verdict.to_dict()).encode("ascii")


BYTECODE = {"T10 unchecked hash": 1, "T11 time and size": 0, "T12 checked hash of the good source": 3}


@pytest.mark.parametrize("number", BYTECODE)
def test_T_bytecode_that_is_not_of_its_source(number: str, copy: Copy) -> None:
    """The original left `__pycache__` out: evil code ran from a package that verified."""
    copy.pyc("core", b"def f():\n    return 'evil'\n", BYTECODE[number])
    assert "evil" in copy.reads()
    verdict = copy.verdict()
    assert verdict.state == "modified"
    assert verdict.bytecode == (f"plugin1/__pycache__/core.{TAG}.pyc",)


def test_bytecode_that_python_made_itself_is_proven(copy: Copy) -> None:
    shutil.rmtree(copy.package / "__pycache__", ignore_errors=True)
    assert copy.reads() == "2\n"
    for level in ("-O", "-OO"):
        line = [sys.executable, "-S", level, "-c", "import plugin1.core"]
        subprocess.run(line, env={"PYTHONPATH": str(copy.site)}, check=True)
    assert len([*(copy.package / "__pycache__").glob("core.*.pyc")]) == 3
    assert copy.verdict().state == "trusted"


def test_T61_bytecode_for_another_python_cannot_be_told(copy: Copy) -> None:
    copy.pyc("core", EVIL, 0, name="core.cpython-36.pyc")
    verdict = copy.verdict()
    assert (verdict.state, verdict.bytecode) == ("unverifiable", ("plugin1/__pycache__/core.cpython-36.pyc",))


def test_T61_optimised_bytecode_is_compared_as_well(copy: Copy) -> None:
    copy.pyc("core", EVIL, 3, name=f"core.{TAG}.opt-2.pyc")
    assert copy.verdict().state == "modified"


def test_T61_bytecode_in_another_place_is_found_there(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(copy.root / "prefix"))
    made = copy.pyc("core", EVIL, 3)
    place = Path(importlib.util.cache_from_source(str(copy.package / "core.py")))
    place.parent.mkdir(parents=True)
    made.rename(place)
    assert copy.verdict().bytecode == (str(place),)


DAMAGED = [
    b"",
    b"x",
    b"\xe3" + b"\0" * 40,
    b"r\0\0\0\0",
    b"(" + b"\xff" * 4,
    b"\xa9\x01" * 500,
    b"c" + b"i\0\0\0\0" * 20,
]


@pytest.mark.parametrize("body", DAMAGED)
def test_damaged_bytecode_is_forged_and_never_loaded(body: bytes, copy: Copy) -> None:
    path = copy.pyc("core", b"", 3)
    path.write_bytes(path.read_bytes()[:16] + body)
    assert copy.verdict().state == "modified"


def test_T62_nothing_is_remembered_between_two_verdicts(copy: Copy) -> None:
    """There is no cache of what a file was: the same size and times buy nothing, the second verdict reads again."""
    assert copy.verdict().state == "trusted"
    swap(copy)
    assert copy.verdict().state == "modified"


def test_T56_too_many_files_and_too_deep_a_tree_end(copy: Copy) -> None:
    deep(copy)
    verdict = copy.verdict()
    assert verdict.state == "modified"
    assert "tree.large" in {finding.code for finding in verdict.findings}
