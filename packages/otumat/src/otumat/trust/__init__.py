"""
Trust: signatures made when something is built, checked where it is installed, before any of it runs.

    legacy.py       hash_pkg, sign, verify: the interface and the signatures of otumat 0.3
    signing/        whatever holds a private key
    wheel/          wheels: signed after the build, checked before the install
    installed/      what is on disk: found, compared, judged
    policy.py       whom is trusted for what
    judging.py      the verdict on signatures of the 0.3 kind
    enforce/        plugins loaded from the bytes that were checked; pluggy.py, stevedore.py, pytest.py: for those hosts
    backend.py      a PEP 517 backend that signs what another backend builds
    setuptools_keywords.py    setup(privkey_path=…, pubkey_path=…)

Public keys are in `otumat.spec.keys`, and the pure core (bytes and keys in, a Verdict out) in `otumat.spec.vouching`,
for an index asks the same. The path from a name to a verdict imports the standard library alone, and little of that.
Start with `installed/distribution.py`; the format is in `docs/protocol/signature.md`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.spec.vouching.keyring import KeyRecord, ProjectTrust
    from otumat.spec.vouching.verdict import Finding, Verdict, Voucher
    from otumat.trust.enforce.deciding import Decision
    from otumat.trust.enforce.loading import Loaded, decide_entry_points, load_entry_points
    from otumat.trust.enforce.refusal import UntrustedImport, UntrustedPlugin
    from otumat.trust.enforce.rules import Enforcement, GroupRules
    from otumat.trust.installed.distribution import verify_distribution
    from otumat.trust.installed.environment import verify_environment
    from otumat.trust.legacy import WeakKeyWarning, hash_pkg, sign, verify
    from otumat.trust.policy import Policy
    from otumat.trust.tree import NoTree
    from otumat.trust.wheel import sign_wheels, verify_wheel

_HOMES = {
    "Decision": "otumat.trust.enforce.deciding",
    "Enforcement": "otumat.trust.enforce.rules",
    "GroupRules": "otumat.trust.enforce.rules",
    "Loaded": "otumat.trust.enforce.loading",
    "UntrustedImport": "otumat.trust.enforce.refusal",
    "UntrustedPlugin": "otumat.trust.enforce.refusal",
    "decide_entry_points": "otumat.trust.enforce.loading",
    "load_entry_points": "otumat.trust.enforce.loading",
    "Finding": "otumat.spec.vouching.verdict",
    "KeyRecord": "otumat.spec.vouching.keyring",
    "NoTree": "otumat.trust.tree",
    "Policy": "otumat.trust.policy",
    "ProjectTrust": "otumat.spec.vouching.keyring",
    "Verdict": "otumat.spec.vouching.verdict",
    "Voucher": "otumat.spec.vouching.verdict",
    "WeakKeyWarning": "otumat.trust.legacy",
    "hash_pkg": "otumat.trust.legacy",
    "sign": "otumat.trust.legacy",
    "sign_wheels": "otumat.trust.wheel",
    "verify": "otumat.trust.legacy",
    "verify_distribution": "otumat.trust.installed.distribution",
    "verify_environment": "otumat.trust.installed.environment",
    "verify_wheel": "otumat.trust.wheel",
}

__all__ = [
    "Decision",
    "Enforcement",
    "Finding",
    "GroupRules",
    "KeyRecord",
    "Loaded",
    "NoTree",
    "Policy",
    "ProjectTrust",
    "UntrustedImport",
    "UntrustedPlugin",
    "Verdict",
    "Voucher",
    "WeakKeyWarning",
    "decide_entry_points",
    "hash_pkg",
    "load_entry_points",
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
    value: object = getattr(__import__(_HOMES[name], fromlist=[name]), name)
    globals()[name] = value
    return value
