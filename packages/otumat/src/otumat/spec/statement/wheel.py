"""
The statement about one wheel: an in-toto Statement whose predicate lists everything the wheel installs.

The bytes are read once, after their signatures were checked, and never written out again to be compared.
"""

from __future__ import annotations

import hashlib

from otumat.spec.digest import EXECUTABLE, REGULAR, folder_digest
from otumat.spec.spelling import normalize
from otumat.spec.statement import paths, strict_json
from otumat.spec.statement.strict_json import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "urn:otumat:wheel:v1"
ENVELOPE_NAME = "otumat.dsse.json"
MOST_FILES = 100_000

# What installers write into the dist-info folder, and what cannot hold its own digest.
LEFT_OUT = frozenset(
    {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "provenance_url.json", "uv_cache.json", ENVELOPE_NAME}
)


class SignedFile:
    """
    One file of the wheel.

    Attributes:
        path: As in the wheel, so `{name}-{version}.data/scripts/x` for a script.
        size_bytes, sha256: Of its content; of a script with a `#!python` line, of everything behind that line.
        mode: `100644` or `100755`, as git has it.
    """

    __slots__ = ("mode", "path", "sha256", "size_bytes")

    def __init__(self, path: str, size_bytes: int, mode: str, sha256: str) -> None:
        self.path, self.size_bytes, self.mode, self.sha256 = path, size_bytes, mode, sha256

    def row(self) -> list[object]:
        return [self.path, self.size_bytes, self.mode, self.sha256]


class EntryPoint:
    """`name = value` below `[group]` in entry_points.txt."""

    __slots__ = ("group", "name", "value")

    def __init__(self, group: str, name: str, value: str) -> None:
        self.group, self.name, self.value = group, name, value

    def row(self) -> list[str]:
        return [self.group, self.name, self.value]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntryPoint) and self.row() == other.row()

    def __hash__(self) -> int:
        return hash((self.group, self.name, self.value))

    def __repr__(self) -> str:
        return f"EntryPoint({self.group!r}, {self.name!r}, {self.value!r})"


