"""Installed distributions by their dist-info folders; `importlib.metadata` would cost 25 ms and read less strictly."""

from __future__ import annotations

import os
import sys

from otumat.spec.spelling import normalize
from otumat.spec.statement import ENVELOPE_NAME, Malformed, strict_json, texts
from otumat.trust import tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LEAVES_NOTHING = (FileNotFoundError, NotADirectoryError, PermissionError)
_MOST_BYTES = 32 * 1024 * 1024


class Installed:
    """
    One distribution as it lies on disk.

    Attributes:
        name, version: As METADATA has them; as the folder's name has them where it cannot be read (`unclear` says why).
        site: The folder of the path that holds it. folder: Name of its own folder there.
        kind: `dist-info`, or `egg-info` for what no wheel brought.
    """

    __slots__ = ("folder", "kind", "name", "site", "unclear", "version")

    def __init__(self, site: str, folder: str) -> None:
        self.site, self.folder = site, folder
        stem, _, self.kind = folder.rpartition(".")
        self.name, _, self.version = stem.partition("-")
        self.unclear = ""
        try:
            name = "METADATA" if self.kind == "dist-info" else "PKG-INFO"
            if data := self.read(name):
                self.name, self.version = texts.identity(data)
            elif self.kind == "dist-info":
                self.unclear = "it has no METADATA"
        except (Malformed, OSError) as exc:
            self.unclear = str(exc)
        if self.kind == "dist-info" and not self.unclear and normalize(self.name) != normalize(stem.partition("-")[0]):
            self.unclear = f"its folder is {folder!r}, and its METADATA says {self.name!r}"

    @property
    def path(self) -> str:
        return f"{self.site}/{self.folder}"

    def read(self, name: str) -> bytes:
        """A file of its folder, empty when there is none; OSError or Malformed when it is no file to be read."""
        path = f"{self.path}/{name}"
        found = tree.look_at(path)
        if found is None:
            return b""
        if found.kind != tree.FILE or found.size_bytes > _MOST_BYTES:
            raise Malformed(f"{name} is no file, or too large")
        return tree.read(path, found.size_bytes)

    def signatures(self) -> dict[str, bytes]:
        """The legacy signatures, by module."""
        names = [name for name in os.listdir(self.path) if name.endswith(".sig")] if self.kind == "dist-info" else []
        return {name.removesuffix(".sig"): self.read(name) for name in names}

    def envelope(self) -> bytes:
        return self.read(ENVELOPE_NAME)

    def is_editable(self) -> bool:
        """Whether it is a checkout that is only linked to (PEP 610)."""
        try:
            data = self.read("direct_url.json")
            told = strict_json.read(data) if data else {}
            folder = strict_json.get(told, "dir_info", dict, default={})
            return folder.get("editable", False) is not False
        except (Malformed, OSError):
            return False


def distributions(path: Iterable[str]) -> Iterator[Installed]:
    """Every distribution of the folders, in the order in which they would be found."""
    for site in folders(path):
        try:
            names = sorted(name for name in os.listdir(site) if name.endswith((".dist-info", ".egg-info")))
        except _LEAVES_NOTHING:
            continue
        for name in names:
            yield Installed(site, name)


def find(name: str, path: Iterable[str]) -> list[Installed]:
    """The distributions of this name: the first is the one that counts, the others it hides."""
    wanted, found = normalize(name), []
    for site in folders(path):
        try:
            names = os.listdir(site)
        except _LEAVES_NOTHING:
            continue
        infos = [each for each in sorted(names) if each.endswith((".dist-info", ".egg-info"))]
        found += [Installed(site, each) for each in infos if _project_of(each) == wanted]
    return found


def _project_of(folder: str) -> str:
    return normalize(folder.rpartition(".")[0].partition("-")[0])


def folders(path: Iterable[str] | None = None) -> list[str]:
    """The folders of a path, absolute, each once; `sys.path` when none is given."""
    entries = sys.path if path is None else path
    return list(dict.fromkeys(os.path.abspath(entry) for entry in entries))
