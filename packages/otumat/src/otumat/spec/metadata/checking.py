"""Every rule about one record, all problems at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.errors import Problem
from otumat.spec import names, versions

if TYPE_CHECKING:
    from otumat.spec.classifiers import Vocabulary
    from otumat.spec.metadata.fields import Metadata


def check(metadata: Metadata, *, vocabulary: Vocabulary, lenient_version: bool = False) -> list[Problem]:
    """Every problem of a record."""
    problems = names.check_name(metadata.name)
    if not versions.is_valid(metadata.version):
        severity = "warning" if lenient_version else "error"
        problems.append(
            Problem("version.invalid", "version", f"{metadata.version!r} is no version.", severity=severity)
        )
    return problems + vocabulary.check(metadata.classifiers)
