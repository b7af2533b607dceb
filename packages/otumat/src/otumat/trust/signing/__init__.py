"""
Signers: whatever holds a private key and lends a hand.

    private.py   a PEM file, with or without passphrase; the environment. Needs `cryptography`.
    agent.py     ssh-agent, which shows no key to anybody. Needs nothing.
    hsm.py       a key in a PKCS #11 token. Needs `otumat[pkcs11]`.
    found.py     which signer an address means; where others plug in
    making.py    new keys

A signer has `public` (a PublicKey), `can_sign_legacy`, `sign(message)` and `sign_legacy(message)`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from otumat.spec.keys import PublicKey

    class Signer(Protocol):
        """
        Attributes:
            public: The key that its signatures are checked with.
            can_sign_legacy: Whether `sign_legacy` works: an RSA key that makes PSS signatures does.
        """

        @property
        def public(self) -> PublicKey: ...

        @property
        def can_sign_legacy(self) -> bool: ...

        def sign(self, message: bytes) -> bytes:
            """Plain Ed25519, ECDSA (SHA-256, DER), RSA-PSS (SHA-256, salt of 32 bytes or more), or SSHSIG."""
            ...

        def sign_legacy(self, message: bytes) -> str:
            """Content of `{module}.sig`: PSS with the longest salt, base64 in one line."""
            ...
