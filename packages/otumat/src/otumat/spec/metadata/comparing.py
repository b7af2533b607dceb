"""
Where a form contradicts the artifact it came with (A20).

The artifact's own metadata is what counts; a form that says something else is a mistake or a trick. What is compared,
and how, follows what honest clients send for one and the same file:

- twine, poetry and uv parse METADATA and send the fields as they parsed them: twine rewrites the name, joins keywords
  with ", " and drops License-File below 2.4; the indentation of folded values stays, or becomes a space.
- hatch sends the headers as they stand, and of a repeated field that it does not know as such (Import-Name) the last.
- flit sends what pyproject.toml says rather than what it wrote: its own metadata version, extras as the author spelled
  them, `Provides` although the file has none, the description without the last line end.

So a field that the form leaves out is no contradiction, space and order count only where they mean something, and
`metadata_version`, `provides`, `requires` and `obsoletes` (which decide nothing) are not compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from otumat.errors import Problem
from otumat.spec import versions
from otumat.spec.metadata import contents, dependencies, licenses
from otumat.spec.metadata.fields import BY_ATTRIBUTE, FIELDS
from otumat.spec.names import normalize

if TYPE_CHECKING:
    from collections.abc import Callable

    from otumat.spec.metadata.fields import Metadata

Meaning = Any
"""What is left of a value when spelling is taken away; compared with `==`."""

_NOT_COMPARED = frozenset({"metadata_version", "provides", "requires", "obsoletes"})
_LAST_ONE_SENT = frozenset({"import_names", "import_namespaces"})


def compare(form: Metadata, artifact: Metadata) -> list[Problem]:
    """
    One problem for each field that the form sends and the file contradicts, in the order of `FIELDS`.

    Args:
        form: From `from_form`.
        artifact: From `from_bytes`, of the METADATA or PKG-INFO inside the file.
    """
    return [
        _contradiction(field.attribute, sent, own)
        for field in FIELDS
        if field.attribute not in _NOT_COMPARED
        and (sent := getattr(form, field.attribute))
        and (own := getattr(artifact, field.attribute)) != sent
        and not _agree(field.attribute, sent, own)
    ]


def _agree(attribute: str, sent: Any, own: Any) -> bool:
    meaning = _MEANINGS.get(attribute, _many if BY_ATTRIBUTE[attribute].multiple else _words)
    if attribute in _LAST_ONE_SENT:
        return bool(meaning(sent) <= meaning(own))
    return bool(meaning(sent) == meaning(own))


def _words(text: str) -> Meaning:
    """Text without regard to space and line ends."""
    return text.split()


def _many(values: tuple[str, ...]) -> Meaning:
    return {" ".join(value.split()) for value in values}


def _description(text: str) -> Meaning:
    """Words; the bars that the specification shows before folded lines are no part of it."""
    return re.sub(r"(?m)^ {7}\|", "", text).split()


def _keywords(values: tuple[str, ...]) -> Meaning:
    """Commas or spaces, in any order: old tools joined keywords by spaces."""
    return sorted(word for value in values for word in re.split(r"[\s,;]+", value.lower()) if word)


def _version(text: str) -> Meaning:
    return versions.canonical(text)


def _content_type(text: str) -> Meaning:
    content_type, parameters = contents.parse_content_type(text)
    return content_type, {key: value.lower() for key, value in parameters.items()}


def _expression(text: str) -> Meaning:
    return licenses.canonical_expression(text) or text


def _specifiers(text: str) -> Meaning:
    parsed = dependencies.parse_specifiers(text)
    return text if parsed is None else frozenset(map(str, parsed))


def _requirements(values: tuple[str, ...]) -> Meaning:
    return {_requirement(value) for value in values}


def _requirement(text: str) -> Meaning:
    parsed = dependencies.parse_requirement(text)
    if parsed is None:
        return text
    extras = frozenset(map(normalize, parsed.extras))
    return normalize(parsed.name), extras, frozenset(map(str, parsed.specifier)), str(parsed.marker), parsed.url


def _names(values: tuple[str, ...]) -> Meaning:
    return set(map(normalize, values))


def _headers(values: tuple[str, ...]) -> Meaning:
    return {value.lower() for value in values}


def _urls(pairs: tuple[tuple[str, str], ...]) -> Meaning:
    return {(" ".join(label.split()), "".join(url.split())) for label, url in pairs}


_MEANINGS: dict[str, Callable[[Any], Meaning]] = {
    "name": normalize,
    "version": _version,
    "description": _description,
    "description_content_type": _content_type,
    "keywords": _keywords,
    "license_expression": _expression,
    "requires_python": _specifiers,
    "requires_dist": _requirements,
    "provides_extra": _names,
    "dynamic": _headers,
    "project_urls": _urls,
}


def _contradiction(attribute: str, sent: Any, own: Any) -> Problem:
    header = BY_ATTRIBUTE[attribute].header
    return Problem(
        f"{attribute}.mismatch",
        attribute,
        f"The form says {_shown(sent, own)}; the file's {header} says {_shown(own, sent)}.",
        value=_shown(sent, own),
        hint="Build the file anew, or send what it says.",
        rule="form and file agree",
    )


def _shown(value: Any, other: Any) -> str:
    """A value in short; of a list, what the other side does not have."""
    if not value:
        return "nothing"
    if isinstance(value, str):
        return repr(value[:80])
    different = [item if isinstance(item, str) else ", ".join(item) for item in value if item not in (other or ())]
    return ", ".join(repr(item[:80]) for item in different[:5]) or "nothing more"
