"""
File names of distributions: which are taken, and what they say about the file.

Pure; uses `packaging`. Start with `parse`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from otumat.errors import Invalid, Problem
from otumat.spec import names

FILENAME_MAX_CHARS = 240
"""Most file systems take 255 bytes; ours leave room for `.metadata`."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")

_NOT_TAKEN = {
    ".egg": "Eggs are taken no more (PEP 715). Build a wheel.",
    ".exe": "Installers for Windows are taken no more (PEP 527). Build a wheel.",
    ".msi": "Installers for Windows are taken no more (PEP 527). Build a wheel.",
    ".rpm": "Packages for one operating system are not taken (PEP 527). Build a wheel.",
    ".deb": "Packages for one operating system are not taken (PEP 527). Build a wheel.",
    ".dmg": "Packages for one operating system are not taken (PEP 527). Build a wheel.",
    ".tgz": "Source distributions end in '.tar.gz' (PEP 625).",
    ".tar.bz2": "Source distributions end in '.tar.gz' (PEP 625).",
    ".tar.xz": "Source distributions end in '.tar.gz' (PEP 625).",
    ".tar.z": "Source distributions end in '.tar.gz' (PEP 625).",
    ".tar": "Source distributions end in '.tar.gz' (PEP 625).",
    ".asc": "Signatures by GPG are taken no more; attestations are sent with the file.",
    ".metadata": "The index takes the metadata out of the wheel by itself.",
}


@dataclass(frozen=True, slots=True)
class ParsedFilename:
    """
    What a distribution's file name says.

    Attributes:
        kind: `wheel` or `sdist`.
        project: Normalised name (PEP 503).
        version: In PEP 440 normal form, trailing zeros as given.
        build: Build tag of a wheel, `1` or `1abc`; empty when there is none.
        tags: Compatibility tags of a wheel, `py3-none-any`, expanded and sorted; empty for an sdist.
        problems: Warnings, such as a name not spelled as PEP 427 or PEP 625 ask.
    """

    kind: str
    project: str
    version: str
    build: str = ""
    tags: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def parse(filename: str) -> ParsedFilename:
    """
    Take a wheel's or sdist's file name apart: `parse("foo_bar-1.0-py3-none-any.whl").project` is `"foo-bar"`.

    Raises:
        Invalid: For anything else, with one problem that says what was expected.

    Source: PEP 427, 491, 625; legacy `.zip` sdists (PEP 527) are taken.
    """
    if len(filename) > FILENAME_MAX_CHARS:
        _refuse("filename.too_long", filename, f"has {len(filename)} characters; {FILENAME_MAX_CHARS} are taken.")
    if not _PLAIN.fullmatch(filename) or ".." in filename:
        _refuse("filename.characters", filename, "has characters that no distribution's name has.")
    if filename.endswith(".whl"):
        return _wheel(filename)
    if filename.endswith((".tar.gz", ".zip")):
        return _sdist(filename)
    return _refuse_kind(filename)


def _refuse_kind(filename: str) -> NoReturn:
    lowered = filename.lower()
    hint = next((hint for ending, hint in _NOT_TAKEN.items() if lowered.endswith(ending)), "")
    _refuse("filename.kind", filename, "is neither a wheel (.whl) nor a source distribution (.tar.gz).", hint)


def _wheel(filename: str) -> ParsedFilename:
    try:
        project, version, build, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, ValueError) as exc:
        _refuse("filename.wheel", filename, "is no valid wheel name.", _WHEEL_HINT, rule="PEP 427", cause=exc)
    _check_name(filename, project)
    stem = f"{project.replace('-', '_')}-{version}"
    return ParsedFilename(
        kind="wheel",
        project=project,
        version=str(version),
        build="".join(map(str, build)),
        tags=tuple(sorted(map(str, tags))),
        problems=_spelling(filename, stem, "PEP 427"),
    )


_WHEEL_HINT = "Expected is name-version(-build)-python-abi-platform.whl, the version by PEP 440."


def _sdist(filename: str) -> ParsedFilename:
    try:
        project, version = parse_sdist_filename(filename)
    except (InvalidSdistFilename, ValueError) as exc:
        _refuse("filename.sdist", filename, "is no valid sdist name.", _SDIST_HINT, rule="PEP 625", cause=exc)
    _check_name(filename, project)
    stem = f"{project.replace('-', '_')}-{version}"
    problems = _spelling(filename, stem, "PEP 625")
    if filename.endswith(".zip"):
        message = f"File {filename!r} is a zip archive."
        hint = "Build the sdist as .tar.gz."
        problems += (_problem("filename.zip", filename, message, hint, rule="PEP 625", severity="warning"),)
    return ParsedFilename("sdist", project, str(version), problems=problems)


_SDIST_HINT = "Expected is name-version.tar.gz, the version by PEP 440."


def _check_name(filename: str, project: str) -> None:
    if names.check_name(project):
        _refuse("filename.name", filename, f"names no valid project ({project!r}).", rule="core metadata: Name")


def _spelling(filename: str, stem: str, rule: str) -> tuple[Problem, ...]:
    """A warning when name and version are not in their normal form, which is what installers look for first."""
    if filename.startswith((stem + "-", stem + ".")):
        return ()
    message = f"File {filename!r} does not begin with {stem!r}, the normal form."
    hint = "Build with a current backend."
    return (_problem("filename.spelling", filename, message, hint, rule=rule, severity="warning"),)


def _refuse(
    code: str, filename: str, what: str, hint: str = "", *, rule: str = "", cause: Exception | None = None
) -> NoReturn:
    problem = _problem(code, filename, f"File {filename[:FILENAME_MAX_CHARS]!r} {what}", hint, rule=rule)
    raise Invalid([problem]) from cause


def _problem(code: str, filename: str, message: str, hint: str, *, rule: str, severity: str = "error") -> Problem:
    return Problem(code, "content", message, value=filename, hint=hint, rule=rule, severity=severity)
