"""
Public keys, and the signatures they check. The standard library alone; no private key is ever read here.

    public.py    PublicKey: read from PEM, DER or an OpenSSH line, named by a digest, asked whether a signature holds
    strength.py  whether a key is one to rely on
    rsa.py, ed25519.py, p256.py, sshsig.py    the ways to sign
    der.py, pem.py                   how keys are written down

`cryptography` is used for the arithmetic when a program has imported it already; the decisions are the same ones.
"""

from __future__ import annotations

from otumat.spec.keys.public import ED25519, P256, RSA, BadKey, PublicKey
from otumat.spec.keys.strength import LEAST_BITS, LEAST_LEGACY_BITS, key_problems

__all__ = ["ED25519", "LEAST_BITS", "LEAST_LEGACY_BITS", "P256", "RSA", "BadKey", "PublicKey", "key_problems"]
