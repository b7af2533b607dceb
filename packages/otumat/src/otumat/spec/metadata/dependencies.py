"""Rules about what a release needs and offers: requirements, Python versions, extras, import names."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from otumat.errors import Problem
from otumat.spec.names import normalize
from otumat.spec.remembering import remember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otumat.spec.metadata.fields import Metadata

REQUIREMENT_MAX_CHARS = 4096
SPECIFIERS_MAX_CHARS = 1024
"""Longer text is not parsed: nested markers cost time and stack, long numbers time."""

_EXTRA = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


@remember(16384)
def parse_requirement(text: str) -> Requirement | None:
    """The PEP 508 requirement that the text spells, or None. Never raises."""
    if len(text) > REQUIREMENT_MAX_CHARS:
        return None
    try:
        return Requirement(text)
    except (InvalidRequirement, ValueError, RecursionError):
        return None


@remember(4096)
def parse_specifiers(text: str) -> SpecifierSet | None:
    """The PEP 440 specifiers that the text spells, or None. Never raises."""
    if len(text) > SPECIFIERS_MAX_CHARS:
        return None
    try:
        return SpecifierSet(text)
    except (InvalidSpecifier, ValueError):
        return None


def check_requires_dist(values: tuple[str, ...]) -> Sequence[Problem]:
    """Each a PEP 508 requirement that names a project, not an address (A26)."""
    problems = []
    for value in values:
        requirement = parse_requirement(value)
        if requirement is None:
            problems.append(_requirement("invalid", f"{value[:160]!r} is no requirement by PEP 508.", value, _HINT))
        elif requirement.url:
            message = f"{value[:160]!r} points to an address; an index cannot vouch for what is there."
            hint = f"Require {requirement.name!r} with versions instead."
            problems.append(_requirement("direct_url", message, value, hint))
    return problems


_HINT = "Write it as in \"name[extra] >=1.0,<2; python_version < '3.12'\"."


def _requirement(what: str, message: str, value: str, hint: str) -> Problem:
    return Problem(f"requires_dist.{what}", "requires_dist", message, value=value, hint=hint, rule="PEP 508")


def check_requires_python(value: str) -> Sequence[Problem]:
    """A PEP 440 specifier set, such as `>=3.11`."""
    if parse_specifiers(value) is not None:
        return ()
    message = f"{value[:160]!r} is no version specifier by PEP 440."
    hint = "Write it as in '>=3.11' or '>=3.9,!=3.9.1'."
    return [Problem("requires_python.invalid", "requires_python", message, value=value, hint=hint, rule="PEP 440")]


def check_provides_extra(values: tuple[str, ...]) -> Sequence[Problem]:
    """Valid names, told apart after normalisation (PEP 685)."""
    problems = []
    seen: dict[str, str] = {}
    for value in values:
        normalized = normalize(value)
        if not _EXTRA.fullmatch(value):
            problems.append(
                _extra("invalid", f"{value[:80]!r} is no name for an extra.", value, "Use letters and digits.")
            )
        elif normalized in seen:
            message = f"{value!r} and {seen[normalized]!r} are the same extra."
            problems.append(_extra("duplicate", message, value, "Keep one."))
        elif value != normalized:
            hint = f"Write {normalized!r}."
            problems.append(_extra("spelling", f"{value!r} is not normalised.", value, hint, severity="warning"))
        seen.setdefault(normalized, value)
    return problems


def _extra(what: str, message: str, value: str, hint: str, severity: str = "error") -> Problem:
    code = f"provides_extra.{what}"
    return Problem(code, "provides_extra", message, value=value, hint=hint, rule="PEP 685", severity=severity)


def check_import_names(values: tuple[str, ...]) -> Sequence[Problem]:
    """Dotted identifiers, `; private` after them at most; one empty value says that there are none (PEP 794)."""
    return [] if values == ("",) else _check_imports("import_names", values)


def check_import_namespaces(values: tuple[str, ...]) -> Sequence[Problem]:
    """Dotted Python identifiers, `; private` after them at most (PEP 794)."""
    return _check_imports("import_namespaces", values)


def _check_imports(field: str, values: tuple[str, ...]) -> list[Problem]:
    problems = []
    for value in values:
        name, semicolon, rest = value.partition(";")
        if not all(part.isidentifier() and not keyword.iskeyword(part) for part in name.rstrip().split(".")):
            message = f"{value[:160]!r} names nothing that can be imported."
            hint = "Write dotted identifiers, such as 'package.module'."
            problems.append(Problem(f"{field}.invalid", field, message, value=value, hint=hint, rule="PEP 794"))
        elif semicolon and rest.strip() != "private":
            message = f"{value[:160]!r} says something else than '; private' after the name."
            hint = "Write the name alone, or '; private' after it."
            problems.append(Problem(f"{field}.option", field, message, value=value, hint=hint, rule="PEP 794"))
    return problems


def check_import_overlap(metadata: Metadata) -> list[Problem]:
    """A name is a module or a namespace shared with other projects, not both (PEP 794)."""
    both = _bare(metadata.import_names) & _bare(metadata.import_namespaces)
    return [
        Problem(
            "import_names.overlap",
            "import_names",
            f"{name[:160]!r} is given as Import-Name and as Import-Namespace.",
            value=name,
            hint="Keep one of the two.",
            rule="PEP 794",
        )
        for name in sorted(both)
    ]


def _bare(values: tuple[str, ...]) -> set[str]:
    return {value.partition(";")[0].rstrip() for value in values}
