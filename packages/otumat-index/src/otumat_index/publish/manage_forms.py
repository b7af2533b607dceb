"""The submit form of the pages: every field of core metadata, as text that is never lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from otumat.errors import Problem
from otumat.spec import metadata as spec
from otumat_index.publish.models import Release

LONG = frozenset({"description"})
FIRST = ("name", "version", "summary", "description", "description_content_type", "keywords", "classifiers")
SECOND = (
    "license_expression",
    "requires_python",
    "author",
    "author_email",
    "home_page",
    "project_urls",
    "requires_dist",
)
NEEDED = frozenset({"name", "version"})
HELP = {
    "name": "Letters, digits, “.”, “_” and “-”.",
    "version": "As PEP 440 has it: 1.0, 2.1rc1, 2026.3.",
    "summary": "One line.",
    "description_content_type": "text/markdown, text/x-rst or text/plain.",
    "keywords": "With commas between them.",
    "classifiers": "One a line, as they stand in the list of classifiers.",
    "license_expression": "An SPDX expression, such as MIT or Apache-2.0 OR MIT.",
    "author_email": "Such as: Ada Example <ada@example.org>",
    "project_urls": "One a line: a label, a comma, the address.",
    "requires_python": "Such as: >=3.11",
    "requires_dist": "One a line, as PEP 508 has it: requests>=2; extra == 'web'",
}
NOT_ASKED = frozenset({"metadata_version"})


@dataclass(frozen=True, slots=True)
class Input:
    """
    One field as the form shows it.

    Attributes:
        kind: `line`, `lines` (one value each) or `text`.
        problems: What is wrong with it, to be told beside it.
    """

    name: str
    header: str
    kind: str
    text: str
    help: str
    is_needed: bool
    problems: tuple[Problem, ...]

    @property
    def rows(self) -> int:
        """Lines to show at first: all that is typed, within reason."""
        return min(max(4, self.text.count("\n") + 2), 20)

    @property
    def is_wrong(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)


def inputs(texts: Mapping[str, str], problems: Sequence[Problem], names: Iterable[str]) -> list[Input]:
    """Fields to show, each with what was typed and what is wrong with it."""
    fields = {field.attribute: field for field in spec.FIELDS}
    return [
        Input(
            name=name,
            header=fields[name].header,
            kind="text" if name in LONG else "lines" if fields[name].kind in ("multiple", "urls") else "line",
            text=texts.get(name, ""),
            help=HELP.get(name, "One a line." if fields[name].kind == "multiple" else ""),
            is_needed=name in NEEDED,
            problems=tuple(problem for problem in problems if problem.field == name),
        )
        for name in names
    ]


def others() -> list[str]:
    """The fields few people need: those of one line first, each in the order of METADATA."""
    rest = [field for field in spec.FIELDS if field.attribute not in {*FIRST, *SECOND, *NOT_ASKED}]
    return [field.attribute for field in sorted(rest, key=lambda field: field.multiple)]


def elsewhere(problems: Sequence[Problem]) -> list[Problem]:
    """Problems of fields the form does not have."""
    shown = {*FIRST, *SECOND, *others()}
    return [problem for problem in problems if problem.field not in shown]


def pairs(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was typed as form fields of a submission: one pair a value."""
    found: list[tuple[str, str]] = []
    for field in spec.FIELDS:
        text = texts.get(field.attribute, "").replace("\r\n", "\n")
        values = text.split("\n") if field.kind in ("multiple", "urls") else [text]
        found += [(field.form, value) for value in values if value.strip()]
    return found


def typed(sent: Mapping[str, str]) -> dict[str, str]:
    """The texts of a sent form."""
    return {field.attribute: str(sent[field.attribute]) for field in spec.FIELDS if field.attribute in sent}


def stored(release: Release) -> dict[str, str]:
    """A release as the form would have been filled."""
    texts = {"name": release.project.name, "version": release.version}
    for field in spec.FIELDS:
        if field.attribute not in texts:
            texts[field.attribute] = as_text(field, getattr(release, field.attribute))
    return texts


def as_text(field: spec.Field, value: object) -> str:
    if isinstance(value, str):
        return value
    values = value if isinstance(value, list) else []
    if field.kind == "keywords":
        return ", ".join(values)
    return "\n".join(", ".join(each) if isinstance(each, list) else str(each) for each in values)
