"""One distribution whose verdict was good: which module is which signed file, and its bytes, checked when read."""

from __future__ import annotations

import _imp
import hashlib
import os
import sys

from otumat.errors import OtumatError
from otumat.spec.vouching.verdict import MODIFIED, Finding
from otumat.trust import tree
from otumat.trust.enforce.refusal import UntrustedImport
from otumat.trust.installed.observing import SUFFIXES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import CodeType

    from otumat.spec.statement import SignedFile
    from otumat.trust.enforce.code_cache import CodeCache

SOURCE, EXTENSION, BYTECODE, FOLDER = "source", "extension", "bytecode", "folder"
_EXTENSIONS = tuple(_imp.extension_suffixes())


class Module:
    """
    One importable thing.

    Attributes:
        path: Below the site folder; of a `folder`, which is a package without `__init__`, the folder's.
        kind: `source`, `extension`, `bytecode` or `folder`.
        package: The folder of a package; empty for a module.
    """

    __slots__ = ("kind", "package", "path")

    def __init__(self, path: str, kind: str, package: str = "") -> None:
        self.path, self.kind, self.package = path, kind, package


class Guarded:
    """
    What may be imported of a distribution, and nothing else of it.

    Attributes:
        name, version, site: Of the distribution; `site` is the folder it is installed into.
        root: The digest of everything that was signed.
        files: Path below the site folder to what was signed of it.
        modules: Name to what it is.
        units: Uppermost packages and modules: each of their names belongs to this distribution alone.
        namespaces: Names of folders that other distributions may put modules into as well (PEP 420).
        findings: What was refused since.
        metadata: SHA-256 of the METADATA that was signed; empty where none was.
    """

    __slots__ = (
        "_pack",
        "files",
        "findings",
        "metadata",
        "modules",
        "name",
        "namespaces",
        "root",
        "site",
        "units",
        "version",
    )

    def __init__(
        self,
        name: str,
        version: str,
        *,
        site: str,
        root: str,
        files: Mapping[str, SignedFile],
        cache: CodeCache,
        metadata: str = "",
    ) -> None:
        self.name, self.version, self.site, self.root, self.metadata = name, version, site, root, metadata
        self._pack = cache.pack(root)
        self.files = dict(files)
        self.findings: list[Finding] = []
        self.modules, self.units, self.namespaces = _modules(self.files)

    def place(self, path: str) -> str:
        return f"{self.site}/{path}" if os.sep == "/" else os.path.join(self.site, *path.split("/"))

    def read(self, path: str) -> bytes:
        """
        The signed bytes of a file: read once, and compared as they are.

        Errors:
            UntrustedImport: they are others by now, or cannot be read.
        """
        signed = self.files[path]
        try:
            data = tree.read(self.place(path), signed.size_bytes)
        except (OSError, OtumatError) as exc:
            raise self.refused(path, f"{path} cannot be read as it was signed: {exc}") from exc
        if hashlib.sha256(data).hexdigest() != signed.sha256:
            raise self.refused(path, f"{path} has another content than was signed.")
        return data

    def code(self, path: str) -> CodeType:
        """The code of a source file, compiled from the signed bytes now or earlier."""
        place, signed = self.place(path), self.files[path]
        code = self._pack.get(signed.sha256)
        if code is None:
            made: CodeType = compile(self.read(path), place, "exec", dont_inherit=True, optimize=-1)
            self._pack.put(signed.sha256, made)
            return made
        _imp._fix_co_filename(code, place)  # type: ignore[attr-defined]  # one source, many places: as Python's own loader
        return code

    def keep_code(self) -> None:
        """Write what was compiled, so that the next process need not compile it."""
        self._pack.write()

    def refused(self, path: str, told: str, *, module: str = "", code: str = "module.modified") -> UntrustedImport:
        """Note what was found, and return the error to raise."""
        self.findings.append(Finding(MODIFIED, code, told, path=path))
        return UntrustedImport(f"{self.name} {self.version}: {told}", name=module, path=self.place(path), code=code)

    def missing(self, fullname: str) -> ImportError:
        """The error for a name that is ours to answer for, and that nobody signed."""
        path = fullname.replace(".", "/")
        for each in (*(f"{path}{suffix}" for suffix in SUFFIXES), path):
            if os.path.lexists(self.place(each)):
                told = f"{each} is not part of what was signed."
                return self.refused(each, told, module=fullname, code="module.unsigned")
        return ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)

    def strangers(self) -> list[str]:
        """Names of ours that are taken in `sys.modules`, by something that was not imported through us."""
        found = []
        for name in self.modules:
            if (module := sys.modules.get(name)) is not None and not self._is_ours(module):
                found.append(name)
        for name in self.namespaces:
            if getattr(sys.modules.get(name), "__file__", None):
                found.append(name)
        return found

    def _is_ours(self, module: object) -> bool:
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        theirs = getattr(loader, "guarded", None)
        return isinstance(theirs, Guarded) and theirs.root == self.root


def _modules(files: Iterable[str]) -> tuple[dict[str, Module], set[str], set[str]]:
    modules: dict[str, Module] = {}
    inside: set[str] = set()
    for path in sorted(files, key=_precedence):
        folder, _, name = path.rpartition("/")
        if "." in folder:
            continue  # no import reaches it (`plugin1.libs/`)
        if folder not in inside:
            inside |= _folders(folder)
        stem, _, suffix = name.partition(".")
        kind = _kind(f".{suffix}", folder)
        if not kind or (stem == "__init__" and not folder):
            continue
        if stem == "__init__":
            modules.setdefault(folder.replace("/", "."), Module(path, kind, folder))
        else:
            modules.setdefault(f"{folder}/{stem}".strip("/").replace("/", "."), Module(path, kind))
    packages = {name for name, module in modules.items() if module.package}
    units = {name for name in modules if packages.isdisjoint(_above(name))}
    shared = {parent for name in units for parent in _above(name)}
    for folder in inside:
        name = folder.replace("/", ".")
        if name not in modules and not packages.isdisjoint(_above(name)):
            modules[name] = Module(folder, FOLDER, folder)
    return modules, units, shared


def _precedence(path: str) -> tuple[int, str]:
    """As Python's own finder has it: packages, then extensions, source, bytecode; among extensions in their order."""
    stem, dot, suffix = path.rpartition("/")[2].partition(".")
    order = SUFFIXES.index(dot + suffix) if dot + suffix in SUFFIXES else len(SUFFIXES)
    return (order if stem == "__init__" else order + len(SUFFIXES) + 1), path


def _kind(suffix: str, folder: str) -> str:
    """By the whole of what follows the first dot: `core.cpython-36m-darwin.so` is no module of this Python."""
    if suffix in _EXTENSIONS:
        return EXTENSION
    if suffix == ".pyc":
        return "" if folder.rpartition("/")[2] == "__pycache__" else BYTECODE
    return SOURCE if suffix == ".py" else ""


def _folders(folder: str) -> set[str]:
    parts = folder.split("/") if folder else []
    return {"/".join(parts[: count + 1]) for count in range(len(parts))}


def _above(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts) - 1)]
