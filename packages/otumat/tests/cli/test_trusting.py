"""`otumat keygen`, `otumat sign`, `otumat verify` and `otumat keys`, as people use them."""

from __future__ import annotations

import json
import stat
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pexpect  # type: ignore[import-untyped]
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    contents = {
        "plugin1/__init__.py": b"x = 1\n",
        "plugin1-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: plugin1\nVersion: 1.0\n",
        "plugin1-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{path},sha256={urlsafe_b64encode(sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
        for path, data in contents.items()
    ]
    contents["plugin1-1.0.dist-info/RECORD"] = "".join([*rows, "plugin1-1.0.dist-info/RECORD,,\n"]).encode()
    (tmp_path / "dist").mkdir()
    path = tmp_path / "dist" / "plugin1-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_from_a_key_to_a_verdict(otumat: Otumat, wheel: Path, site: Path, tmp_path: Path) -> None:
    """The story of the guide: make a key, sign, trust it, verify; then somebody changes the plugin."""
    made = otumat("keygen", "k.pem", "--passphrase-stdin", stdin="open sesame\n")
    assert made.returncode == 0, made.stderr
    assert "whoever has it signs in your name" in made.stderr
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    assert b"ENCRYPTED" in (tmp_path / "k.pem").read_bytes()
    signed = otumat("sign", wheel, "--key", "k.pem", OTUMAT_SIGNING_PASSPHRASE="open sesame")
    assert signed.returncode == 0, signed.stderr
    zipfile.ZipFile(wheel).extractall(site)
    stranger = otumat("verify", "plugin1", "--path", site)
    assert (stranger.returncode, "untrusted-key" in stranger.stdout) == (11, True)
    added = otumat("keys", "add", "k.pem.pub", "--for", "plugin1", "--note", "Alice")
    assert added.returncode == 0, added.stderr
    good = otumat("verify", "plugin1", "--path", site)
    assert good.returncode == 0, good.stdout
    assert "(Alice)" in good.stdout
    (site / "plugin1" / "evil.py").write_text("evil = 1\n")
    bad = otumat("verify", "plugin1", "--path", site, "--json")
    told = json.loads(bad.stdout)
    assert (bad.returncode, told["ok"], told["verdicts"][0]["added"]) == (13, False, ["plugin1/evil.py"])
    everything = otumat("verify", "--env", "--path", site)
    assert everything.returncode == 13
    assert "plugin1/evil.py is not part of what was signed" in everything.stdout


def test_a_wheel_is_verified_before_it_is_installed(otumat: Otumat, wheel: Path) -> None:
    otumat("keygen", "k.pem", "--no-passphrase", "--rsa")
    assert otumat("verify", wheel, "--key", "k.pem.pub").returncode == 10
    assert otumat("sign", wheel, "--check", "--key", "k.pem").returncode == 1
    assert otumat("sign", wheel, "--key", "k.pem").returncode == 0
    assert otumat("sign", wheel, "--check", "--key", "k.pem").returncode == 0
    assert otumat("verify", wheel, "--key", "k.pem.pub").returncode == 0
    assert "plugin1-1.0.dist-info/plugin1.sig" in zipfile.ZipFile(wheel).namelist()


def test_the_passphrase_is_asked_for_twice_and_once_more_to_sign(
    at_a_terminal: Any, wheel: Path, tmp_path: Path
) -> None:
    child = at_a_terminal("keygen", "k.pem")
    for answer in ("one", "another"):
        child.expect(": ")
        child.sendline(answer)
    child.expect("The two differ")
    child.expect(pexpect.EOF)
    assert not (tmp_path / "k.pem").exists()
    child = at_a_terminal("keygen", "k.pem")
    for _ in range(2):
        child.expect(": ")
        child.sendline("one")
    child.expect(pexpect.EOF)
    child = at_a_terminal("sign", str(wheel), "--key", "k.pem")
    child.expect("Passphrase of k.pem: ")
    child.sendline("one")
    child.expect("signed")
    child.expect(pexpect.EOF)


def test_a_key_is_never_written_over_anything(otumat: Otumat, tmp_path: Path) -> None:
    assert otumat("keygen", "k.pem", "--no-passphrase").returncode == 0
    before = (tmp_path / "k.pem").read_bytes()
    done = otumat("keygen", "k.pem", "--no-passphrase")
    assert (done.returncode, (tmp_path / "k.pem").read_bytes()) == (1, before)
    assert "There is something at 'k.pem' already" in done.stderr


