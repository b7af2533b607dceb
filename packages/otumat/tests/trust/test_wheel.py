"""Signing built wheels: what is added, what stays, what is refused; and wheels checked before they are installed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import otumat
from otumat.errors import Invalid
from otumat.trust import Policy, ProjectTrust, sign_wheels, verify_distribution, verify_wheel
from otumat.trust.signing import private

if TYPE_CHECKING:
    from collections.abc import Callable

AT = "2026-01-31T12:00:00Z"
INFO = "plugin1-1.0.dist-info"


@pytest.fixture
def signer(keys: Any) -> Callable[[str], private.PrivateKey]:
    return lambda name: private.read_file(keys(name).private)


def members(path: Path) -> dict[str, tuple[zipfile.ZipInfo, bytes]]:
    """Each member with its place in the table of contents, and its bytes as they lie there, header included."""
    data = path.read_bytes()
    found = {}
    with zipfile.ZipFile(path) as archive:
        for told in archive.infolist():
            at = told.header_offset
            sizes = int.from_bytes(data[at + 26 : at + 28], "little") + int.from_bytes(
                data[at + 28 : at + 30], "little"
            )
            found[told.filename] = (told, data[at : at + 30 + sizes + told.compress_size])
    return found


def judged(path: Path, policy: Policy) -> Any:
    with path.open("rb") as file:
        return verify_wheel(file, path.name, policy, at=AT)


def test_everything_else_stays_byte_for_byte(
    wheel: Any, plugin: Any, signer: Any, tmp_path: Path, policy: Policy
) -> None:
    path = wheel(tmp_path, plugin)
    before = members(path)
    (outcome,) = sign_wheels([path], [signer("rsa2048")])
    after = members(path)
    assert outcome.action == "signed"
    added = [name for name in after if name not in before]
    assert added == [f"{INFO}/plugin1.sig", f"{INFO}/otumat.dsse.json"]
    for name, (told, raw) in before.items():
        if name == f"{INFO}/RECORD":
            continue
        now, raw_now = after[name]
        assert raw_now == raw
        kept = ("date_time", "compress_type", "external_attr", "create_system", "extra", "comment", "flag_bits", "CRC")
        assert [getattr(now, each) for each in kept] == [getattr(told, each) for each in kept]
    assert [name for name in after if name in before] == list(before)
    assert [*after][-1] == f"{INFO}/RECORD"
    assert judged(path, policy).state == "trusted"


def test_record_keeps_its_lines_and_lists_what_is_new(wheel: Any, plugin: Any, signer: Any, tmp_path: Path) -> None:
    path = wheel(tmp_path, plugin)
    old = zipfile.ZipFile(path).read(f"{INFO}/RECORD").decode().splitlines()
    sign_wheels([path], [signer("rsa2048")])
    new = zipfile.ZipFile(path).read(f"{INFO}/RECORD").decode().splitlines()
    assert [line for line in new if line in old] == old
    assert len(new) == len(old) + 2
    line = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        tmp_path / "site",
        path,
    ]
    subprocess.run([*map(str, line)], check=True)


def test_signing_again_changes_nothing(wheel: Any, plugin: Any, signer: Any, tmp_path: Path) -> None:
    path = wheel(tmp_path, plugin)
    sign_wheels([path], [signer("rsa2048"), signer("ed25519")])
    before, seen = path.read_bytes(), path.stat()
    assert [each.action for each in sign_wheels([path], [signer("rsa2048"), signer("ed25519")])] == ["unchanged"]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, seen.st_mtime_ns)


def test_check_tells_and_changes_nothing(wheel: Any, plugin: Any, signer: Any, tmp_path: Path) -> None:
    path = wheel(tmp_path, plugin)
    before = path.read_bytes()
    assert sign_wheels([path], [signer("ed25519")], check=True)[0].action == "unsigned"
    assert path.read_bytes() == before


def test_the_same_wheel_and_key_give_the_same_archive(wheel: Any, plugin: Any, signer: Any, tmp_path: Path) -> None:
    one, other = wheel(tmp_path / "a", plugin), wheel(tmp_path / "b", plugin)
    sign_wheels([one, other], [signer("ed25519")])
    assert one.read_bytes() == other.read_bytes()


def test_a_second_signer_joins_the_first(wheel: Any, plugin: Any, signer: Any, record_of: Any, tmp_path: Path) -> None:
    path = wheel(tmp_path, plugin)
    both = Policy({"plugin1": ProjectTrust([record_of("rsa2048"), record_of("ed25519")], threshold=2)})
    sign_wheels([path], [signer("rsa2048")])
    assert judged(path, both).state == "below-threshold"
    sign_wheels([path], [signer("ed25519")])
    assert judged(path, both).state == "trusted"
    assert judged(path, both).keys[0].role == "maintainer"


def test_all_problems_are_told_at_once_and_nothing_is_changed(
    wheel: Any, plugin: Any, signer: Any, tmp_path: Path
) -> None:
    good = wheel(tmp_path / "good", plugin)
    bad = wheel(tmp_path / "bad", {"a/con.py": b"", "b/x": b""}, name="bad")
    (tmp_path / "no_wheel-1.0-py3-none-any.whl").write_bytes(b"x" * 100)
    before = good.read_bytes()
    with pytest.raises(Invalid) as told:
        sign_wheels([good, bad, tmp_path / "no_wheel-1.0-py3-none-any.whl", tmp_path / "gone.whl"], [signer("ed25519")])
    assert {each.field for each in told.value.problems} == {bad.name, "no_wheel-1.0-py3-none-any.whl", "gone.whl"}
    assert good.read_bytes() == before


LEGACY = {
    "exec": ({"plugin1/__init__.py": b"", "plugin1/run.sh": b"#!/bin/sh\n"}, "name or mode"),
    "order": ({"plugin1/__init__.py": b"", "plugin1/a/b.py": b"", "plugin1/a-b.py": b""}, "another order"),
    "CR": ({"plugin1/__init__.py": b"a\r\n"}, "plain ASCII"),
    "binary": ({"plugin1/__init__.py": b"", "plugin1/x.so": bytes(range(256)) * 9999}, "plain ASCII"),
    "characters": ({"plugin1/__init__.py": "é\n".encode()}, "plain ASCII"),
    "pycache": ({"plugin1/__init__.py": b"", "plugin1/my_pycache.py": b""}, "name or mode"),
}


@pytest.mark.parametrize("name", LEGACY)
def test_there_is_no_legacy_signature_where_0_3_would_not_take_it(
    name: str, wheel: Any, signer: Any, tmp_path: Path, policy: Policy
) -> None:
    files, reason = LEGACY[name]
    path = wheel(tmp_path, files)
    (outcome,) = sign_wheels([path], [signer("rsa2048")])
    assert reason in outcome.legacy["plugin1"]
    assert f"{INFO}/plugin1.sig" not in zipfile.ZipFile(path).namelist()
    assert judged(path, policy).state == "trusted"


def test_the_legacy_signature_is_the_one_that_hosts_of_0_3_check(
    wheel: Any, plugin: Any, keys: Any, signer: Any, tmp_path: Path
) -> None:
    path = wheel(tmp_path, plugin)
    sign_wheels([path], [signer("ed25519"), signer("rsa2048")])
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
    signature = (tmp_path / "out" / INFO / "plugin1.sig").read_text()
    otumat.verify(keys("rsa2048").public, otumat.hash_pkg(tmp_path / "out" / "plugin1"), signature)


def test_the_key_a_host_ships_goes_in_as_a_file_that_is_signed_too(
    wheel: Any, keys: Any, signer: Any, tmp_path: Path, policy: Policy
) -> None:
    path = wheel(tmp_path, {"plugin1/__init__.py": b""})
    public = keys("rsa3072").public.read_bytes()
    sign_wheels([path], [signer("rsa2048")], public=public)
    assert zipfile.ZipFile(path).read(f"{INFO}/plugin1.pub") == public
    assert judged(path, policy).state == "trusted"
    with pytest.raises(Invalid, match="Nothing was signed"):
        sign_wheels([path], [signer("rsa2048")], public=keys("rsa2048").private.read_bytes())


def rewritten(path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None], *more: tuple[str, bytes]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for told in old.infolist():
            if (made := change(told.filename, old.read(told))) is not None:
                new.writestr(*made)
        for each in more:
            new.writestr(*each)
    path.write_bytes(out.getvalue())


def local_name(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b"plugin1/core.py", b"plugin1/evil.py", 1))


def prefixed(path: Path) -> None:
    path.write_bytes(b"evil" + path.read_bytes())


WHEEL_ATTACKS: dict[str, Callable[[Path], None]] = {
    "a member twice": lambda path: rewritten(path, lambda n, d: (n, d), ("plugin1/core.py", b"evil")),
    "another local name": local_name,
    "a member that climbs": lambda path: rewritten(path, lambda n, d: (n, d), ("../evil.py", b"")),
    "a row without a file": lambda path: rewritten(path, lambda n, d: None if n == "solo.py" else (n, d)),
    "a file without a row": lambda path: rewritten(path, lambda n, d: (n, d), ("evil.py", b"")),
    "two dist-infos": lambda path: rewritten(path, lambda n, d: (n, d), ("evil-1.dist-info/METADATA", b"")),
    "bytes in front": prefixed,
}


@pytest.mark.parametrize("how", WHEEL_ATTACKS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_T65_a_wheel_with_two_readings_is_neither_signed_nor_trusted(
    how: str, wheel: Any, plugin: Any, signer: Any, tmp_path: Path, policy: Policy
) -> None:
    path = wheel(tmp_path, plugin)
    sign_wheels([path], [signer("rsa2048")])
    WHEEL_ATTACKS[how](path)
    assert judged(path, policy).state == "error"
    with pytest.raises(Invalid):
        sign_wheels([path], [signer("rsa2048")])


def test_T65_a_record_jws_is_no_signature(wheel: Any, plugin: Any, policy: Policy, tmp_path: Path) -> None:
    path = wheel(tmp_path, plugin)
    rewritten(path, lambda n, d: (n, d), (f"{INFO}/RECORD.jws", b"{}"))
    assert judged(path, policy).state == "unsigned"


def test_a_wheel_with_another_content_than_was_signed(
    wheel: Any, plugin: Any, signer: Any, tmp_path: Path, policy: Policy
) -> None:
    good, other = wheel(tmp_path / "a", plugin), wheel(tmp_path / "b", plugin | {"plugin1/core.py": b"evil\n"})
    sign_wheels([good], [signer("rsa2048")])
    envelope = zipfile.ZipFile(good).read(f"{INFO}/otumat.dsse.json")
    with other.open("rb") as file:
        verdict = verify_wheel(file, other.name, policy, at=AT, envelope=envelope)
    assert (verdict.state, verdict.modified) == ("modified", ("plugin1/core.py",))


SCRIPTS = {
    "plugin1/__init__.py": b"",
    "plugin1-1.0.data/scripts/tool": b"#!python\nprint('tool')\n",
    "plugin1-1.0.data/scripts/plain.sh": b"#!/bin/sh\necho hi\n",
    "plugin1-1.0.data/data/share/plugin1/x.txt": b"x\n",
    "plugin1-1.0.data/headers/x.h": b"int x;\n",
    "plugin1-1.0.data/purelib/extra1.py": b"e = 1\n",
}


@pytest.fixture
def environment(wheel: Any, signer: Any, tmp_path: Path) -> Path:
    path = wheel(tmp_path, SCRIPTS)
    sign_wheels([path], [signer("ed25519")])
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    line = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", path]
    subprocess.run([*map(str, line)], check=True)
    return tmp_path / "env"


@pytest.mark.skipif(os.name == "nt", reason="the places are those of POSIX")
@pytest.mark.parametrize(
    "name", ["", "bin/tool", "bin/plain.sh", "share/plugin1/x.txt", "include/**/x.h", "lib/**/extra1.py"]
)
def test_T49_files_outside_the_site_folder_are_compared_too(name: str, environment: Path, record_of: Any) -> None:
    site = next(environment.glob("lib/python3*/site-packages"))
    policy = Policy({"plugin1": ProjectTrust([record_of("ed25519")])})
    if name:
        (found,) = environment.glob(name)
        found.write_bytes(found.read_bytes() + b"# evil\n")
    verdict = verify_distribution("plugin1", policy, at=AT, path=[str(site)])
    assert verdict.state == ("modified" if name else "trusted"), verdict.findings[0].message


def test_T49_an_interpreter_of_somebody_else_s(environment: Path, record_of: Any) -> None:
    site = next(environment.glob("lib/python3*/site-packages"))
    tool = environment / "bin" / "tool"
    tool.write_bytes(b"#!/tmp/evil/python\n" + tool.read_bytes().partition(b"\n")[2])
    policy = Policy({"plugin1": ProjectTrust([record_of("ed25519")])})
    assert verify_distribution("plugin1", policy, at=AT, path=[str(site)]).modified == (
        "plugin1-1.0.data/scripts/tool",
    )


def test_what_uv_installs_is_trusted_as_well(
    wheel: Any, plugin: Any, signer: Any, tmp_path: Path, policy: Policy, run: Any
) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not installed")
    path = wheel(tmp_path, plugin)
    sign_wheels([path], [signer("rsa2048")])
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    line = [uv, "pip", "install", "-q", "--offline", "--no-cache", "--python", tmp_path / "env", path]
    subprocess.run([*map(str, line)], check=True)
    site = next((tmp_path / "env").glob("lib/python3*/site-packages"))
    verdict = verify_distribution("plugin1", policy, at=AT, path=[str(site)])
    assert verdict.state == "trusted", verdict.to_dict()


@pytest.mark.parametrize(
    ("content", "signs"),
    [(b"a line\n" * 300_000, True), ("ein grüner Zeisig\n" * 100_000, False), (b"a line\r\n" * 100_000, False)],
    ids=["ASCII", "UTF-8", "CRLF"],
)
def test_members_too_large_to_be_kept_have_the_value_that_they_have_on_disk(
    content: bytes | str, signs: bool, wheel: Any, keys: Any, tmp_path: Path
) -> None:
    data = content.encode() if isinstance(content, str) else content
    path = wheel(tmp_path, {"plugin1/__init__.py": b"", "plugin1/large.txt": data})
    pair = keys("rsa2048")
    (outcome,) = sign_wheels([path], [private.read_file(pair.private)])
    assert bool(outcome.legacy["plugin1"]) is not signs
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "site")
        if signs:
            signature = archive.read("plugin1-1.0.dist-info/plugin1.sig").decode()
            otumat.verify(pair.public, otumat.hash_pkg(tmp_path / "site" / "plugin1"), signature)
