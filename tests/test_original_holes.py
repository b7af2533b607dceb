"""H1 to H12: otumat 0.3.0 itself has each of its holes, and the same questions find none here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.artifacts import make_wheel
from harness.original import install
from otumat.trust import KeyRecord, Policy, ProjectTrust, sign_wheels
from otumat.trust.signing import private

pytestmark = pytest.mark.clients
HOLES = Path(__file__).parent / "harness" / "holes.py"
NAMES = [f"H{number}" for number in range(1, 13)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The author's keys, an installed signed plugin with the host that ships the public one, and a policy."""
    folder = tmp_path_factory.mktemp("holes")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "key.pub").write_bytes(key.public_key().public_bytes(pem, form))
    files = {"plugin1/__init__.py": b"", "plugin1/core.py": b"def f():\n    return 2\n"}
    wheel = make_wheel("plugin1", members=files).write(folder)
    signer = private.read_file(folder / "key.pem")
    sign_wheels([wheel], [signer])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    (folder / "site" / "base-1.0.dist-info").mkdir()
    (folder / "site" / "base-1.0.dist-info" / "base.pub").write_bytes((folder / "key.pub").read_bytes())
    policy = Policy({"plugin1": ProjectTrust([KeyRecord(signer.public)])})
    (folder / "policy.json").write_bytes(policy.to_bytes())
    return folder


def asked(python: str | Path, place: Path, name: str) -> dict[str, bool]:
    (place / name).mkdir()
    line = [python, HOLES, place / name, place / "site", place / "key.pem", place / "key.pub"]
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([*map(str, line)], env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    told: dict[str, bool] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def of_the_original(place: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    programs = install(tmp_path_factory.mktemp("original") / "venv")
    return asked(programs / "python", place, "original")


@pytest.fixture(scope="module")
def of_ours(place: Path) -> dict[str, bool]:
    return asked(sys.executable, place, "ours")


@pytest.mark.parametrize("name", NAMES)
def test_a_hole_of_the_original_is_closed(
    name: str, of_the_original: dict[str, bool], of_ours: dict[str, bool]
) -> None:
    assert (of_the_original[name], of_ours[name]) == (True, False)
