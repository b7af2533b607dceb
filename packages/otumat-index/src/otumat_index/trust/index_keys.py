"""The index's own keys, which sign the lists of its projects' keys: set, or made once and kept in the data folder."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from otumat.errors import Invalid, Problem
from otumat.spec.keys import PublicKey
from otumat_index.config import Config

BLOCK = re.compile(r"-----BEGIN PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END PRIVATE KEY-----")
MOST = 8


@dataclass(frozen=True, slots=True)
class Signer:
    """One key of the index; `repr` shows its public half alone."""

    public: PublicKey
    key: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)

    def __repr__(self) -> str:
        return f"Signer({self.public.id[:16]}…)"


def signers(config: Config) -> Sequence[Signer]:
    """
    The index's keys, the newest first. While there are several, every one signs: who remembers an old one learns of
    the new one by its signature.

    Raises:
        Invalid: What is set is no PEM of Ed25519 keys.
    """
    return read(config.trust_key) if config.trust_key else kept(config.data / "trust.key")


def kept(path: Path) -> Sequence[Signer]:
    """Those of a file; of two first starts at once, one makes it and both read it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"trust.{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        try:  # a link never overwrites
            path.hardlink_to(made)
        except FileExistsError:
            pass
        made.unlink()
    return of_file(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def of_file(path: Path, mtime_ns: int) -> Sequence[Signer]:
    return read(path.read_text("ascii", "replace"))


@lru_cache(maxsize=4)
def read(pem: str) -> Sequence[Signer]:
    """The keys of a text of PEM blocks."""
    try:
        found = [load_pem_private_key(block.encode(), None) for block in BLOCK.findall(pem)]
    except (ValueError, TypeError):
        found = []
    if not 1 <= len(found) <= MOST:
        raise unusable("holds no private keys in PEM, or too many")
    return tuple(signer(each) for each in found)


def signer(key: object) -> Signer:
    if not isinstance(key, Ed25519PrivateKey):
        raise unusable("holds a key of another kind than Ed25519")
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Signer(PublicKey.from_der(spki), key)


def unusable(why: str) -> Invalid:
    message = f"The key that signs lists of keys (TRUST_KEY, or trust.key in the data folder) {why}."
    hint = "Make one with: openssl genpkey -algorithm ed25519"
    return Invalid([Problem("setting.malformed", "trust_key", message, hint=hint)], message=message, hint=hint)
