"""Wheels that no key of their project had signed, looked at again once the project has another key."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from otumat.spec.vouching.verdict import UNTRUSTED_KEY
from otumat_index.publish import files
from otumat_index.publish.models import File
from otumat_index.trust import judging, queries
from otumat_index.trust.models import Key, SignedFile

SCOPES_AT_ONCE = 500
FILES_AT_ONCE = 5
"""A round; the rest waits for the next, so that whoever follows the journal is never kept for long."""
FILES_MAX = 500


class Rejudging:
    """
    Projects that changed, and what of theirs is to be judged anew.

    What was published does not change, but its verdict was "no key of yours": with the key, that is no longer true.
    """

    def __init__(self) -> None:
        self.topics: set[str] = set()

    def note(self, topics: Iterable[str]) -> None:
        """Remember changed projects."""
        self.topics |= set(topics)

    def __call__(self) -> int:
        """One round; how many wheels were looked at. Safe to do twice."""
        names = sorted(self.topics)[:SCOPES_AT_ONCE]
        rows = due(names)
        self.topics -= set(names) - {row.scope for row in rows[FILES_AT_ONCE:]}
        return sum(judge_row(row, at=timezone.now()) for row in rows[:FILES_AT_ONCE])


def due(names: Sequence[str]) -> list[SignedFile]:
    """Verdicts that are older than the newest key of their project; two queries at most."""
    rows = SignedFile.objects.filter(scope__in=names, state=UNTRUSTED_KEY, scheme="dsse").order_by("-pk")
    listed = list(rows[:FILES_MAX]) if names else []
    if not listed:
        return []
    keyed = Key.objects.filter(scope__in={row.scope for row in listed}, revoked_at__isnull=True)
    newest = dict(keyed.values_list("scope").annotate(Max("added_at")))
    return [row for row in listed if row.scope in newest and row.at <= newest[row.scope]]


def judge_row(row: SignedFile, *, at: datetime) -> bool:
    """One file, by its bytes as they are kept and the moment it was published; whether it is still there."""
    file = File.objects.filter(sha256=row.sha256, release__project__normalized=row.scope).first()
    if file is None:
        return False
    source = io.BytesIO(files.store().read(file.key))
    judged = judging.judge(source, file.filename, queries.records(row.scope), at=file.uploaded_at)
    seen = file.uploaded_at if judged.verdict else at
    with transaction.atomic():
        if SignedFile.objects.select_for_update(of=("self",)).filter(pk=row.pk).exists():
            judging.keep(judged, scope=row.scope, sha256=row.sha256, at=seen)
    return True
