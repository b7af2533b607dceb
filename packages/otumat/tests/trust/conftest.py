"""What the tests of signatures share: the vector trees, keys made once, git and openssl as anybody has them."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from harness.installed_copy import Copy
from otumat.spec.keys import PublicKey
from otumat.trust import KeyRecord, Policy, ProjectTrust, sign_wheels
from otumat.trust.signing import private

if TYPE_CHECKING:
    from collections.abc import Callable

SH = b"#!/bin/sh\necho hi\n"
V10 = {"a b.py": b"1\n", 'q"uote.py': b"2\n", "tab\tx.py": b"3\n", "back\\slash.py": b"4\n", "new\nline.py": b"5\n",
       "日本.py": b"6\n"}  # fmt: skip
TREES: dict[str, dict[str, bytes | str]] = {
    "V1": {
        "__init__.py": b"x = 1\n",
        "core.py": b"def f():\n    return 2\n",
        "data.json": b'{"a": 1}\n',
        "sub/__init__.py": b"y=3\n",
        "sub/empty.py": b"",
    },
    "V2": {name: f"{name}\n".encode() for name in ("A.py", "a-b.py", "a.py", "a0.py", "a_b.py", "b", "a/b", "ab/c")},
    "V3": {"run.sh*": SH},
    "V4": {"t.py": b"x\n", "link.py": "t.py"},
    "V5": {"t.py": 'naïve = "é"\n'.encode()},
    "V6": {"é.py": b"x\n"},
    "V7": {"crlf.py": b"a = 1\r\nb = 2\r\n"},
    "V8": {"bin.dat": bytes(range(256))},
    "V9": {".hidden": b"h\n", "t.py": b"x\n"},
    "V10": {**V10},
    "V11": {"t.py": b"x\n", "my_pycache_helper.py": b"evil = 1\n"},
    "V12": {"t.py": b"x\n", "sub/t.py": b"x\n", "dlink": "sub"},
    "V13": {"t.py": b"x\n", "dangling": "missing"},
    "V14": {
        "__init__.py": b"",
        "a/b": b"a/b\n",
        "a.py": b"a.py\n",
        "a-b.py": b"a-b\n",
        "run.sh*": SH,
        "link.py": "a.py",
        "é.py": "é\n".encode(),
        "deep/er/z.txt": b"z\n",
        "deep/er/empty": b"",
        "bin.dat": bytes(range(256)),
        "crlf.txt": b"a\r\nb\r\n",
    },
}
"""The vectors: name to content; text is the target of a link, a star at the end of a name means executable."""


def _plant(folder: Path, files: dict[str, bytes | str]) -> Path:
    """Write a tree with plain modes, whatever the umask is."""
    for name, content in files.items():
        path = folder / name.removesuffix("*")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.symlink_to(content)
            continue
        path.write_bytes(content)
        path.chmod(0o755 if name.endswith("*") else 0o644)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[str], Path]:
    """`tree("V1")` is a fresh copy of that vector's folder."""

    def make(name: str) -> Path:
        return _plant(tmp_path / ("plugin1" if name == "V1" else "pkg"), TREES[name])

    return make


class Pair:
    """A key pair in two PEM files."""

    def __init__(self, folder: Path, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.key = key
        self.private, self.public = folder / "private.pem", folder / "public.pem"
        self.private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    """`keys("rsa2048")`, `keys("ed25519")`, `keys("ed25519-bob")`: the same pair at every call of a session."""
    made: dict[str, Pair] = {}

    def pair(name: str) -> Pair:
        if name not in made:
            kind = name.partition("-")[0]
            key = (
                ed25519.Ed25519PrivateKey.generate()
                if kind == "ed25519"
                else rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
            )
            made[name] = Pair(tmp_path_factory.mktemp(name), key)
        return made[name]

    return pair


@pytest.fixture
def plant() -> Callable[[Path, dict[str, bytes | str]], Path]:
    """`plant(folder, {"a.py": b"...", "link": "target", "run.sh*": b"..."})`."""
    return _plant


@pytest.fixture
def run() -> Callable[..., bytes]:
    """Run a real program with nobody's settings, and return what it printed; skips where it is not installed."""

    def start(*line: str | Path, cwd: Path | None = None, stdin: bytes = b"") -> bytes:
        if shutil.which(str(line[0])) is None:
            pytest.skip(f"{line[0]} is not installed")
        plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
        words = [*map(str, line)]
        return subprocess.run(
            words, cwd=cwd, env=plain, input=stdin, capture_output=True, check=True, timeout=60
        ).stdout

    return start


PLUGIN: dict[str, bytes] = {
    "plugin1/__init__.py": b"x = 1\n",
    "plugin1/core.py": b"def f():\n    return 2\n",
    "plugin1/data.json": b'{"a": 1}\n',
    "plugin1/sub/__init__.py": b"y=3\n",
    "plugin1/sub/empty.py": b"",
    "more1/__init__.py": b"",
    "more1/é.txt": b"e\n",
    "solo.py": b"z = 1\n",
}


def _wheel(
    folder: Path,
    files: dict[str, bytes],
    *,
    name: str = "plugin1",
    version: str = "1.0",
    points: bytes = b"",
    requires: tuple[str, ...] = (),
) -> Path:
    """A wheel with these files, as any backend makes them."""
    info = f"{name}-{version}.dist-info"
    required = "".join(f"Requires-Dist: {each}\n" for each in requires)
    contents = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}\nWords.\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points or f"[base.plugins]\np = {name}.core:f\n".encode(),
    }
    rows = [f"{path},sha256={_urlsafe(data)},{len(data)}\n" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in contents.items():
            told = zipfile.ZipInfo(member, (2020, 2, 2, 2, 2, 2))
            told.external_attr = (0o100755 if member.endswith(".sh") else 0o100644) << 16
            told.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(told, data)
    return path


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.fixture(scope="session")
def wheel() -> Callable[..., Path]:
    """`wheel(folder, {"plugin1/__init__.py": b"..."}, name="plugin1", version="1.0")`, unsigned."""
    return _wheel


@pytest.fixture(scope="session")
def plugin() -> dict[str, bytes]:
    """The files of the plugin that the attacks are made on."""
    return dict(PLUGIN)


@pytest.fixture(scope="session")
def record_of(keys: Callable[[str], Pair]) -> Callable[[str], KeyRecord]:
    """The record of one of the keys, as a policy holds it."""
    return lambda name: KeyRecord(PublicKey.from_pem(keys(name).public.read_bytes()), note=name)


@pytest.fixture(scope="session")
def policy(record_of: Callable[[str], KeyRecord]) -> Policy:
    """Trusts the RSA key for plugin1, and nobody for anything else."""
    return Policy({"plugin1": ProjectTrust([record_of("rsa2048")])})


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, keys: Callable[[str], Pair]) -> Path:
    """A virtual environment into which pip installed the signed plugin. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("installed")
    path = _wheel(folder / "dist", PLUGIN)
    sign_wheels([path], [private.read_file(keys("rsa2048").private)])
    root = folder / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root], check=True)
    python = next(each for each in (root / "bin" / "python", root / "Scripts" / "python.exe") if each.exists())
    line = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", path]
    subprocess.run([*map(str, line)], check=True, capture_output=True)
    return root


@pytest.fixture
def copy(installed: Path, policy: Policy, tmp_path: Path) -> Copy:
    shutil.copytree(installed, tmp_path / "env", symlinks=True)
    return Copy(tmp_path / "env", policy)
