"""
Otumat: the maintainer's side of Python packaging.

Four verbs, one folder each: `publish`, `discover`, `trust`, `usage`. What the client and an index say to each other is
written once, in `otumat.spec`. Start reading in `cli/__init__.py`, which is where a command enters.

Importing this package does nothing and brings in nothing: the names below are looked up when they are first used.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.errors import (
        Conflict,
        Invalid,
        NotFound,
        OtumatError,
        Problem,
        Refused,
        Unauthenticated,
        Unreachable,
        Untrusted,
    )
    from otumat.settings import Settings
    from otumat.trust.legacy import hash_pkg, sign, verify
    from otumat.usage.agent import UsageAgent

__version__ = "1.0.0"

_HOMES = {
    "Conflict": "otumat.errors",
    "Invalid": "otumat.errors",
    "NotFound": "otumat.errors",
    "OtumatError": "otumat.errors",
    "Problem": "otumat.errors",
    "Refused": "otumat.errors",
    "Settings": "otumat.settings",
    "Unauthenticated": "otumat.errors",
    "Unreachable": "otumat.errors",
    "Untrusted": "otumat.errors",
    "UsageAgent": "otumat.usage.agent",
    "hash_pkg": "otumat.trust.legacy",
    "sign": "otumat.trust.legacy",
    "verify": "otumat.trust.legacy",
}

__all__ = [
    "DISABLE_USAGE_TRACKING_PACKAGES",
    "Conflict",
    "Invalid",
    "NotFound",
    "OtumatError",
    "Problem",
    "Refused",
    "Settings",
    "Unauthenticated",
    "Unreachable",
    "Untrusted",
    "UsageAgent",
    "__version__",
    "hash_pkg",
    "sign",
    "verify",
]

DISABLE_USAGE_TRACKING_PACKAGES: list[str] = []
"""
Packages whose use is nobody's business while yours is loaded. Add to it, or bind it anew; it is read at every use.
"""


def __getattr__(name: str) -> object:
    """Look a public name up in its home, once (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'otumat' has no attribute {name!r}")
    home = __import__(_HOMES[name], fromlist=[name])
    value: object = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
