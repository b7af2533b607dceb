"""
What is there of a statement's files, and what lies beside them where only signed files may lie.

A package (a folder with an `__init__`) belongs to its distribution, and so does the dist-info folder: whatever else is
in them counts as added. A folder without `__init__` may be shared (PEP 420): there only what would be imported in place
of a signed module counts, and an `__init__` that turns the shared folder into somebody's package.
"""

from __future__ import annotations

import _imp
import hashlib
import os
import sys

from otumat.errors import Untrusted
from otumat.spec.statement import is_left_out
from otumat.spec.vouching.comparing import Bytecode, Observed, Seen
from otumat.trust import tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from otumat.spec.statement import SignedFile, Statement
    from otumat.trust.installed.places import Places

SUFFIXES = (*_imp.extension_suffixes(), ".py", ".pyc")
_HAS_MODES = os.name != "nt"
_LONGEST_HEAD_BYTES = 4096
_TRAMPOLINE = b"#!/bin/sh\n'''exec' "


def observe(statement: Statement, places: Places, *, bytecode: bool = True) -> Observed:
    """
    Read everything that the statement lists, where it is installed. Raises nothing: what cannot be read is told.

    Args:
        bytecode: Whether to prove compiled files, which takes a compilation each.
    """
    return _Observing(statement, places, bytecode).run()


