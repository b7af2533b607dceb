"""
The finder, first of `sys.meta_path`: it answers for every name that belongs to a guarded distribution, from what was
signed and never from what lies on the path, and for no other name.
"""

from __future__ import annotations

import sys
from _frozen_importlib import ModuleSpec  # importlib.machinery has the same two and costs 1 ms
from _frozen_importlib_external import PathFinder

from otumat.trust.enforce.loader import SignedLoader
from otumat.trust.enforce.refusal import UntrustedImport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from otumat.trust.enforce.guarded import Guarded


class Guard:
    """All guarded distributions of this process."""

    def __init__(self) -> None:
        self._modules: dict[str, Guarded] = {}
        self._units: dict[str, Guarded] = {}
        self._namespaces: dict[str, Guarded] = {}
        self._tops: set[str] = set()

    def admit(self, guarded: Guarded) -> Guarded:
        """
        Answer for a distribution from now on; one that is there already, and is the same, stays.

        Errors:
            UntrustedImport: `module.contested`, another one has its names.
        """
        for unit in guarded.units:
            known = self._units.get(unit)
            if known is not None and (known.name, known.root) != (guarded.name, guarded.root):
                told = f"The name {unit!r} belongs to {known.name} {known.version}, which is loaded."
                raise UntrustedImport(told, name=unit, code="module.contested")
        known = next((self._units[unit] for unit in guarded.units if unit in self._units), guarded)
        self._modules |= dict.fromkeys(known.modules, known)
        self._units |= dict.fromkeys(known.units, known)
        self._namespaces |= dict.fromkeys(known.namespaces, known)
        self._tops |= {name.partition(".")[0] for name in known.modules}
        self.go_first()
        return known

    def go_first(self) -> None:
        """Other tools put finders of theirs in front, once they are imported."""
        if not sys.meta_path or sys.meta_path[0] is not self:
            if self in sys.meta_path:
                sys.meta_path.remove(self)  # type: ignore[arg-type]
            sys.meta_path.insert(0, self)  # type: ignore[arg-type]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """
        Errors:
            ModuleNotFoundError: the name is ours, and there is no such module; no other finder may be asked.
            UntrustedImport: something of that name lies there, and nobody signed it.
        """
        if (guarded := self._modules.get(fullname)) is not None:
            return SignedLoader(fullname, guarded, guarded.modules[fullname], self.go_first).spec()
        if fullname.partition(".")[0] not in self._tops:
            return None
        if (guarded := self._namespaces.get(fullname)) is not None:
            return _shared(guarded, fullname, path)
        if (guarded := self._owner(fullname)) is not None:
            raise guarded.missing(fullname)
        return None

    def invalidate_caches(self) -> None:
        """There are none."""

    def _owner(self, fullname: str) -> Guarded | None:
        parts = fullname.split(".")
        names = (".".join(parts[: count + 1]) for count in range(len(parts)))
        return next((self._units[name] for name in names if name in self._units), None)


def _shared(guarded: Guarded, fullname: str, path: Sequence[str] | None) -> ModuleSpec:
    """A folder that belongs to nobody alone (PEP 420): whatever the path says of it, as long as it runs no code."""
    ours = guarded.place(fullname.replace(".", "/"))
    found = PathFinder.find_spec(fullname, path)
    if found is not None and found.loader is not None:
        told = f"{fullname} has code at {found.origin!r}, which nobody signed."
        raise guarded.refused(fullname.replace(".", "/"), told, module=fullname, code="module.shadowed")
    elsewhere = [*(found.submodule_search_locations or ())] if found else []
    if found is not None and ours in elsewhere:
        return found
    spec = ModuleSpec(fullname, None, is_package=True)
    spec.submodule_search_locations = [*elsewhere, ours]
    return spec


GUARD = Guard()