class Statement:
    """
    What the signers of a wheel say of it.

    Attributes:
        project: Normalised name. version: As in METADATA.
        dist_info: Name of the folder, `plugin1-1.0.dist-info`.
        tags: Of the file name, `py3-none-any`; sorted.
        sequence: Grows with every release that must not be undone; 0 when the signer keeps no count.
        files: Everything the wheel installs but `LEFT_OUT` and the legacy signatures, sorted by path.
        entry_points: All of them.
        packages: Top-level folder to its digests: `dirHash`, and `gitBlob` where there is a legacy signature.
    """

    __slots__ = ("dist_info", "entry_points", "files", "packages", "project", "sequence", "tags", "version")

    def __init__(
        self,
        project: str,
        version: str,
        *,
        dist_info: str,
        files: Iterable[SignedFile],
        entry_points: Iterable[EntryPoint] = (),
        packages: Mapping[str, Mapping[str, str]] | None = None,
        tags: Iterable[str] = (),
        sequence: int = 0,
    ) -> None:
        self.project, self.version, self.dist_info, self.sequence = project, version, dist_info, sequence
        self.files = tuple(sorted(files, key=lambda file: file.path))
        self.entry_points = tuple(sorted(entry_points, key=EntryPoint.row))
        self.packages = {name: dict(digests) for name, digests in (packages or {}).items()}
        self.tags = tuple(sorted(tags))

    @property
    def root(self) -> str:
        """SHA-256 over every row of `files`: what names the distribution as a whole."""
        lines = (f"{file.mode} {file.sha256} {file.size_bytes}\t{file.path}\n" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.project}@{self.version.replace('+', '%2B').replace('!', '%21')}"

    def to_bytes(self) -> bytes:
        """The payload."""
        packages = [{"name": name, "digest": digests} for name, digests in sorted(self.packages.items())]
        predicate = {
            "project": self.project,
            "version": self.version,
            "distInfo": self.dist_info,
            "tags": list(self.tags),
            "sequence": self.sequence,
            "files": [file.row() for file in self.files],
            "entryPoints": [point.row() for point in self.entry_points],
        }
        told = {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": self.purl, "digest": {"sha256": self.root}}, *packages],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
        return strict_json.write(told)


def is_left_out(path: str, dist_info: str) -> bool:
    """
    Whether no statement lists this path of the wheel.

    >>> is_left_out("a-1.dist-info/RECORD", "a-1.dist-info"), is_left_out("a/RECORD", "a-1.dist-info")
    (True, False)
    """
    folder, _, name = path.rpartition("/")
    return folder == dist_info and (name in LEFT_OUT or name.endswith(".sig"))


def read_statement(payload: bytes) -> Statement:
    """
    Read a payload whose signatures were checked.

    Errors:
        Malformed: not of this form, or it contradicts itself.
    """
    told = strict_json.read(payload)
    if (
        strict_json.get(told, "_type", str) != STATEMENT_TYPE
        or strict_json.get(told, "predicateType", str) != PREDICATE_TYPE
    ):
        raise Malformed("it is a statement of another type")
    predicate = strict_json.get(told, "predicate", dict)
    subjects = _subjects(strict_json.get(told, "subject", list))
    statement = Statement(
        strict_json.get(predicate, "project", str),
        strict_json.get(predicate, "version", str),
        dist_info=strict_json.get(predicate, "distInfo", str),
        files=_files(strict_json.get(predicate, "files", list)),
        entry_points=[EntryPoint(*_texts(row, 3)) for row in strict_json.get(predicate, "entryPoints", list)],
        tags=_texts(strict_json.get(predicate, "tags", list)),
        sequence=strict_json.get(predicate, "sequence", int),
        packages={name: digests for name, digests in subjects.items() if not name.startswith("pkg:")},
    )
    _check(statement, subjects)
    return statement


def _check(statement: Statement, subjects: Mapping[str, Mapping[str, str]]) -> None:
    if statement.project != normalize(statement.project) or statement.sequence < 0:
        raise Malformed("its project is not in normal form, or its sequence is below 0")
    if not statement.dist_info.endswith(".dist-info") or "/" in statement.dist_info:
        raise Malformed("its dist-info folder is none")
    if not statement.files or len(statement.files) > MOST_FILES:
        raise Malformed(f"it lists {len(statement.files)} files; from 1 to {MOST_FILES} are taken")
    # The SHA-256 must be there, and be that of the files: a subject with SHA-1 alone says nothing.
    if subjects.get(statement.purl, {}).get("sha256") != statement.root:
        raise Malformed("the SHA-256 of its subject is missing, or not that of its files")
    for name, digests in statement.packages.items():
        inside = [(file.path, file.sha256) for file in statement.files if file.path.startswith(f"{name}/")]
        if digests.get("dirHash") != folder_digest(inside):
            raise Malformed(f"the digest of its package {name!r} is missing, or not that of the package's files")


def _subjects(listed: list[Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for each in listed:
        name = strict_json.get(each, "name", str)
        if name in found:
            raise Malformed("two of its subjects have one name")
        digests = strict_json.get(each, "digest", dict)
        _texts(list(digests.values()))
        found[name] = digests
    return found


def _files(rows: list[Any]) -> list[SignedFile]:
    files: list[SignedFile] = []
    known: set[str] = set()
    for row in rows:
        if type(row) is not list or [type(each) for each in row] != [str, int, str, str]:
            raise Malformed("a file is not told as path, size, mode and SHA-256")
        file = SignedFile(*row)
        if not paths.is_plain(file.path) or (name := paths.folded(file.path)) in known:
            raise Malformed(f"it lists {file.path[:120]!r}, a path that may not be signed, or one twice")
        if file.mode not in (REGULAR, EXECUTABLE) or file.size_bytes < 0 or not _is_sha256(file.sha256):
            raise Malformed(f"what it says of {file.path!r} cannot be")
        known.add(name)
        files.append(file)
    return files


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _texts(values: Any, count: int | None = None) -> list[str]:
    if type(values) is not list or any(type(each) is not str for each in values) or count not in (None, len(values)):
        raise Malformed("a list of texts is something else")
    return values
