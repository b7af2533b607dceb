"""Package data through `importlib.resources`: every read is of the signed bytes."""

from __future__ import annotations

import io
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from otumat.trust.enforce.guarded import Guarded


class Resources:
    """What a loader gives `importlib.resources.files` to ask."""

    __slots__ = ("_guarded", "_package")

    def __init__(self, guarded: Guarded, package: str) -> None:
        self._guarded, self._package = guarded, package

    def files(self) -> SignedPath:
        return SignedPath(self._guarded, self._package)


class SignedPath:
    """
    A `Traversable`: the signed files as a tree. It is no path of the file system on purpose, for what is opened by a
    path is read unchecked; `importlib.resources.as_file` gives a checked copy.
    """

    __slots__ = ("_guarded", "_path")

    def __init__(self, guarded: Guarded, path: str) -> None:
        self._guarded, self._path = guarded, path

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2]

    def is_file(self) -> bool:
        return self._path in self._guarded.files

    def is_dir(self) -> bool:
        return any(path.startswith(f"{self._path}/") for path in self._guarded.files)

    def iterdir(self) -> Iterator[SignedPath]:
        below = f"{self._path}/"
        names = {path[len(below) :].partition("/")[0] for path in self._guarded.files if path.startswith(below)}
        return (SignedPath(self._guarded, below + name) for name in sorted(names))

    def joinpath(self, *parts: str | os.PathLike[str]) -> SignedPath:
        path = self._path
        for part in parts:
            for step in os.fspath(part).replace(os.sep, "/").split("/"):
                path = path.rpartition("/")[0] if step == ".." else path if step in ("", ".") else f"{path}/{step}"
        return SignedPath(self._guarded, path)

    def __truediv__(self, part: str | os.PathLike[str]) -> SignedPath:
        return self.joinpath(part)

    def read_bytes(self) -> bytes:
        if not self.is_file():
            raise FileNotFoundError(2, "Nobody signed such a file", self._guarded.place(self._path))
        return self._guarded.read(self._path)

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        with self.open("r", encoding=encoding or "utf-8", errors=errors) as file:
            text: str = file.read()
            return text

    def open(self, mode: str = "r", *args: Any, **more: Any) -> Any:
        """A stream over the bytes that were checked."""
        if mode not in ("r", "rb", "rt"):
            raise ValueError(f"What is signed is only read; it cannot be opened as {mode!r}.")
        stream = io.BytesIO(self.read_bytes())
        return stream if mode == "rb" else io.TextIOWrapper(stream, *args, **more)

    def __str__(self) -> str:
        return self._guarded.place(self._path)

    def __repr__(self) -> str:
        return f"SignedPath({str(self)!r})"


def data_at(guarded: Guarded, path: str) -> bytes:
    """
    The bytes of the file at an absolute path, if it is one of the distribution's.

    Errors:
        FileNotFoundError: nobody signed it. UntrustedImport: it is not what was signed.
    """
    inside = os.path.relpath(os.path.normpath(path), guarded.site).replace(os.sep, "/")
    if inside not in guarded.files:
        raise FileNotFoundError(2, "Nobody signed such a file", path)
    return guarded.read(inside)
