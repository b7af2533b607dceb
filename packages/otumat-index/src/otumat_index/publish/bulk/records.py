"""One line of a source: read, checked, and turned into what the tables hold. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from otumat.errors import Problem
from otumat.spec import metadata as spec
from otumat.spec import names, versions
from otumat.spec.classifiers import PRIVATE, SEPARATOR, Vocabulary
from otumat.spec.metadata import Metadata
from otumat_index.publish import rules

Form = Literal["json", "installed"]

LINE_MAX_BYTES = 10_000_000
"""The largest real records have about 2 MB, nearly all of it description."""

VALUES_MAX = 10_000
"""For one field. More is refused before each of them is looked at."""

COLUMNS = tuple(field.attribute for field in spec.FIELDS if field.attribute not in ("name", "version"))
"""Columns of a release that come from metadata, in the order of `Record.values`."""

JSON_COLUMNS = frozenset(field.attribute for field in spec.FIELDS if field.multiple)

KEPT = frozenset({"classifier.unknown", "classifier.deprecated"})
"""Errors of a submission that an import only tells: lists of classifiers change, old records do not (decision 0004)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What the index takes.

    Attributes:
        vocabulary: Its classifiers.
        max_description_kb: The setting.
        widths: Most characters of a release's columns that have a limit, and of one `classifier`.
    """

    vocabulary: Vocabulary
    max_description_kb: int
    widths: Mapping[str, int]


class Record(NamedTuple):
    """
    A record that is kept, ready for the tables.

    Attributes:
        line: Its number in the source, from 1.
        values: By `COLUMNS`; fields with several values as JSON text.
        classifiers: Those that are linked: known (or private), each once.
    """

    line: int
    name: str
    normalized: str
    confusable: str
    version: str
    canonical: str
    sort_key: str
    is_prerelease: bool
    values: tuple[str, ...]
    classifiers: tuple[str, ...]


def judge(number: int, line: bytes | None, form: Form, limits: Limits) -> tuple[Record | None, list[Problem]]:
    """
    What the tables hold of a line, or None when it is left out; and every problem found, warnings included.

    Args:
        number: Of the line, from 1.
        line: Its bytes; None stands for more than `LINE_MAX_BYTES`.
        form: `json`: PEP 566. `installed`: `{"metadata": TEXT}` with METADATA as it is on disk.
    """
    metadata, problems = read(line, form)
    if metadata is None:
        return None, problems
    record = make(number, metadata, limits)
    problems = [*problems, *check(metadata, limits), *check_widths(record, limits.widths)]
    broken = any(problem.severity == "error" for problem in problems)
    return (None if broken else record), problems


def read(line: bytes | None, form: Form) -> tuple[Metadata | None, list[Problem]]:
    """The metadata a line holds, unjudged; None when it cannot be read at all. Never raises."""
    if line is None:
        message = f"The line has more than {LINE_MAX_BYTES / 1e6:.0f} MB."
        return None, [_line("record.too_large", message, "Shorten the description.")]
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as exc:
        message = f"The line is not UTF-8: byte {exc.start} is 0x{line[exc.start]:02x}."
        return None, [_line("record.encoding", message, "Write the file in UTF-8.")]
    except (ValueError, RecursionError) as exc:
        message = f"The line is no JSON ({_told(exc)})."
        return None, [_line("record.json", message, "Write one object a line, without line ends inside.")]
    if not isinstance(found, dict):
        message = f"The line is {type(found).__name__}, not an object."
        return None, [_line("record.json", message, "Write one object a line.")]
    if form == "installed":
        return spec.from_bytes(str(found.get("metadata", "")).encode("utf-8", "surrogatepass"))
    crowded = [_too_many(key, len(value)) for key, value in found.items() if _is_crowded(value)]
    return (None, crowded) if crowded else spec.from_json(found)


def check(metadata: Metadata, limits: Limits) -> list[Problem]:
    """Every rule for a record of an import, severities as decision 0004 has them."""
    problems = rules.check_entry(
        metadata,
        vocabulary=limits.vocabulary,
        max_description_kb=limits.max_description_kb,
        lenient_version=True,
    )
    for problem in problems:
        if problem.code in KEPT:
            problem.severity = "warning"
    return problems


def make(number: int, metadata: Metadata, limits: Limits) -> Record:
    """What the tables hold of a record."""
    return Record(
        number,
        metadata.name,
        names.normalize(metadata.name),
        names.confusable_key(metadata.name),
        metadata.version,
        versions.canonical(metadata.version),
        versions.sortable(metadata.version),
        versions.is_prerelease(metadata.version),
        tuple([_stored(name, getattr(metadata, name)) for name in COLUMNS]),
        tuple([text for text in dict.fromkeys(metadata.classifiers) if _is_linked(text, limits)]),
    )


def _stored(column: str, value: Any) -> str:
    if column not in JSON_COLUMNS:
        return value  # type: ignore[no-any-return]
    return json.dumps(rules.as_json(value)) if value else "[]"


def _is_linked(classifier: str, limits: Limits) -> bool:
    """An unknown one is kept with the release, but opens no branch of the tree that people browse."""
    if classifier in limits.vocabulary.allowed or classifier in limits.vocabulary.deprecated:
        return True
    return classifier.startswith(PRIVATE + SEPARATOR) and len(classifier) <= limits.widths["classifier"]


def check_widths(record: Record, widths: Mapping[str, int]) -> list[Problem]:
    """Which values do not fit their columns."""
    values = {name: value for name, value in zip(COLUMNS, record.values, strict=True) if name in widths}
    problems = rules.check_widths({"version": record.version, **values}, widths)
    if len(record.canonical) > widths["canonical"] or len(record.sort_key) > widths["sort_key"]:
        # Longer than the version itself: every sign of one outside PEP 440 takes two characters to sort by.
        problems += rules.check_widths({"version": record.sort_key}, {"version": widths["sort_key"]})
    return problems


def _is_crowded(value: object) -> bool:
    return isinstance(value, list | dict) and len(value) > VALUES_MAX


def _too_many(key: str, count: int) -> Problem:
    message = f"There are {count} values; this index takes {VALUES_MAX}."
    return Problem("text.too_many", key[:80], message, hint="Send fewer.", rule="limits of this index")


def _line(code: str, message: str, hint: str) -> Problem:
    return Problem(code, "record", message, hint=hint, rule="JSON Lines")


def _told(exc: Exception) -> str:
    return "nested too deeply" if isinstance(exc, RecursionError) else str(exc)[:160]
