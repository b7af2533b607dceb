"""What the tests of signatures share: the vector trees, keys made once, git and openssl as anybody has them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

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
