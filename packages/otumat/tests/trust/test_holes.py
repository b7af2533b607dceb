"""H1 to H12, the holes of otumat 0.3: each test passes here, and its docstring says what the original does."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature

import otumat
from otumat.spec.keys import PublicKey
from otumat.trust import KeyRecord, NoTree, Policy, ProjectTrust, sign_wheels, verify_distribution, verify_wheel
from otumat.trust.signing import private

if TYPE_CHECKING:
    from collections.abc import Callable

AT = "2026-01-31T12:00:00Z"
REAL = {
    "datajoint-connection-hub==0.0.4": "c47621dc2a474f159a8eac50b90a761b8c7b3bdc44a31f9691571e34562d314c",
    "datajoint==0.13.8": "cbfd802d060b23052660c209eaa99f0e15c21171cd02ac4ad64dacce53b1bef9",
}


@pytest.fixture
def signer(keys: Any) -> Callable[[str], private.PrivateKey]:
    return lambda name: private.read_file(keys(name).private)


def test_H1_T40_a_signature_over_nothing_opens_nothing(keys: Any, tmp_path: Path) -> None:
    """The original hashes a missing folder, a single file and any path with `pycache` to one value, and signs it."""
    (tmp_path / "solo.py").write_text("x = 1\n")
    (tmp_path / "my_pycache_x").mkdir()
    for name in ("solo", "solo.py", "missing", "my_pycache_x"):
        with pytest.raises(NoTree):
            otumat.hash_pkg(pkgpath=tmp_path / name)
    with pytest.raises(otumat.Invalid):
        otumat.sign(keys("rsa2048").private, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")


def test_H2_a_file_with_pycache_in_its_name_is_seen(tree: Any) -> None:
    """The original leaves out every path that holds `pycache`: the value stays, and the module can be imported."""
    folder = tree("V1")
    before = otumat.hash_pkg(folder)
    (folder / "_pycache.py").write_text("evil = 1\n")
    assert otumat.hash_pkg(folder) != before


def test_H3_bytecode_is_proved_against_its_source(
    wheel: Any, plugin: Any, signer: Any, policy: Policy, tmp_path: Path
) -> None:
    """The original never looks at `.pyc`: an unchecked one runs from a package that verifies."""
    path = wheel(tmp_path, plugin)
    sign_wheels([path], [signer("rsa2048")])
    zipfile.ZipFile(path).extractall(tmp_path / "site")
    cache = tmp_path / "site" / "plugin1" / "__pycache__"
    cache.mkdir()
    code = marshal.dumps(compile("print('EVIL CODE RAN')", "core.py", "exec"))
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
    (cache / f"core.{sys.implementation.cache_tag}.pyc").write_bytes(header + code)
    line = [sys.executable, "-S", "-c", "import plugin1.core"]
    shown = subprocess.run(line, env={"PYTHONPATH": str(tmp_path / "site")}, capture_output=True, text=True, check=True)
    assert shown.stdout == "EVIL CODE RAN\n"
    assert verify_distribution("plugin1", policy, at=AT, path=[str(tmp_path / "site")]).state == "modified"
    (tmp_path / "base.pub").write_bytes(b"")


def test_H4_line_ends_modes_and_links_make_another_value(tmp_path: Path, plant: Any) -> None:
    """The original reads text with universal newlines, follows links, and writes 100644 for every file."""
    values = {
        otumat.hash_pkg(plant(tmp_path / str(number) / "pkg", files))
        for number, files in enumerate(
            [
                {"a": b"x\n"},
                {"a": b"x\r\n"},
                {"a": b"x\r"},
                {"a*": b"x\n"},
                {"a": "b", "b": b"x\n"},
                {"a": b"x\n", "b": b"x\n"},
            ]
        )
    }
    assert len(values) == 6


def test_H5_more_than_one_folder_is_signed_and_for_one_project_only(
    wheel: Any, plugin: Any, signer: Any, policy: Policy, tmp_path: Path
) -> None:
    """The original covers one folder, not METADATA, entry points or other packages, and takes any key for any name."""
    path = wheel(tmp_path, plugin)
    sign_wheels([path], [signer("rsa2048")])
    for number, name in enumerate(["METADATA", "entry_points.txt", "WHEEL"]):
        site = tmp_path / str(number)
        zipfile.ZipFile(path).extractall(site)
        with (site / "plugin1-1.0.dist-info" / name).open("a") as file:
            file.write("\nX: y\n")
        assert verify_distribution("plugin1", policy, at=AT, path=[str(site)]).state == "modified"
    site = tmp_path / "other"
    zipfile.ZipFile(path).extractall(site)
    (site / "solo.py").write_text("evil\n")
    assert verify_distribution("plugin1", policy, at=AT, path=[str(site)]).modified == ("solo.py",)
    elsewhere = Policy({"plugin2": policy.of("plugin1")})
    assert verify_distribution("plugin1", elsewhere, at=AT, path=[str(site)]).state == "untrusted-key"


def test_H6_T54_what_is_signed_is_sha_256(wheel: Any, plugin: Any, signer: Any, policy: Policy, tmp_path: Path) -> None:
    """The original signs a SHA-1 of SHA-1s: an author can make two trees of one value. Here it is SHA-256."""
    path = wheel(tmp_path, plugin)
    sign_wheels([path], [signer("rsa2048")])
    envelope = zipfile.ZipFile(path).read("plugin1-1.0.dist-info/otumat.dsse.json")
    from otumat.spec.statement import read_envelope, read_statement

    statement = read_statement(read_envelope(envelope).payload)
    digests = {file.path: file.sha256 for file in statement.files}
    assert digests["plugin1/core.py"] == hashlib.sha256(plugin["plugin1/core.py"]).hexdigest()
    assert set(statement.packages["plugin1"]) == {"dirHash", "gitBlob"}


def test_H8_what_goes_into_the_wheel_is_signed(wheel: Any, signer: Any, policy: Policy, tmp_path: Path) -> None:
    """The original signs the source folder: one unpackaged `notes.txt` there, and the plugin fails for every user."""
    source = tmp_path / "src" / "plugin1"
    source.mkdir(parents=True)
    (source / "__init__.py").write_bytes(b"x = 1\n")
    (source / "notes.txt").write_bytes(b"not packaged\n")
    path = wheel(tmp_path, {"plugin1/__init__.py": b"x = 1\n"})
    sign_wheels([path], [signer("rsa2048")])
    zipfile.ZipFile(path).extractall(tmp_path / "site")
    assert verify_distribution("plugin1", policy, at=AT, path=[str(tmp_path / "site")]).state == "trusted"


def test_H9_a_host_that_catches_two_exceptions_has_caught_all(keys: Any, tmp_path: Path, tree: Any) -> None:
    """The original lets `binascii.Error`, `ValueError` and `UnicodeDecodeError` through to the host."""
    pair, folder = keys("rsa2048"), tree("V8")
    (tmp_path / "bad.pub").write_bytes(b"\xff no key")
    outcomes = []
    for key, signature in (
        (pair.public, "A"),
        (pair.public, "\ud800"),
        (pair.private, "AAAA"),
        (tmp_path / "bad.pub", "AAAA"),
    ):
        try:
            otumat.verify(pubkey_path=key, data=otumat.hash_pkg(pkgpath=folder), signature=signature)
        except (FileNotFoundError, InvalidSignature):
            outcomes.append("untrusted")
    assert outcomes == ["untrusted"] * 4


def test_H12_the_anchor_is_in_the_host_s_policy_and_no_build_loses_it(
    wheel: Any, plugin: Any, signer: Any, keys: Any, tmp_path: Path
) -> None:
    """The original's anchor is a `.pub` in the host's metadata: when its packaging changed, every plugin failed."""
    path = wheel(tmp_path, plugin)
    sign_wheels([path], [signer("rsa2048")])
    record = KeyRecord(PublicKey.from_pem(keys("rsa2048").public.read_bytes()))
    written = Policy({"plugin1": ProjectTrust([record])}).to_bytes()
    with path.open("rb") as file:
        assert verify_wheel(file, path.name, Policy.from_bytes(written), at=AT).state == "trusted"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin of 2020 and the host that ships its key, as they were published."""
    folder = tmp_path_factory.mktemp("real")
    line = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        ":none:",
        "-d",
        str(folder),
        *REAL,
    ]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)
    wheels = {hashlib.sha256(each.read_bytes()).hexdigest(): each for each in folder.glob("*.whl")}
    if done.returncode or not set(REAL.values()) <= set(wheels):
        pytest.skip("the plugin of 2020 cannot be downloaded here")
    for digest in REAL.values():
        zipfile.ZipFile(wheels[digest]).extractall(folder / "site")
    return folder / "site"


