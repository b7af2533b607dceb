"""
Every rule about one record, all problems at once. Read `check`; each group of fields has its rules in a module beside.

A record of the usual size costs about 20 µs, for the bulk import checks 886,000 of them: whatever depends on one value
alone (a version, a requirement, an address) is remembered, and fields without a value are not looked at.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from otumat.errors import Problem
from otumat.spec import names, versions
from otumat.spec.metadata import addresses, contents, dependencies, licenses, texts
from otumat.spec.metadata.fields import BY_ATTRIBUTE, FIELDS, METADATA_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otumat.spec.classifiers import Vocabulary
    from otumat.spec.metadata.fields import Metadata

_ATTRIBUTES = tuple(field.attribute for field in FIELDS)
_ALL_VALUES: Callable[[Metadata], tuple[Any, ...]] = attrgetter(*_ATTRIBUTES)

MAX_PROBLEMS = 1000
"""All problems are told at once; ten thousand bad requirements are still one mistake."""

_RULES: dict[str, Callable[[Any], Sequence[Problem]]] = {
    "summary": contents.check_summary,
    "description": contents.check_description,
    "description_content_type": contents.check_content_type,
    "dynamic": contents.check_dynamic,
    "home_page": addresses.check_home_page,
    "download_url": addresses.check_download_url,
    "project_urls": addresses.check_project_urls,
    "author_email": addresses.check_author_email,
    "maintainer_email": addresses.check_maintainer_email,
    "license_expression": licenses.check_expression,
    "license_files": licenses.check_files,
    "requires_dist": dependencies.check_requires_dist,
    "requires_python": dependencies.check_requires_python,
    "provides_extra": dependencies.check_provides_extra,
    "import_names": dependencies.check_import_names,
    "import_namespaces": dependencies.check_import_namespaces,
}


def check(metadata: Metadata, *, vocabulary: Vocabulary, lenient_version: bool = False) -> list[Problem]:
    """
    Every rule that the record breaks, in the order of `FIELDS`; empty when there is nothing to say.

    Never raises. Nothing is asked of a clock, a network or a database: two runs say the same.

    Args:
        vocabulary: The classifiers this index takes.
        lenient_version: A version outside PEP 440 is a warning, not an error (for imports of old records).
    """
    present = [(name, value) for name, value in zip(_ATTRIBUTES, _ALL_VALUES(metadata), strict=True) if value]
    problems = _check_metadata_version(metadata.metadata_version, present)
    problems += names.check_name(metadata.name)
    problems += check_version(metadata.version, lenient=lenient_version)
    problems += texts.check_texts(present)
    for attribute, value in present:
        rule = _RULES.get(attribute)
        if rule is not None:
            problems += rule(value)
    problems += vocabulary.check(metadata.classifiers)
    problems += _check_together(metadata)
    return problems if len(problems) <= MAX_PROBLEMS else _shortened(problems)


def _shortened(problems: list[Problem]) -> list[Problem]:
    """Errors before warnings, no more than anybody reads, and that there are more."""
    problems.sort(key=lambda problem: problem.severity != "error")
    message = f"There are {len(problems)} problems; the first {MAX_PROBLEMS} are told."
    return [*problems[:MAX_PROBLEMS], Problem("metadata.more_problems", "metadata", message, hint="Mend these first.")]


def _check_metadata_version(version: str, present: list[tuple[str, Any]]) -> list[Problem]:
    """The version is known, and has the fields that are used. Without one (a form may leave it out) nothing is held."""
    if not version:
        return []
    if version == _WITHDRAWN:
        message = "Metadata-Version 2.0 was withdrawn."
        return [_metadata_version("metadata_version.withdrawn", message, version, severity="warning")]
    if version not in METADATA_VERSIONS:
        message = f"{version[:40]!r} is no metadata version that this index knows."
        return [_metadata_version("metadata_version.unknown", message, version, severity="error")]
    since = _SINCE[version]
    return [_too_early(attribute, version) for attribute, _ in present if attribute not in since]


_WITHDRAWN = "2.0"
_SINCE = {
    version: frozenset(
        f.attribute for f in FIELDS if METADATA_VERSIONS.index(f.since) <= METADATA_VERSIONS.index(version)
    )
    for version in METADATA_VERSIONS
}


def _metadata_version(code: str, message: str, value: str, *, severity: str) -> Problem:
    hint = f"Known are {', '.join(METADATA_VERSIONS)}."
    rule = "core metadata: Metadata-Version"
    return Problem(code, "metadata_version", message, value=value, hint=hint, rule=rule, severity=severity)


def _too_early(attribute: str, version: str) -> Problem:
    field = BY_ATTRIBUTE[attribute]
    # setuptools wrote License-File under 2.1 for years; what it means is the same.
    severity = "warning" if attribute == "license_files" else "error"
    return Problem(
        "metadata_version.too_early",
        attribute,
        f"{field.header} came with metadata version {field.since}; this is {version}.",
        hint=f"Declare Metadata-Version {field.since} or later, or leave the field out.",
        rule="core metadata: Metadata-Version",
        severity=severity,
    )


def check_version(version: str, *, lenient: bool = False) -> list[Problem]:
    """What is wrong with a version: missing, not PEP 440 (a warning when `lenient`), local (always a warning)."""
    parsed = versions.parse(version)
    if parsed is not None:
        return [_local(version)] if parsed.local else []
    if not version:
        hint = "Give the version, such as 1.0."
        return [Problem("version.missing", "version", "There is no version.", hint=hint, rule=_VERSION_RULE)]
    severity = "warning" if lenient else "error"
    message = f"{version[:80]!r} is no version by PEP 440."
    hint = "Use numbers and dots, then a1, b1, rc1, .post1 or .dev1 where wanted."
    return [Problem("version.invalid", "version", message, value=version, hint=hint, rule="PEP 440", severity=severity)]


_VERSION_RULE = "core metadata: Version"


def _local(version: str) -> Problem:
    message = f"{version!r} has a local part, which is meant for builds that are not published."
    hint = "Leave out '+' and what follows."
    rule = "PEP 440: local version identifiers"
    return Problem("version.local", "version", message, value=version, hint=hint, rule=rule, severity="warning")


def _check_together(metadata: Metadata) -> list[Problem]:
    """Rules about two fields at once."""
    problems: list[Problem] = []
    if metadata.license_expression:
        problems += licenses.check_conflict(metadata)
    if metadata.import_names and metadata.import_namespaces:
        problems += dependencies.check_import_overlap(metadata)
    return problems
