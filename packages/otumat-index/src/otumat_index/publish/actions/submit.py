"""The draft's submit: metadata creates or replaces the entry of (name, version); no file is needed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from otumat.errors import Invalid, Problem
from otumat.spec import metadata as spec
from otumat.spec import names, versions
from otumat.spec.metadata import Metadata
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.actions import entry
from otumat_index.publish.actions.entry import Outcome
from otumat_index.publish.trusted.standing import stand_in


def submit_release(pairs: Sequence[tuple[str, str]], *, by: Actor, at: datetime, verify: bool = False) -> Outcome:
    """
    Create or update an entry from a form of core metadata.

    Args:
        pairs: Form fields in order, named as in `otumat.spec.metadata.FIELDS`; repeated where multiple.
        verify: Check everything, write nothing.

    Raises:
        Invalid: With every problem found, not just the first.
        Refused: The actor may not submit for this name.

    Source: the draft PEP, "submit" and `--verify`.
    """
    metadata, problems = spec.from_form(pairs)
    by = stand_in(by, metadata.name, at=at)
    standing = queries.standing_of(by, names.normalize(metadata.name))
    if metadata.name and not names.check_name(metadata.name):
        rules.check_may(by, "submit", standing, name_claims=settings.CONFIG.name_claims)
    problems = [*problems, *check(metadata), *entry.check_claim(metadata.name, standing, by=by)]
    if any(problem.severity == "error" for problem in problems):
        raise Invalid(problems)
    if verify:
        return Outcome("verified", metadata.name, metadata.version, tuple(problems))
    return write(metadata, problems, by=by, at=at)


def check(metadata: Metadata) -> list[Problem]:
    """Every rule for an entry on this index."""
    limit_kb = settings.CONFIG.max_description_kb
    vocabulary = queries.vocabulary_for(metadata.classifiers)
    problems = rules.check_entry(metadata, vocabulary=vocabulary, max_description_kb=limit_kb)
    told = {problem.field for problem in problems if problem.severity == "error"}
    return problems + [problem for problem in check_fit(metadata) if problem.field not in told]


def check_fit(metadata: Metadata) -> list[Problem]:
    """Which values are longer than their columns."""
    columns = queries.widths()
    values = {name: getattr(metadata, name) for name in columns if hasattr(metadata, name)}
    problems = rules.check_widths(values, columns)
    if not problems:
        problems = rules.check_widths(
            {"version": versions.sortable(metadata.version)}, {"version": columns["sort_key"]}
        )
    for text in metadata.classifiers:
        problems += rules.check_widths({"classifiers": text}, {"classifiers": columns["classifier"]})
    return problems


@transaction.atomic
def write(metadata: Metadata, problems: Sequence[Problem], *, by: Actor, at: datetime) -> Outcome:
    project, claimed = entry.get_or_claim(metadata.name, by=by, at=at)
    # Asked again under the lock: another first submitter may have won the name meanwhile.
    rules.check_may(by, "submit", queries.standing_of(by, project.normalized), name_claims=settings.CONFIG.name_claims)
    release, created = entry.write_release(project, metadata, entry.release_of(project, metadata), at=at)
    entry.refresh_latest(project, at=at)
    serial = journal.write(
        "release.create" if created else "release.update",
        f"{project.name} {release.version}",
        by=by,
        at=at,
        topic=project.normalized,
        version=release.version,
        claimed=claimed,
    )
    return Outcome("created" if created else "updated", project.name, release.version, tuple(problems), serial)
