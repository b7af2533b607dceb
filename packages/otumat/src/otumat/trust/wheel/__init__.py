"""
Wheels: signed after they were built, by whatever built them, and checked before they are installed.

    reading.py     what is in a wheel: one pass, nothing unpacked, refused as an index would refuse it
    composing.py   the statement about it, and its signatures
    rewriting.py   the same archive with a few members more: every other byte is copied
    signing.py     `sign_wheels`: all of them, or none
    verifying.py   `verify_wheel`

Needs the extra `[trust]`: the defensive reader of archives uses `packaging`.
"""

from __future__ import annotations

from otumat.trust.wheel.signing import NO_RSA_KEY, Outcome, sign_wheels
from otumat.trust.wheel.verifying import verify_wheel

__all__ = ["NO_RSA_KEY", "Outcome", "sign_wheels", "verify_wheel"]
