"""
Trust: signatures made when something is built, checked where it is installed, before any of it runs.

    legacy.py       hash_pkg, sign, verify: the interface and the signatures of otumat 0.3
    keys/           public keys and the signatures they check; the standard library alone
    signing/        whatever holds a private key
    wheel/          wheels: signed after the build, checked before the install
    installed/      what is on disk: found, compared, judged
    policy.py       whom is trusted for what
    vouching.py, comparing.py, judging.py    the pure core: bytes and keys in, a Verdict out
    backend.py      a PEP 517 backend that signs what another backend builds
    setuptools_keywords.py    setup(privkey_path=…, pubkey_path=…)

The path from a name to a verdict imports the standard library alone, and little of that. Start with
`installed/distribution.py`; the format is in `docs/protocol/signature.md`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.trust.installed.distribution import verify_distribution
    from otumat.trust.installed.environment import verify_environment
    from otumat.trust.legacy import WeakKeyWarning, hash_pkg, sign, verify
    from otumat.trust.policy import KeyRecord, Policy, ProjectTrust
    from otumat.trust.tree import NoTree
    from otumat.trust.verdict import Finding, Verdict, Voucher
    from otumat.trust.wheel import sign_wheels, verify_wheel

_HOMES = {
    "Finding": "verdict",
    "KeyRecord": "policy",
    "NoTree": "tree",
    "Policy": "policy",
    "ProjectTrust": "policy",
    "Verdict": "verdict",
    "Voucher": "verdict",
    "WeakKeyWarning": "legacy",
    "hash_pkg": "legacy",
    "sign": "legacy",
    "sign_wheels": "wheel",
    "verify": "legacy",
    "verify_distribution": "installed.distribution",
    "verify_environment": "installed.environment",
    "verify_wheel": "wheel",
}

__all__ = [
    "Finding",
    "KeyRecord",
    "NoTree",
    "Policy",
    "ProjectTrust",
    "Verdict",
    "Voucher",
    "WeakKeyWarning",
    "hash_pkg",
    "sign",
    "sign_wheels",
    "verify",
    "verify_distribution",
    "verify_environment",
    "verify_wheel",
]


def __getattr__(name: str) -> object:
    """Look a public name up in its home, once (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'otumat.trust' has no attribute {name!r}")
    value: object = getattr(__import__(f"otumat.trust.{_HOMES[name]}", fromlist=[name]), name)
    globals()[name] = value
    return value
