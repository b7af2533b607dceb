"""
A PEP 517 build backend that has another one build, and signs the wheels.

    [build-system]
    requires = ["otumat[trust]", "hatchling"]
    build-backend = "otumat.trust.backend"

    [tool.otumat]
    backend = "hatchling.build"       # the one that builds; backend-path as in [build-system] is taken too
    key = "~/keys/plugin.pem"         # or agent:NAME, env:NAME; the variable OTUMAT_SIGNING_ADDRESS wins over it
    sequence = 7                      # optional: for hosts that refuse older releases
    unsigned = "refuse"               # or "allow": without a key, build anyway, and say so

Every other hook is the other backend's own. Editable builds are left unsigned: what they link to changes.
"""

from __future__ import annotations

import os
import sys
import tomllib
from importlib import import_module
from typing import TYPE_CHECKING

from otumat.errors import Invalid, NotFound, Problem

if TYPE_CHECKING:
    from typing import Any

_HOOKS = frozenset(
    {
        "build_sdist",
        "build_editable",
        "get_requires_for_build_wheel",
        "get_requires_for_build_sdist",
        "get_requires_for_build_editable",
        "prepare_metadata_for_build_wheel",
        "prepare_metadata_for_build_editable",
    }
)
ADDRESS_VARIABLE = "OTUMAT_SIGNING_ADDRESS"


def build_wheel(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Have the wheel built, and sign it where it lies."""
    table = _table()
    address = os.environ.get(ADDRESS_VARIABLE) or str(table.get("key", ""))
    if not address and table.get("unsigned", "refuse") != "allow":
        # Before the build: an unsigned wheel must not lie around looking like a signed one.
        raise NotFound(
            "There is no key to sign the wheel with.",
            code="key.missing",
            hint=f'Set {ADDRESS_VARIABLE}, or key in [tool.otumat], or unsigned = "allow" there.',
        )
    signers = [_signer(address)] if address else []
    name: str = _backend(table).build_wheel(wheel_directory, config_settings, metadata_directory)
    if signers:
        from otumat.trust.wheel import sign_wheels

        sign_wheels([os.path.join(wheel_directory, name)], signers, sequence=int(table.get("sequence", 0)))
    else:
        print(f"otumat: {name} is not signed: no key is set.", file=sys.stderr)
    return name


def __getattr__(name: str) -> object:
    """The other backend's hooks, as far as it has them: front ends look for them by name (PEP 517, PEP 660)."""
    if name not in _HOOKS:
        raise AttributeError(f"module 'otumat.trust.backend' has no attribute {name!r}")
    return getattr(_backend(_table()), name)


def _signer(address: str) -> Any:
    from otumat.trust.signing.found import find_signer

    return find_signer(address, environ=os.environ)


def _table() -> dict[str, Any]:
    """`[tool.otumat]` of the project, whose root is the working directory (PEP 517)."""
    with open("pyproject.toml", "rb") as file:
        table = tomllib.load(file).get("tool", {}).get("otumat", {})
    known = {"backend": str, "backend-path": list, "key": str, "sequence": int, "unsigned": str}
    wrong = sorted(name for name, value in table.items() if name not in known or not isinstance(value, known[name]))
    if wrong or table.get("backend", "").startswith("otumat.") or "backend" not in table:
        which = ", ".join(wrong) or "backend"
        told = f"[tool.otumat] in pyproject.toml cannot be used: {which} is missing, unknown or of another kind."
        hint = 'It needs the backend that builds, such as: backend = "hatchling.build"'
        raise Invalid([Problem("backend.table", "tool.otumat", told, hint=hint)], message=told, hint=hint)
    return dict(table)


def _backend(table: dict[str, Any]) -> Any:
    """The object that `backend` names, `module:object.attribute` (PEP 517)."""
    for folder in reversed([os.path.abspath(each) for each in table.get("backend-path", [])]):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    module, _, path = str(table["backend"]).partition(":")
    found: Any = import_module(module)
    for part in filter(None, path.split(".")):
        found = getattr(found, part)
    return found
