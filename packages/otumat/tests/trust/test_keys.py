"""Keys and their signatures: T52, RFC 8032, and `cryptography` as the oracle."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from otumat.errors import Invalid
from otumat.spec.keys import BadKey, PublicKey, ed25519, key_problems, p256, rsa
from otumat.spec.keys.public import ed25519_key, p256_key, rsa_key
from otumat.trust.signing import private
from otumat.trust.signing.agent import agent_keys, pick

if TYPE_CHECKING:
    from pathlib import Path

# RFC 8032, 7.1: public key, message, signature.
RFC8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]
L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19


@pytest.mark.parametrize(("public", "message", "signature"), RFC8032)
def test_the_vectors_of_rfc_8032_hold_and_nothing_beside_them(public: str, message: str, signature: str) -> None:
    key, data, raw = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert ed25519.verify(key, raw, data)
    assert not ed25519.verify(key, raw, data + b"\0")
    s = int.from_bytes(raw[32:], "little")
    malleable = raw[:32] + (s + L).to_bytes(32, "little")
    assert not ed25519.verify(key, malleable, data)
    assert not ed25519.verify(key, raw + b"\0", data)


SMALL = [0, 1, P - 1, P, P + 1, 2707385501144840649318225287225658788936804267575313519463743609750303402022]


@pytest.mark.parametrize("y", SMALL)
@pytest.mark.parametrize("sign", [0, 1])
def test_T52_points_of_small_order_are_no_keys(y: int, sign: int) -> None:
    raw = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(BadKey):
        ed25519_key(raw)
    assert not ed25519.verify(raw, raw + bytes(32), b"any")


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.integers(0, 511), st.integers(0, 255))
def test_ed25519_agrees_with_cryptography(seed: bytes, message: bytes, bit: int, other: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    raw = key.public_key().public_bytes_raw()
    signature = key.sign(message)
    assert ed25519.verify(raw, signature, message)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert ed25519.verify(raw, bytes(changed), message) == _theirs(raw, bytes(changed), message)
    assert not ed25519.verify(raw, signature, message + bytes([other]))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 2**255), st.binary(max_size=40), st.integers(0, 70 * 8), st.integers(0, 255))
def test_p256_agrees_with_cryptography(secret: int, message: bytes, bit: int, other: int) -> None:
    key = ec.derive_private_key(secret, ec.SECP256R1())
    raw = _point(key)
    signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
    assert p256.verify(raw, signature, message)
    assert not p256.verify(raw, signature, message + bytes([other]))
    changed = bytearray(signature)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    if p256.read_signature(bytes(changed)) is not None:  # theirs is more lenient about the form
        assert p256.verify(raw, bytes(changed), message) == _theirs_p256(key, bytes(changed), message)


@pytest.mark.parametrize("format_name", ["PKCS8", "TraditionalOpenSSL"])
def test_a_p256_key_in_a_file_signs(format_name: str, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    how = getattr(serialization.PrivateFormat, format_name)
    (tmp_path / "k.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, how, serialization.NoEncryption()))
    signer = private.read_file(tmp_path / "k.pem")
    assert (signer.public.kind, signer.public.bits, signer.can_sign_legacy) == ("ecdsa-p256", 256, False)
    signature = signer.sign(b"message")
    assert p256.verify(signer.public.raw, signature, b"message")
    assert signer.public.verifies(signature, b"message")
    assert not signer.public.verifies(signature, b"another")
    with pytest.raises(Invalid, match="ecdsa-p256"):
        signer.sign_legacy(b"value")


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    point = serialization.PublicFormat.UncompressedPoint
    return key.public_key().public_bytes(serialization.Encoding.X962, point)[1:]


def _theirs_p256(key: ec.EllipticCurvePrivateKey, signature: bytes, message: bytes) -> bool:
    try:
        key.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


# FIPS 186-4 test vectors, P-256 with SHA-256: RFC 6979, A.2.5, whose key signs "sample" and "test".
RFC6979 = [
    (
        b"sample",
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    (
        b"test",
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
]
RFC6979_KEY = (
    "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
    "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"
)


@pytest.mark.parametrize(("message", "r", "s"), RFC6979)
def test_T50_the_vectors_of_rfc_6979_hold_in_their_one_form(message: bytes, r: int, s: int) -> None:
    raw, good = bytes.fromhex(RFC6979_KEY), p256.written_signature(r, s)
    assert p256.verify(raw, good, message)
    assert not p256.verify(raw, good, message + b"\0")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for numbers in ((0, s), (r, 0), (r + order, s), (r, s + order), (order, s), (s, r)):
        assert not p256.verify(raw, p256.written_signature(*numbers), message)
    longer = good.replace(good[:2], bytes([0x30, 0x81, good[1]]), 1)
    for other in (good + b"\0", longer, good[:-1], b"", r.to_bytes(32, "big") + s.to_bytes(32, "big")):
        assert not p256.verify(raw, other, message)


def test_T52_points_off_the_curve_compressed_points_and_other_curves_are_no_keys() -> None:
    raw = bytes.fromhex(RFC6979_KEY)
    assert PublicKey.from_der(p256_key(raw).spki).kind == "ecdsa-p256"
    for bad in (bytes(64), raw[:-1] + bytes([raw[-1] ^ 1]), raw[:63], raw + b"\0", b"\xff" * 64):
        with pytest.raises(BadKey):
            p256_key(bad)
    key = ec.derive_private_key(5, ec.SECP256R1()).public_key()
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    der, spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    compressed = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    whole = key.public_bytes(der, spki)
    shorter = whole[:1] + bytes([whole[1] - 32]) + whole[2:-66] + bytes([0x22, 0]) + compressed
    for spelling in (other.public_bytes(der, spki), whole[:-65] + compressed, shorter):
        with pytest.raises(BadKey):
            PublicKey.from_der(spelling)


def _theirs(raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@settings(max_examples=40, deadline=None)
@given(message=st.binary(max_size=40), salt=st.integers(0, 222), at=st.integers(0, 255), change=st.integers(0, 255))
def test_pss_agrees_with_cryptography(message: bytes, salt: int, at: int, change: int) -> None:
    key = _rsa2048()
    public = key.public_key().public_numbers()
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    signature = bytearray(key.sign(message, pss, hashes.SHA256()))
    assert rsa.verify_pss(public.n, public.e, bytes(signature), message)
    assert rsa.verify_pss(public.n, public.e, bytes(signature), message, least_salt=salt)
    assert not rsa.verify_pss(public.n, public.e, bytes(signature), message, least_salt=salt + 1)
    signature[at] ^= change
    assert rsa.verify_pss(public.n, public.e, bytes(signature), message) == (change == 0)


_KEPT: list[Any] = []


def _rsa2048() -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa as make

    if not _KEPT:
        _KEPT.append(make.generate_private_key(public_exponent=65537, key_size=2048))
    return _KEPT[0]


def test_a_signature_that_is_the_same_number_written_longer_does_not_hold() -> None:
    key = _rsa2048()
    public = key.public_key().public_numbers()
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    signature = key.sign(b"x", pss, hashes.SHA256())
    assert not rsa.verify_pss(public.n, public.e, b"\0" + signature, b"x")
    more = int.from_bytes(signature, "big") + public.n
    assert not rsa.verify_pss(public.n, public.e, more.to_bytes(257, "big")[-256:], b"x") or more >> 2048


@pytest.mark.parametrize("size", [1025, 1030, 2041, 2047])
def test_keys_of_odd_sizes_verify_too(size: int) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa as make

    key = make.generate_private_key(public_exponent=65537, key_size=size)
    numbers = key.public_key().public_numbers()
    signature = key.sign(b"x", padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH), hashes.SHA256())
    assert rsa.verify_pss(numbers.n, numbers.e, signature, b"x")


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA512()])
def test_pkcs1_agrees_with_cryptography(algorithm: Any) -> None:
    key = _rsa2048()
    public = key.public_key().public_numbers()
    signature = key.sign(b"x", padding.PKCS1v15(), algorithm)
    assert rsa.verify_pkcs1(public.n, public.e, signature, b"x", algorithm=algorithm.name)
    assert not rsa.verify_pkcs1(public.n, public.e, signature, b"y", algorithm=algorithm.name)


def bad_files(pair: Any) -> dict[str, bytes]:
    good = pair.public.read_bytes()
    key = pair.key
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return {
        "private PEM": pair.private.read_bytes(),
        "encrypted private PEM": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        ),
        "DER": key.public_key().public_bytes(serialization.Encoding.DER, form),
        "PKCS 1": key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        "certificate": good.replace(b"PUBLIC KEY", b"CERTIFICATE"),
        "two blocks": good + good,
        "text before": b"hello\n" + good,
        "text behind": good + b"hello\n",
        "OpenSSH": key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-8 with a mark": b"\xef\xbb\xbf" + good,
        "another curve": ec.generate_private_key(ec.SECP384R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, form),
        "junk inside": good.replace(b"\nM", b"\n*M", 1),
        "nothing": b"",
        "endless": good + b"\n" * 100_000,
    }


NAMES = ["private PEM", "encrypted private PEM", "DER", "PKCS 1", "certificate", "two blocks", "text before",
         "text behind", "OpenSSH", "UTF-16", "UTF-8 with a mark", "another curve", "junk inside", "nothing",
         "endless"]  # fmt: skip


@pytest.mark.parametrize("how", NAMES)
def test_T52_what_is_no_public_key_is_refused_and_never_quoted(how: str, keys: Any) -> None:
    data = bad_files(keys("rsa2048"))[how]
    with pytest.raises(BadKey) as told:
        PublicKey.from_pem(data)
    assert "MII" not in str(told.value)


def test_T52_keys_that_are_no_good(keys: Any) -> None:
    n = PublicKey.from_pem(keys("rsa2048").public.read_bytes()).n
    for modulus, exponent in ((n, 1), (n, 2), (n, 65536), (n + 1, 65537), (1 << 20_000 | 1, 65537), (7, 65537)):
        with pytest.raises(BadKey):
            rsa_key(modulus, exponent)
    assert [each.code for each in key_problems(rsa_key(n, 3))] == ["key.exponent"]


def test_T52_moduli_that_can_be_taken_apart(keys: Any) -> None:
    numbers = keys("rsa2048").key.private_numbers()
    p, q = numbers.p, numbers.q
    other = keys("rsa3072").key.private_numbers().p
    cases = {
        "key.shared_prime": rsa_key(p * other, 65537),
        "key.factor": rsa_key(p * q * 1999, 65537),
        "key.close_primes": rsa_key(p * p, 65537),
        "key.prime": rsa_key((1 << 2203) - 1, 65537),
    }
    known = [PublicKey.from_pem(keys("rsa2048").public.read_bytes())]
    for code, key in cases.items():
        assert code in [each.code for each in key_problems(key, others=known if code == "key.shared_prime" else [])]
    assert key_problems(known[0], others=known) == []


def test_one_key_has_one_der(keys: Any) -> None:
    der = PublicKey.from_pem(keys("rsa2048").public.read_bytes()).spki
    assert PublicKey.from_der(der).spki == der
    for at in range(40):
        changed = bytearray(der)
        changed[at] ^= 0x80
        try:
            assert PublicKey.from_der(bytes(changed)).spki == bytes(changed)
        except BadKey:
            continue
    with pytest.raises(BadKey):
        PublicKey.from_der(der + b"\0")


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    """A real ssh-agent, on a socket of its own, with one key of each kind."""
    import shutil

    if not shutil.which("ssh-agent"):
        pytest.skip("ssh-agent is not installed")
    place = f"/tmp/otumat-agent-{os.getpid()}"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", place], stdout=subprocess.DEVNULL)
    environ = {"SSH_AUTH_SOCK": place, "PATH": os.environ["PATH"]}
    try:
        while not os.path.exists(place):
            assert process.poll() is None
        for kind in ("ed25519", "rsa", "ecdsa"):
            key = tmp_path / kind
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"my-{kind}", "-f", key], check=True)
            subprocess.run(["ssh-add", "-q", key], env=environ, check=True)
        yield environ
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_H10_ssh_agent_signs_and_ssh_keygen_agrees(kind: str, agent: Any, tmp_path: Path) -> None:
    signer = pick(agent_keys(agent), f"my-{kind}")
    signature = signer.sign(b"message")
    assert PublicKey.from_openssh((tmp_path / f"{kind}.pub").read_text()) == signer.public
    assert signer.public.verifies(signature, b"message")
    assert not signer.public.verifies(signature, b"another")
    (tmp_path / "allowed").write_text("me " + (tmp_path / f"{kind}.pub").read_text())
    import base64

    text = base64.b64encode(signature).decode()
    (tmp_path / "sig").write_text(f"-----BEGIN SSH SIGNATURE-----\n{text}\n-----END SSH SIGNATURE-----\n")
    line = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "me", "-n", "otumat", "-s", "sig"]
    done = subprocess.run(line, cwd=tmp_path, input=b"message", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ssh_signatures_of_another_namespace_do_not_count(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    (tmp_path / "m").write_bytes(b"message")
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", tmp_path / "k", "-n", "git", tmp_path / "m"], check=True)
    import base64

    body = "".join((tmp_path / "m.sig").read_text().splitlines()[1:-1])
    key = PublicKey.from_openssh((tmp_path / "k.pub").read_text())
    assert not key.verifies(base64.b64decode(body), b"message")