def test_the_real_plugin_of_2020_verifies_with_a_warning_of_its_key(real: Path) -> None:
    value = otumat.hash_pkg(pkgpath=str(real / "datajoint_connection_hub"))
    assert value == "fb5454944a4ce03095e4f9c17c931c70b5cc2e1c"
    signature = (real / "datajoint_connection_hub-0.0.4.dist-info" / "datajoint_connection_hub.sig").read_text()
    key = real / "datajoint-0.13.8.dist-info" / "datajoint.pub"
    with pytest.warns(otumat.trust.WeakKeyWarning, match="1024 bits"):
        otumat.verify(pubkey_path=str(key), data=value, signature=signature)


def test_the_real_plugin_of_2020_has_a_verdict_that_says_what_is_not_covered(real: Path) -> None:
    key = PublicKey.from_pem((real / "datajoint-0.13.8.dist-info" / "datajoint.pub").read_bytes())
    policy = Policy({"datajoint-connection-hub": ProjectTrust([KeyRecord(key)], legacy=True)})
    verdict = verify_distribution("datajoint-connection-hub", policy, at=AT, path=[str(real)])
    assert (verdict.state, verdict.scheme) == ("trusted", "legacy")
    assert {"key.weak", "signature.uncovered", "signature.legacy"} <= {finding.code for finding in verdict.findings}
    assert verdict.paths("signature.uncovered") == ("tests",)
    assert os.fspath(real) in verdict.location
