"""Where records come from: a file, standard input or a Python environment; cut into chunks of lines."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from otumat.errors import NotFound, OtumatError
from otumat_index.publish.bulk.checker import Chunk
from otumat_index.publish.bulk.records import LINE_MAX_BYTES, Form

CHUNK_LINES = 1_000
CHUNK_BYTES = 4_000_000
BOM = b"\xef\xbb\xbf"

# Any Python from 3.8 on runs this. The first of several distributions of one name is the one that is imported.
LIST_INSTALLED = """\
import sys
if sys.path and not sys.path[0]:
    del sys.path[0]
import json, re
from importlib.metadata import distributions
seen = set()
for distribution in distributions():
    text = None
    for name in ("METADATA", "PKG-INFO", ""):
        try:
            text = distribution.read_text(name)
        except UnicodeDecodeError as exc:
            text = exc.object.decode("utf-8", "surrogateescape")
        if text:
            break
    found = re.search(r"(?im)^name:[ \\t]*(\\S+)", text or "")
    key = re.sub(r"[-_.]+", "-", found.group(1)).lower() if found else None
    if key is None or key not in seen:
        seen.add(key)
        print(json.dumps({"metadata": text or ""}), flush=False)
"""


@dataclass(frozen=True, slots=True)
class Source:
    """
    What is read.

    Attributes:
        stream: Positioned at its start.
        form: What a line holds.
        label: What reports call it.
        path: Of a file; None for anything that cannot be read again from the middle.
        size_bytes: Of a file, else None.
    """

    stream: BinaryIO
    form: Form
    label: str
    path: Path | None = None
    size_bytes: int | None = None


@contextlib.contextmanager
def opened(name: str, python: str | None) -> Iterator[Source]:
    """
    Open what the command line names: a path, `-` or `installed`.

    Raises:
        NotFound: There is no such file or interpreter.
        OtumatError: It cannot be read, or the interpreter could not tell.
    """
    if name == "installed":
        with installed(python or sys.executable) as stream:
            yield Source(stream, "installed", "installed")
    elif name == "-":
        # Not sys.stdin, and never closed: the feeding thread may be waiting in it when an interrupt comes, and whoever
        # closes it would wait too.
        yield Source(open(0, "rb", closefd=False), "json", "standard input")  # noqa: SIM115
    else:
        path = Path(name).absolute()
        with _file(path) as stream:
            yield Source(stream, "json", path.name, path, os.fstat(stream.fileno()).st_size)


def _file(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        hint = "Give a file of JSON lines, `-` for standard input, or `installed`."
        raise NotFound(f"There is no file {str(path)!r}.", hint=hint) from None
    except OSError as exc:
        raise OtumatError(f"{str(path)!r} cannot be read: {exc.strerror}.") from exc


@contextlib.contextmanager
def installed(python: str) -> Iterator[BinaryIO]:
    """The METADATA of every distribution that an interpreter sees, as JSON lines."""
    with tempfile.TemporaryFile() as errors:
        command = [python, "-c", LIST_INSTALLED]
        try:
            asked = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
        except OSError as exc:
            raise NotFound(f"{python!r} cannot be run: {exc.strerror}.", hint="Name a Python interpreter.") from exc
        with asked:
            try:
                yield cast("BinaryIO", asked.stdout)
            except BaseException:
                asked.kill()
                raise
        if asked.returncode:
            errors.seek(0)
            said = errors.read(20_000).decode("utf-8", "replace").strip().rpartition("\n")[2]
            hint = "Python 3.8 or later is needed."
            raise OtumatError(f"{python!r} could not list its distributions: {said or asked.returncode}.", hint=hint)


def identity(path: Path) -> dict[str, str | int]:
    """What tells a file from another, or from a later state of itself, without reading all of it."""
    with path.open("rb") as stream:
        told = os.fstat(stream.fileno())
        head = hashlib.sha256(stream.read(65_536)).hexdigest()
    return {"path": str(path), "size_bytes": told.st_size, "modified_ns": told.st_mtime_ns, "head_sha256": head}


def chunks(stream: BinaryIO, *, line: int, offset: int) -> Iterator[Chunk]:
    """
    Cut a stream into chunks of up to `CHUNK_LINES` lines or about `CHUNK_BYTES`.

    Args:
        stream: Positioned at `offset`.
        line: Number of the next line, from 1.
    """
    first, lines, size = line, list[bytes | None](), 0
    for text, length in _lines(stream):
        lines.append(text)
        offset += length
        size += len(text or b"")
        if len(lines) >= CHUNK_LINES or size >= CHUNK_BYTES:
            yield Chunk(first, offset, lines)
            first, lines, size = first + len(lines), [], 0
    if lines:
        yield Chunk(first, offset, lines)


def _lines(stream: BinaryIO) -> Iterator[tuple[bytes | None, int]]:
    """Each line without the space around it (None when over the limit), and its length in the stream."""
    while line := stream.readline(LINE_MAX_BYTES + 2):
        length = len(line)
        if length > LINE_MAX_BYTES and not line.endswith(b"\n"):
            while rest := stream.readline(1 << 20):
                length += len(rest)
                if rest.endswith(b"\n"):
                    break
            yield None, length
        else:
            yield line.removeprefix(BOM).strip(b" \t\r\n"), length
