"""A key in a PKCS #11 token: SoftHSM, which is one in software, signs wheels that the standard library verifies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otumat.errors import Invalid, NotFound
from otumat.spec.keys import PublicKey
from otumat.trust import KeyRecord, Policy, ProjectTrust, sign_wheels, verify_wheel
from otumat.trust.signing.found import find_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIN = "5678"
AT = "2026-01-31T12:00:00Z"
KINDS = {"rsa": ["rsa"], "p256": ["ecdsa-p256"], "ed": ["ed25519"]}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SoftHSM with a token `plugins` of its own that holds one key of each kind."""
    tool = shutil.which("softhsm2-util")
    found = next(Path("/usr/lib").glob("**/libsofthsm2.so"), None) if tool else None
    if tool is None or found is None:
        pytest.skip("no softhsm2 (Debian: apt-get install softhsm2)")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        line = [tool, "--init-token", "--free", "--label", "plugins", "--so-pin", "1234", "--pin", PIN]
        subprocess.run(line, check=True, capture_output=True)
        _make_keys(str(found))
        yield str(found)


def _make_keys(library: str) -> None:
    import pkcs11
    from pkcs11 import Attribute, KeyType, Mechanism
    from pkcs11.util.ec import encode_named_curve_parameters

    with pkcs11.lib(library).get_token(token_label="plugins").open(user_pin=PIN, rw=True) as session:
        session.generate_keypair(KeyType.RSA, 2048, store=True, label="rsa", id=b"\1")
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(
            store=True, label="p256", id=b"\2"
        )
        public, _ = session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(
            store=True, label="half", id=b"\4"
        )
        public.destroy()
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
        session.create_domain_parameters(KeyType.EC_EDWARDS, curve, local=True).generate_keypair(
            mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label="ed", id=b"\3"
        )


def signer(library: str, rest: str, pin: str = PIN) -> Any:
    return find_signer(f"pkcs11:token=plugins{rest}?module-path={library}", environ={}, passphrase=lambda name: pin)


@pytest.mark.parametrize("label", KINDS)
def test_H10_a_token_signs_a_wheel_that_is_trusted_then(
    label: str, library: str, wheel: Callable[..., Path], tmp_path: Path
) -> None:
    key = signer(library, f";object={label}")
    assert [key.public.kind] == KINDS[label]
    path = wheel(tmp_path, {"plugin1/__init__.py": b"x = 1\n"})
    sign_wheels([path], [key])
    policy = Policy({"plugin1": ProjectTrust([KeyRecord(PublicKey.from_pem(key.public.pem))])})
    with open(path, "rb") as file:
        verdict = verify_wheel(file, path.name, policy, at=AT)
    assert verdict, verdict.findings
    assert [each.key_id for each in verdict.keys] == [key.public.id]


def test_a_token_makes_signatures_of_the_0_3_kind_with_its_rsa_key(library: str) -> None:
    key = signer(library, ";id=%01")
    assert key.can_sign_legacy
    import binascii

    value = b"fd87736f6a5d5c32b453db33b50dc0013e2412d8"
    assert key.public.verifies_legacy(binascii.a2b_base64(key.sign_legacy(value)), value)
    assert not signer(library, ";object=ed").can_sign_legacy


def test_a_token_without_the_public_half_of_a_key_says_so(library: str) -> None:
    with pytest.raises(NotFound, match="public half"):
        signer(library, ";object=half")


def test_the_pin_comes_from_the_environment_and_the_library_too(library: str) -> None:
    environ = {"OTUMAT_SIGNING_PASSPHRASE": PIN, "PKCS11_MODULE": library}
    assert find_signer("pkcs11:object=p256", environ=environ).public.kind == "ecdsa-p256"


def test_what_is_wrong_is_said(library: str) -> None:
    with pytest.raises(NotFound, match="4 are meant: ed, half, p256, rsa"):
        signer(library, "")
    with pytest.raises(NotFound, match="0 are meant"):
        signer(library, ";object=gone")
    with pytest.raises(NotFound, match="0 tokens are meant"):
        find_signer(f"pkcs11:token=other?module-path={library}", environ={}, passphrase=lambda name: PIN)
    with pytest.raises(NotFound, match="cannot be used"):
        find_signer("pkcs11:token=plugins?module-path=/gone.so", environ={}, passphrase=lambda name: PIN)
    with pytest.raises(Invalid, match="nobody can be asked"):
        find_signer(f"pkcs11:token=plugins?module-path={library}", environ={})
    with pytest.raises(Invalid, match="No PKCS #11 library is named"):
        find_signer("pkcs11:token=plugins", environ={}, passphrase=lambda name: PIN)


def test_a_wrong_pin_is_told(library: str, wheel: Callable[..., Path], tmp_path: Path) -> None:
    path = wheel(tmp_path, {"plugin1/__init__.py": b"x = 1\n"})
    line = [sys.executable, "-m", "otumat", "sign", str(path), "--key", f"pkcs11:object=rsa?module-path={library}"]
    for pin, code in (("0000", 1), (PIN, 0)):
        environ = os.environ | {"OTUMAT_SIGNING_PASSPHRASE": pin}
        done = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)
        assert (done.returncode, "does not open with this PIN" in done.stderr) == (code, bool(code)), done.stderr


@pytest.mark.parametrize("address", ["pkcs11:token=a?pin-value=5678", "pkcs11:token=a?pin-source=file:/pin"])
def test_a_pin_in_the_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(Invalid, match="does not belong into an address") as caught:
        find_signer(address, environ={})
    assert "5678" not in str(caught.value)


def test_a_part_of_an_address_that_is_not_taken_is_told() -> None:
    with pytest.raises(Invalid, match="'slot-id'"):
        find_signer("pkcs11:slot-id=3", environ={})