class _Observing:
    def __init__(self, statement: Statement, places: Places, bytecode: bool) -> None:
        self.statement, self.places, self.observed = statement, places, Observed()
        self.proves = bytecode
        self.dist_info = statement.dist_info
        self.by_site: dict[str, SignedFile] = {}
        for file in statement.files:
            if path := places.site_path(file.path, self.dist_info):
                self.by_site[path] = file
        self.folders = {folder for path in self.by_site for folder in _parents(path)}
        self.packages = {
            path.rpartition("/")[0] for path in self.by_site if path.rpartition("/")[2].partition(".")[0] == "__init__"
        }
        self.packages.add(self.dist_info)
        self._looked_at: set[str] = set()
        self._told: set[str] = set()

    def run(self) -> Observed:
        roots = [folder for folder in self.folders if self._is_root(folder)]
        below: dict[str, tree.Found] = {}
        for root in sorted(roots):
            below |= self._walk(root)
        for file in self.statement.files:
            self.observed.seen[file.path] = self._see(file, below)
        for path, found in below.items():
            self._sort(path, found)
        for path in self._shared():
            self._look_beside(path)
        self._look_into_prefix()
        return self.observed

    def _is_root(self, folder: str) -> bool:
        """The uppermost folders that belong to the distribution alone."""
        return folder in self.packages and not any(parent in self.packages for parent in _parents(folder))

    def _walk(self, root: str) -> dict[str, tree.Found]:
        top = f"{self.places.site}/{root}"
        seen = self._look(root)
        if seen is None or seen.kind != tree.FOLDER:
            return {root: seen} if seen else {}
        found = {}
        try:
            for each in tree.scan(top):
                found[f"{root}/{each.path}"] = each
        except Untrusted:
            self.observed.too_many = True
        except OSError:
            self.observed.added.append((root, "folder that cannot be listed"))
        return found

    def _look(self, path: str) -> tree.Found | None:
        """What lies below the site folder, if no folder on the way to it is a link."""
        for parent in _parents(path):
            above = tree.look_at(f"{self.places.site}/{parent}")
            if above is None or above.kind != tree.FOLDER:
                return above if above and above.kind == tree.LINK else None
        return tree.look_at(f"{self.places.site}/{path}")

    def _see(self, file: SignedFile, below: dict[str, tree.Found]) -> Seen:
        scheme, place = self.places.place(file.path, self.dist_info)
        try:
            if scheme != "site":
                return (
                    _script(file, place, self.places)
                    if scheme == "scripts"
                    else _plain(file, tree.look_at(place), place)
                )
            path = place[len(self.places.site) + 1 :]
            return _plain(file, below.get(path) or self._look(path), place)
        except (OSError, Untrusted):
            return Seen("unreadable")

    def _sort(self, path: str, found: tree.Found) -> None:
        """One thing inside our folders: signed, left out on purpose, bytecode, or added."""
        folder, _, name = path.rpartition("/")
        if path in self.by_site or is_left_out(path, self.dist_info):
            if found.kind not in (tree.FILE,) and path not in self.by_site:
                self.observed.added.append((path, found.kind))
            return
        if found.kind == tree.FOLDER:
            if name != tree.CACHE_FOLDER and path not in self.folders:
                self.observed.added.append((path, found.kind))
        elif found.kind == tree.FILE and tree.is_cached_bytecode(path):
            self._check_bytecode(path, found, folder.rpartition("/")[0])
        else:
            self.observed.added.append((path, found.kind))

    def _check_bytecode(self, path: str, found: tree.Found, folder: str) -> None:
        name = path.rpartition("/")[2]
        if not name.endswith(".pyc"):
            return  # Python is writing it, or died while it did; nothing reads it
        module = tree.source_name(name)[0]
        source = self.by_site.get(f"{folder}/{module}.py" if folder else f"{module}.py")
        if not module or source is None:
            self.observed.added.append((path, found.kind))
        elif self.proves:
            self.observed.bytecode.append(self._proof(path, f"{self.places.site}/{path}", found, source, name))

    def _proof(self, path: str, place: str, found: tree.Found, source: SignedFile, name: str) -> Bytecode:
        from otumat.trust.installed import bytecode  # the compiler's side, which most fresh installs never need

        try:
            if found.size_bytes > bytecode.MAX_PYC_BYTES:
                return Bytecode(path, "forged", "it is too large")
            pyc = tree.read(place, found.size_bytes)
            content = tree.read(self.places.place(source.path, self.dist_info)[1], source.size_bytes)
        except (OSError, Untrusted):
            return Bytecode(path, "unknown", "it or its source cannot be read")
        if hashlib.sha256(content).hexdigest() != source.sha256:
            return Bytecode(path, "unknown", "its source is not the signed one")
        return bytecode.prove(path, pyc, content, name)

    def _shared(self) -> Iterator[str]:
        """Signed modules and packages that lie in folders which others may use as well; "" is the site folder."""
        for path in self.by_site:
            parents = [*_parents(path)]
            inside = next((folder for folder in parents if folder in self.packages), None)
            yield path if inside is None else inside

    def _look_beside(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        if path in self._looked_at or path == self.dist_info:
            return
        self._looked_at.add(path)
        is_package = path in self.packages
        stem = name if is_package else name.partition(".")[0]
        if not is_package and not name.endswith(SUFFIXES):
            return
        for twin in [f"{stem}{suffix}" for suffix in SUFFIXES] + [stem]:
            self._must_be_signed(f"{folder}/{twin}" if folder else twin)
        for parent in _parents(path):
            for suffix in SUFFIXES:
                self._must_be_signed(f"{parent}/__init__{suffix}")
        if not is_package and name.endswith(".py"):
            self._look_into_cache(folder, stem)

    def _must_be_signed(self, path: str) -> None:
        if path in self.by_site or path in self.folders or path in self._told:
            return
        found = tree.look_at(f"{self.places.site}/{path}")
        if found is not None:
            self._told.add(path)
            self.observed.added.append((path, found.kind))

    def _look_into_cache(self, folder: str, stem: str) -> None:
        """The bytecode of a module in a shared folder; that of other modules there is not ours."""
        cache = f"{folder}/{tree.CACHE_FOLDER}" if folder else tree.CACHE_FOLDER
        found = tree.look_at(f"{self.places.site}/{cache}")
        if found is None:
            return
        if found.kind != tree.FOLDER:
            self.observed.added.append((cache, found.kind))
            return
        for each in tree.scan(f"{self.places.site}/{cache}"):
            if each.kind == tree.FILE and each.path.partition(".")[0] == stem:
                self._check_bytecode(f"{cache}/{each.path}", each, folder)

    def _look_into_prefix(self) -> None:
        """Where PYTHONPYCACHEPREFIX has bytecode kept, it is kept outside of the packages, and read all the same."""
        prefix = sys.pycache_prefix if self.proves else None
        for path, source in self.by_site.items() if prefix else ():
            folder, _, name = f"{self.places.site}/{path}".rpartition("/")
            mirrored = os.path.join(
                str(prefix), folder.partition(":")[2].lstrip("/") if ":" in folder else folder.lstrip("/")
            )
            for suffix in ("", ".opt-1", ".opt-2") if name.endswith(".py") else ():
                pyc = f"{name.removesuffix('.py')}.{sys.implementation.cache_tag}{suffix}.pyc"
                place = os.path.join(mirrored, pyc)
                if found := tree.look_at(place):
                    self.observed.bytecode.append(self._proof(place, place, found, source, pyc))


def _parents(path: str) -> list[str]:
    """The folders above a path, uppermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _plain(file: SignedFile, found: tree.Found | None, place: str) -> Seen:
    if found is None:
        return Seen("missing")
    if found.kind != tree.FILE:
        return Seen(found.kind)
    # A file of another size is another file: it need not be read, however large it is.
    mode, sha256 = tree.compared(place, file.size_bytes)
    executable = bool(mode & 0o100) if _HAS_MODES else None
    return Seen(tree.FILE, sha256, mode=mode & 0o7777 if _HAS_MODES else 0, executable=executable)


def _script(file: SignedFile, place: str, places: Places) -> Seen:
    """
    A script as it is, or behind the line in which its installer named the interpreter.

    Whether it can be executed is not compared: some installers make all scripts executable, others none.
    """
    found = tree.look_at(place)
    if found is None or found.kind != tree.FILE or found.size_bytes == file.size_bytes:
        seen = _plain(file, found, place)
        seen.executable = None
        return seen
    if not file.size_bytes < found.size_bytes <= file.size_bytes + _LONGEST_HEAD_BYTES:
        return Seen(tree.FILE)
    content = tree.read(place, found.size_bytes)
    at = found.size_bytes - file.size_bytes
    digest = hashlib.sha256(content[at:]).hexdigest()
    mode = found.mode & 0o7777 if _HAS_MODES else 0
    return Seen(tree.FILE, digest, mode=mode, shebang=_is_head(content[:at], places))


def _is_head(head: bytes, places: Places) -> bool:
    """`#!/path/python`, or for paths too long for the kernel the shell's two lines that say the same."""
    if head.startswith(_TRAMPOLINE):
        line, end, tail = head[len(_TRAMPOLINE) :].partition(b' "$0" "$@"\n')
        return bool(end) and tail == b"' '''\n" and places.is_interpreter(line)
    return head.startswith(b"#!") and head.endswith(b"\n") and head.count(b"\n") == 1 and places.is_interpreter(head)
