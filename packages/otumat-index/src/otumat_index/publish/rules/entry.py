"""What an entry and its files may say, and which upload contradicts what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otumat.errors import Problem
from otumat.spec import metadata as spec
from otumat.spec import versions
from otumat.spec.classifiers import Vocabulary
from otumat.spec.filenames import ParsedFilename
from otumat.spec.metadata import Metadata


def check_entry(
    metadata: Metadata, *, vocabulary: Vocabulary, max_description_kb: int, lenient_version: bool = False
) -> list[Problem]:
    """Every rule for the information of an entry: those of core metadata, and the limits of this index."""
    problems = spec.check(metadata, vocabulary=vocabulary, lenient_version=lenient_version)
    size_bytes = len(metadata.description.encode("utf-8", "replace"))
    if size_bytes > max_description_kb * 1000:
        message = f"The description has {size_bytes / 1000:.0f} kB; this index accepts {max_description_kb} kB."
        hint = "Move the details to your documentation, or ask the admin to raise MAX_DESCRIPTION_KB."
        problems.append(Problem("description.too_long", "description", message, hint=hint))
    return problems


def check_digests(claimed: Sequence[tuple[str, str]], actual: Mapping[str, str]) -> list[Problem]:
    """
    Claimed digests, whichever were sent, must be those of the bytes that arrived (case does not matter).

    Each is held against the digest of its own algorithm only: an MD5 never stands for a SHA-256 (A30).
    """
    problems = [
        Problem(
            "digest.mismatch",
            name,
            f"{name} says {value[:130]!r}, but the bytes that arrived have {actual[name]!r}.",
            value=value,
            hint="The upload was damaged or the digest belongs to another file; send it again.",
        )
        for name, value in claimed
        if value.lower() != actual[name]
    ]
    if {name for name, _ in claimed} == {"md5_digest"}:
        message = "An MD5 alone does not say which file was meant: others with the same one can be made."
        hint = "Send sha256_digest."
        problems.append(Problem("digest.weak", "md5_digest", message, hint=hint, severity="warning"))
    return problems


FILETYPES = {"wheel": "bdist_wheel", "sdist": "sdist"}


def check_filetype(claimed: str, kind: str) -> list[Problem]:
    """The form's `filetype`, where it is sent, is that of the file."""
    expected = FILETYPES.get(kind, claimed)
    if claimed in ("", expected):
        return []
    message = f"The form says {claimed[:80]!r}, but the file is a {kind}."
    hint = f"Send {expected!r}, or leave it out."
    return [Problem("filetype.mismatch", "filetype", message, value=claimed, hint=hint)]


def check_widths(values: Mapping[str, str], widths: Mapping[str, int]) -> list[Problem]:
    """Which texts do not fit their columns: SQLite would not mind, PostgreSQL would."""
    return [
        Problem(
            "text.too_long",
            name,
            f"It has {len(value)} characters; this index takes {widths[name]}.",
            value=value,
            hint="Shorten it.",
            rule="limits of this index",
        )
        for name, value in values.items()
        if len(value) > widths.get(name, len(value))
    ]


def slot(filename: ParsedFilename) -> str:
    """
    What a file is, however its name is spelled: an index offers one file a slot, once and for ever.

    `foo.bar-1.0-py3.py2-none-any.whl` and `foo_bar-1.0.0-py2.py3-none-any.whl` are one slot, and a release has one
    sdist (PEP 527), be it `.tar.gz` or `.zip`. No longer than the name itself.
    """
    stem = f"{filename.project.replace('-', '_')}-{versions.canonical(filename.version)}"
    if filename.kind == "sdist":
        return f"{stem}.tar.gz"
    columns = zip(*(tag.rsplit("-", 2) for tag in filename.tags), strict=True)
    tags = "-".join(".".join(sorted(set(column))) for column in columns)
    return "-".join(part for part in (stem, filename.build, tags) if part) + ".whl"


STATIC = ("requires_dist", "requires_python", "provides_extra")
"""What resolvers rely on: where sdist and wheel differ in these, one of them lies."""


def check_siblings(sdist: Metadata, wheel: Metadata) -> list[Problem]:
    """
    A wheel may not differ from its release's sdist in a field the sdist did not declare dynamic.

    Returns:
        Errors where PEP 643 binds (sdist metadata 2.2 and later) and resolvers would be misled, warnings otherwise.

    Source: PEP 643: a field not in Dynamic "MUST" have the same value in every wheel built from the sdist.
    """
    binding = spec_number(sdist.metadata_version) >= (2, 2)
    dynamic = {value.lower() for value in sdist.dynamic}
    found = {
        each.field: each for each in (*spec.compare(wheel, sdist), *spec.compare(sdist, wheel)) if each.field in STATIC
    }
    return [
        Problem(
            "release.files_differ",
            field,
            f"The wheel and the sdist of this release say different things of {field.replace('_', '-')}.",
            value=problem.value,
            hint="Build both from the same source, or declare the field dynamic.",
            rule="PEP 643",
            severity="error" if binding and field.replace("_", "-") not in dynamic else "warning",
        )
        for field, problem in found.items()
    ]


def spec_number(version: str) -> tuple[int, ...]:
    """`2.2` as (2, 2); anything unreadable as (0,)."""
    try:
        return tuple(int(part) for part in version.split("."))
    except ValueError:
        return (0,)


def entry_values(metadata: Metadata) -> dict[str, Any]:
    """Columns of `Release` that come from metadata, all of them: what is absent is cleared, as the draft says."""
    values: dict[str, Any] = {}
    for field in spec.FIELDS:
        if field.attribute not in ("name", "version"):
            value = getattr(metadata, field.attribute)
            values[field.attribute] = as_json(value) if field.multiple else value
    return values


def metadata_of(name: str, values: Mapping[str, Any]) -> Metadata:
    """The metadata that columns of `Release` hold: the reverse of `entry_values`, with name and version."""
    given = {field.attribute: values[field.attribute] for field in spec.FIELDS if field.attribute in values}
    texts: dict[str, Any] = {
        attribute: tuple(tuple(each) if isinstance(each, list) else each for each in value)
        if isinstance(value, list)
        else value
        for attribute, value in given.items()
    }
    return Metadata(**{**texts, "name": name})


def as_json(values: tuple[Any, ...]) -> list[Any]:
    """A tuple of texts or pairs as JSON keeps it."""
    return [list(each) if isinstance(each, tuple) else each for each in values]
