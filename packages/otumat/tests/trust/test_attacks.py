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
import marshal
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otumat.spec.keys import PublicKey
from otumat.trust import KeyRecord, Policy, ProjectTrust, verify_distribution

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.trust import Verdict

AT = "2026-01-31T12:00:00Z"
TAG = sys.implementation.cache_tag
EVIL = b"raise SystemExit('evil code ran')\n"


class Copy:
    """One installed copy: `site` is its site-packages, `verdict()` what is found out about it."""

    def __init__(self, root: Path, policy: Policy) -> None:
        self.root, self.policy = root, policy
        self.site = next(root.glob("lib/python3.*/site-packages"))
        self.package, self.info = self.site / "plugin1", self.site / "plugin1-1.0.dist-info"

    def verdict(self, *before: Path, name: str = "plugin1", **asked: Any) -> Verdict:
        path = [str(each) for each in before] + [str(self.site)]
        return verify_distribution(name, asked.get("policy", self.policy), at=AT, path=path)

    def pyc(self, module: str, source: bytes, flags: int, *, name: str = "") -> Path:
        """Write a compiled file of these bytes as the named module's, with a header that Python believes."""
        code = marshal.dumps(compile(source, f"{module}.py", "exec", dont_inherit=True))
        original = self.package / f"{module}.py"
        seen = original.stat() if original.exists() else self.package.stat()
        timed = (int(seen.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + seen.st_size.to_bytes(4, "little")
        hashed = importlib.util.source_hash(original.read_bytes()) if original.exists() else bytes(8)
        header = importlib.util.MAGIC_NUMBER + flags.to_bytes(4, "little") + (hashed if flags else timed)
        path = self.package / "__pycache__" / (name or f"{module}.{TAG}.pyc")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(header + code)
        return path

    def reads(self) -> str:
        """What a program sees that imports the plugin now."""
        line = [sys.executable, "-S", "-c", "import plugin1.core; print(plugin1.core.f())"]
        done = subprocess.run(line, env={"PYTHONPATH": str(self.site)}, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


@pytest.fixture
def copy(installed: Path, policy: Policy, tmp_path: Path) -> Copy:
    shutil.copytree(installed, tmp_path / "env", symlinks=True)
    return Copy(tmp_path / "env", policy)


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


@pytest.mark.parametrize("mode", [0o666, 0o4644, 0o2755 & ~0o111])
def test_T28_T60_what_anybody_may_change_is_unsafe(mode: int, copy: Copy) -> None:
    (copy.package / "core.py").chmod(mode)
    verdict = copy.verdict()
    assert (verdict.state, verdict.unsafe) == ("unsafe", ("plugin1/core.py",))


def test_T36_T37_extended_attributes_and_hard_links_are_accepted_on_purpose(copy: Copy) -> None:
    """What they hold is the same bytes, and nothing of the plugin's runs otherwise for them."""
    os.link(copy.package / "core.py", copy.root / "outside.py")
    if hasattr(os, "setxattr"):
        try:
            os.setxattr(copy.package / "core.py", "user.note", b"x")
        except OSError:
            pass  # a file system without them
    assert copy.verdict().state == "trusted"


@pytest.mark.parametrize(
    "name", ["plugin1/__init__.py", "plugin1.py", "plugin1" + importlib.machinery.EXTENSION_SUFFIXES[0]]
)
def test_T35_what_lies_earlier_on_the_path_shadows(name: str, copy: Copy) -> None:
    earlier = copy.root / "earlier"
    (earlier / name).parent.mkdir(parents=True)
    (earlier / name).write_bytes(EVIL)
    verdict = copy.verdict(earlier)
    assert verdict.state == "shadowed"
    assert verdict.paths("module.shadowed") == (f"{earlier}/{name}",)


def test_T35_T45_a_zip_earlier_on_the_path_shadows(copy: Copy) -> None:
    with zipfile.ZipFile(copy.root / "earlier.zip", "w") as archive:
        archive.writestr("plugin1/__init__.py", EVIL)
    assert copy.verdict(copy.root / "earlier.zip").state == "shadowed"


def test_T35_what_lies_later_on_the_path_does_not(copy: Copy) -> None:
    later = copy.root / "later"
    (later / "plugin1").mkdir(parents=True)
    (later / "plugin1" / "__init__.py").write_bytes(EVIL)
    path = [str(copy.site), str(later)]
    assert verify_distribution("plugin1", copy.policy, at=AT, path=path).state == "trusted"


def test_T39_another_project_s_name_over_the_same_files(copy: Copy) -> None:
    copy.package.rename(copy.site / "plugin2")
    info = copy.site / "plugin2-1.0.dist-info"
    copy.info.rename(info)
    (info / "METADATA").write_text((info / "METADATA").read_text().replace("plugin1", "plugin2"))
    everywhere = Policy({"*": copy.policy.of("plugin1")})
    verdict = copy.verdict(name="plugin2", policy=everywhere)
    assert verdict.state in ("modified", "error")
    assert not verdict


def test_T42_an_older_release_than_is_asked_for(copy: Copy) -> None:
    trust = copy.policy.of("plugin1")
    floor = Policy({"plugin1": ProjectTrust(trust.keys, minimum_version="1.1")})
    assert copy.verdict(policy=floor).state == "rolled-back"
    counted = Policy({"plugin1": ProjectTrust(trust.keys, minimum_sequence=5)})
    assert copy.verdict(policy=counted).state == "rolled-back"


def test_T43_a_key_of_another_project_vouches_for_nothing_here(copy: Copy) -> None:
    trust = copy.policy.of("plugin1")
    assert copy.verdict(policy=Policy({"plugin2": trust})).state == "untrusted-key"
    assert copy.verdict(policy=Policy({"*": trust, "plugin1": ProjectTrust()})).state == "untrusted-key"
    assert copy.verdict(policy=Policy({"plug*": trust})).state == "trusted"


def test_T62_nothing_is_remembered_between_two_verdicts(copy: Copy) -> None:
    """There is no cache of what a file was: the same size and times buy nothing, the second verdict reads again."""
    assert copy.verdict().state == "trusted"
    swap(copy)
    assert copy.verdict().state == "modified"


def test_T48_an_editable_install_is_unverifiable(copy: Copy) -> None:
    told = {"url": "file:///src/plugin1", "dir_info": {"editable": True}}
    (copy.info / "direct_url.json").write_text(json.dumps(told))
    verdict = copy.verdict()
    assert verdict.state == "unverifiable"
    assert "editable" in verdict.findings[0].message


def test_T51_the_envelope_deleted(copy: Copy) -> None:
    (copy.info / "otumat.dsse.json").unlink()
    assert copy.verdict().state == "downgraded"
    old = Policy({"plugin1": ProjectTrust(copy.policy.of("plugin1").keys, legacy=True)})
    assert copy.verdict(policy=old).state == "trusted"
    since = Policy({"plugin1": ProjectTrust(copy.policy.of("plugin1").keys, legacy=True, modern_from="1.0")})
    assert copy.verdict(policy=since).state == "downgraded"


def test_T51_T64_one_signature_of_the_old_kind_is_not_two(copy: Copy) -> None:
    """Whoever has one of two keys deletes the envelope."""
    (copy.info / "otumat.dsse.json").unlink()
    two = Policy({"plugin1": ProjectTrust(copy.policy.of("plugin1").keys, legacy=True, threshold=2)})
    assert copy.verdict(policy=two).state == "below-threshold"


def test_T51_all_signatures_deleted(copy: Copy) -> None:
    (copy.info / "otumat.dsse.json").unlink()
    (copy.info / "plugin1.sig").unlink()
    assert copy.verdict().state == "unsigned"


def test_T59_what_cannot_be_read_is_an_error_and_no_crash(copy: Copy) -> None:
    (copy.package / "core.py").chmod(0)
    (copy.package / "sub").chmod(0)
    code = (
        "import os, sys\n"
        "from otumat.trust import verify_distribution, Policy\n"
        "policy = Policy.from_bytes(open(sys.argv[1], 'rb').read())\n"
        f"ask = lambda: verify_distribution('plugin1', policy, at={AT!r}, path=[sys.argv[2]])\n"
        "ask()\n"  # everything is imported now; whom we become next may not read this Python's own files
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "print(ask().state)\n"
    )
    for folder in [copy.root, *copy.root.parents][:4]:
        folder.chmod(folder.stat().st_mode | 0o055)
    (copy.root / "policy.json").write_bytes(copy.policy.to_bytes())
    line = [sys.executable, "-c", code, str(copy.root / "policy.json"), str(copy.site)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    (copy.package / "sub").chmod(0o755)
    assert done.stdout.strip() == "error", done.stderr


def test_T56_too_many_files_and_too_deep_a_tree_end(copy: Copy) -> None:
    deep(copy)
    verdict = copy.verdict()
    assert verdict.state == "modified"
    assert "tree.large" in {finding.code for finding in verdict.findings}


def test_T63_two_dist_infos_of_one_name_in_one_place(copy: Copy) -> None:
    shutil.copytree(copy.info, copy.site / "Plugin1-1.0.dist-info")
    assert copy.verdict().state == "error"
    assert copy.verdict().findings[0].code == "distribution.twice"


def test_T64_thresholds_and_revocations(copy: Copy, keys: Any) -> None:
    alice = KeyRecord(PublicKey.from_pem(keys("rsa2048").public.read_bytes()))
    bob = KeyRecord(PublicKey.from_pem(keys("ed25519-bob").public.read_bytes()))
    assert copy.verdict(policy=Policy({"plugin1": ProjectTrust([alice, bob], threshold=2)})).state == "below-threshold"
    assert (
        copy.verdict(policy=Policy({"plugin1": ProjectTrust([alice, alice], threshold=2)})).state == "below-threshold"
    )
    gone = KeyRecord(alice.public, revoked_at="2026-01-01T00:00:00Z", revoked_for="compromised")
    assert copy.verdict(policy=Policy({"plugin1": ProjectTrust([gone])})).state == "revoked"
    old = KeyRecord(alice.public, expires="2026-01-31T12:00:00Z")
    assert copy.verdict(policy=Policy({"plugin1": ProjectTrust([old])})).state == "expired"
    later = KeyRecord(alice.public, expires="2026-01-31T12:00:01Z")
    assert copy.verdict(policy=Policy({"plugin1": ProjectTrust([later])})).state == "trusted"


def test_nothing_of_that_name_is_installed(copy: Copy) -> None:
    assert copy.verdict(name="missing").findings[0].code == "distribution.missing"


def test_T45_a_top_level_module_is_guarded_on_all_sides(copy: Copy) -> None:
    """`solo.py`, which the original could not sign: it hashed to the value of nothing."""
    for name in ("solo.pyc", "solo.so", "solo/__init__.py"):
        path = copy.site / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        assert copy.verdict().state == "modified", name
        path.unlink()
        if path.parent != copy.site:
            path.parent.rmdir()
    assert copy.verdict().state == "trusted"