def test_without_anybody_to_ask_a_passphrase_must_be_settled(otumat: Otumat, tmp_path: Path) -> None:
    done = otumat("keygen", "k.pem")
    assert done.returncode == 2
    assert "--no-passphrase" in done.stderr
    assert not (tmp_path / "k.pem").exists()


def test_a_key_made_in_a_repository_is_warned_of(otumat: Otumat, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert "This folder is a repository" in otumat("keygen", "k.pem", "--no-passphrase").stderr


def test_the_environment_holds_a_key_as_well(otumat: Otumat, wheel: Path, tmp_path: Path) -> None:
    otumat("keygen", "k.pem", "--no-passphrase")
    pem = (tmp_path / "k.pem").read_text()
    assert otumat("sign", wheel, OTUMAT_SIGNING_KEY=pem).returncode == 0
    assert otumat("sign", wheel, "--check", "--key", "env:MY_KEY", MY_KEY=pem).returncode == 0


@pytest.mark.parametrize("key", ["gone.pem", "env:NOTHING", "agent:", "kms:eu/key/1"])
def test_a_key_that_is_not_there_is_a_sentence(key: str, otumat: Otumat, wheel: Path) -> None:
    done = otumat("sign", wheel, "--key", key)
    assert done.returncode == 2
    assert done.stderr.startswith("otumat: ")
    assert "Traceback" not in done.stderr


def test_a_wrong_passphrase_and_a_public_key_sign_nothing(otumat: Otumat, wheel: Path) -> None:
    otumat("keygen", "k.pem", "--passphrase-stdin", stdin="right\n")
    before = wheel.read_bytes()
    for key, told in (("k.pem", "does not open"), ("k.pem.pub", "holds a public key")):
        done = otumat("sign", wheel, "--key", key, OTUMAT_SIGNING_PASSPHRASE="wrong")
        assert (done.returncode, told in done.stderr) == (1, True)
    assert wheel.read_bytes() == before


def test_the_policy_is_kept_listed_changed_and_revoked(otumat: Otumat, wheel: Path, tmp_path: Path) -> None:
    otumat("keygen", "k.pem", "--no-passphrase")
    otumat("sign", wheel, "--key", "k.pem")
    policy = tmp_path / "p.json"
    words = ("--policy", str(policy))
    assert otumat("keys", "add", "k.pem.pub", "--for", "Plugin1", "--expires", "2999-01-01", *words).returncode == 0
    listed = json.loads(otumat("keys", "list", "--json", *words).stdout)["projects"]["plugin1"]
    assert listed["keys"][0]["expires"] == "2999-01-01T00:00:00Z"
    assert otumat("verify", wheel, *words).returncode == 0
    assert otumat("keys", "ask", "plugin1", "--minimum-version", "1.1", *words).returncode == 0
    assert otumat("verify", wheel, *words).returncode == 16
    assert otumat("keys", "ask", "plugin1", "--threshold", "0", *words).returncode == 1
    assert otumat("keys", "revoke", listed["keys"][0]["id"][:8], "--reason", "compromised", *words).returncode == 0
    assert otumat("verify", wheel, *words).returncode == 14
    assert otumat("keys", "remove", listed["keys"][0]["id"], "--for", "plugin1", *words).returncode == 0
    assert otumat("verify", wheel, *words).returncode == 11


def test_a_policy_that_cannot_be_understood_trusts_nobody(otumat: Otumat, wheel: Path, tmp_path: Path) -> None:
    for text in ("{", '{"otumatPolicy": 2, "projects": {}}', '{"otumatPolicy": 1, "projects": {"a": {"treshold": 2}}}'):
        (tmp_path / "p.json").write_text(text)
        done = otumat("verify", wheel, "--policy", "p.json")
        assert (done.returncode, "cannot be used" in done.stderr) == (1, True)


def test_keys_of_openssh_are_taken_and_private_ones_are_not(otumat: Otumat, tmp_path: Path) -> None:
    otumat("keygen", "k.pem", "--no-passphrase")
    done = otumat("keys", "add", "k.pem", "--for", "a", "--policy", "p.json")
    assert (done.returncode, "PRIVATE key" in done.stderr) == (1, True)
    assert not (tmp_path / "p.json").exists()


def test_what_is_to_be_verified_must_be_said(otumat: Otumat) -> None:
    assert otumat("verify").returncode == 2
    assert otumat("verify", "a", "--env").returncode == 2
    assert otumat("verify", "no-such-distribution").returncode == 21
