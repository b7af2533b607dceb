"""
Giving files to an index: all of them are looked at here first, and nothing is sent until all of them hold.

The route and the form are those of every upload client (`:action=file_upload` on `/legacy/`); the metadata in the form
is that of the file itself, so the two cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from otumat.errors import Conflict, Invalid, NotFound, OtumatError, Problem
from otumat.publish import reply
from otumat.spec import archive, names
from otumat.spec import metadata as core_metadata
from otumat.spec.classifiers import Vocabulary
from otumat.transport import FilePart, Form, Request, basic_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from otumat.publish.reply import Receipt
    from otumat.settings import Credentials, Index
    from otumat.spec.filenames import ParsedFilename
    from otumat.spec.metadata import Metadata
    from otumat.transport import Transport

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
HASH_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Candidate:
    """A file that holds and may be sent."""

    path: Path
    size_bytes: int
    sha256: str
    blake2_256: str
    parsed: ParsedFilename
    metadata: Metadata
    warnings: tuple[Problem, ...] = ()

    @property
    def filename(self) -> str:
        return self.path.name

    @property
    def project(self) -> str:
        """Normalised name: `demo_tool-1.0.tar.gz` and `Demo.Tool-1.0-py3-none-any.whl` belong together."""
        return names.normalize(self.metadata.name)


def find_files(patterns: Iterable[str]) -> list[Path]:
    """
    Turn arguments into files; patterns are for shells that do not expand them, `dist/*` may stand in quotes.

    Errors:
        NotFound: `path.missing`, an argument that names nothing. OtumatError: `path.folder`.
    """
    from glob import glob
    from pathlib import Path

    found: dict[Path, None] = {}
    for pattern in patterns:
        paths = [Path(pattern)] if Path(pattern).exists() else [Path(name) for name in sorted(glob(pattern))]
        if not paths:
            raise NotFound(f"There is no {pattern}.", code="path.missing", hint="Build first: python -m build")
        for path in paths:
            if path.is_dir():
                raise OtumatError(f"{path} is a folder.", code="path.folder", hint=f"Name its files: {path}/*")
            found[path] = None
    return list(found)


def inspect_files(paths: Iterable[Path]) -> list[Candidate]:
    """
    Look at every file: its name, its container, its metadata. Only the index knows which classifiers it takes.

    Returns:
        In the order to send them: wheels before the sdist of the same release, so that nobody builds from source
        in the seconds between.

    Errors:
        Invalid: with all problems of all files; each names its file in `field`, as `FILENAME: FIELD`.
    """
    candidates: list[Candidate] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            candidates.append(_inspect(path))
        except Invalid as exc:
            problems.extend(_of_file(path.name, problem) for problem in exc.problems)
    if problems:
        raise Invalid(problems)
    return sorted(
        candidates, key=lambda each: (each.project, each.metadata.version, each.parsed.kind != "wheel", each.filename)
    )


def digests_on(index: Index, project: str, *, by: Credentials | None, over: Transport) -> Mapping[str, str]:
    """
    Tell which files of a project an index has already.

    Args:
        project: Normalised name.

    Returns:
        sha256 by filename; empty when the index shows no such project or does not speak PEP 691.
    """
    from json import loads

    headers = {"Accept": SIMPLE_JSON}
    if by is not None:
        headers["Authorization"] = basic_auth(by.username, by.password)
    response = over.send(Request("GET", f"{index.url}/simple/{quote(project)}/", headers))
    if response.status != 200 or response.media_type != SIMPLE_JSON:
        return {}
    try:
        files = loads(response.body)["files"]
        return {file["filename"]: str(file["hashes"].get("sha256", "")) for file in files}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def split_known(candidates: Iterable[Candidate], known: Mapping[str, str]) -> tuple[list[Candidate], list[Candidate]]:
    """
    Part files that are to be sent from files that are there already, byte for byte.

    Args:
        known: sha256 by filename, as `digests_on` tells.

    Errors:
        Invalid: `file.exists` for each file whose name is taken by other bytes; names are never reused.
    """
    new, there, problems = [], [], []
    for candidate in candidates:
        digest = known.get(candidate.filename)
        if digest is None:
            new.append(candidate)
        elif digest == candidate.sha256:
            there.append(candidate)
        else:
            problems.append(_name_taken(candidate.filename))
    if problems:
        raise Invalid(problems)
    return new, there


def upload(
    candidate: Candidate,
    *,
    to: Index,
    by: Credentials,
    over: Transport,
    verify: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Receipt:
    """
    Send one file.

    Args:
        verify: Only have it checked; the index keeps nothing.
        progress: Called with (bytes sent, bytes in all) while the form goes out.

    Errors:
        As otumat.publish.reply.read, problems naming the file; Conflict when the file on disk is no longer the one
        that was looked at.
    """
    url = f"{to.url}/legacy/"
    headers = {"Accept": "application/json", "Authorization": basic_auth(by.username, by.password)}
    with candidate.path.open("rb") as file:
        if _measure(file) != (candidate.size_bytes, candidate.sha256, candidate.blake2_256):
            raise Conflict(
                f"{candidate.path} has changed since it was looked at.", code="file.changed", hint="Do it again."
            )
        part = FilePart("content", candidate.filename, file, candidate.size_bytes)
        form = Form(_fields(candidate, verify=verify), [part], progress=progress)
        response = over.send(Request("POST", url, headers, form))
    try:
        return reply.read(response, asked=url)
    except Invalid as exc:
        exc.problems = tuple(_of_file(candidate.filename, problem) for problem in exc.problems)
        raise


def _fields(candidate: Candidate, *, verify: bool) -> list[tuple[str, str]]:
    is_wheel = candidate.parsed.kind == "wheel"
    fields = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        *core_metadata.to_form(candidate.metadata),
        ("filetype", "bdist_wheel" if is_wheel else "sdist"),
        ("pyversion", _python_tag(candidate.filename) if is_wheel else "source"),
        ("sha256_digest", candidate.sha256),
        ("blake2_256_digest", candidate.blake2_256),
    ]
    return [*fields, ("verify", "1")] if verify else fields


def _inspect(path: Path) -> Candidate:
    try:
        with path.open("rb") as file:
            size_bytes, sha256, blake2_256 = _measure(file)
            inspection = archive.inspect(file, path.name)
    except OSError as exc:
        message = f"{path} cannot be read: {exc.strerror or exc}."
        raise Invalid([Problem("file.unreadable", "content", message, value=str(path))]) from exc
    metadata, found = core_metadata.from_bytes(inspection.metadata)
    problems = list(inspection.problems)
    if inspection.metadata:
        problems += found + core_metadata.check(metadata, vocabulary=Vocabulary(frozenset(metadata.classifiers)))
    if any(problem.severity == "error" for problem in problems) or inspection.parsed is None:
        raise Invalid(problems)
    warnings = tuple(_of_file(path.name, problem) for problem in problems)
    return Candidate(path, size_bytes, sha256, blake2_256, inspection.parsed, metadata, warnings)


def _measure(file: BinaryIO) -> tuple[int, str, str]:
    """Size and both digests in one pass over the file."""
    from hashlib import blake2b, sha256

    size_bytes, sha, blake = 0, sha256(), blake2b(digest_size=32)
    while piece := file.read(HASH_CHUNK_BYTES):
        size_bytes += len(piece)
        sha.update(piece)
        blake.update(piece)
    return size_bytes, sha.hexdigest(), blake.hexdigest()


def _python_tag(wheel: str) -> str:
    """`py3` of `demo-1.0-py3-none-any.whl`: the third part from the end, with or without a build number."""
    return wheel.removesuffix(".whl").split("-")[-3]


def _name_taken(filename: str) -> Problem:
    return Problem(
        "file.exists",
        filename,
        f"The index has a {filename} already, with other content.",
        value=filename,
        hint="A file name is never reused: raise the version and build again.",
    )


def _of_file(filename: str, problem: Problem) -> Problem:
    return Problem(
        problem.code,
        filename if problem.field == "content" else f"{filename}: {problem.field}",
        problem.message,
        value=problem.value,
        hint=problem.hint,
        rule=problem.rule,
        suggestions=problem.suggestions,
        severity=problem.severity,
    )
