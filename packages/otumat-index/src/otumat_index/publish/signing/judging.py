"""An upload's envelope: checked after everything else, and only where there is one."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from django.conf import settings

from otumat.errors import Problem
from otumat.spec.archive import Inspection
from otumat.spec.statement import ENVELOPE_NAME
from otumat_index.publish.rules import Standing, signatures
from otumat_index.trust import judging, queries, rules
from otumat_index.trust.judging import Judged

LEGACY_MAX_BYTES = 64 * 1024 * 1024
"""Unpacked; wheels with legacy signatures are read into memory, and larger ones are not looked at."""


def policy_of(standing: Standing) -> str:
    """What is done about signatures of this project: the stricter of what it and the index ask."""
    return rules.stricter(settings.CONFIG.signatures, standing.signatures)


def judge(
    file: BinaryIO, inspection: Inspection, standing: Standing, *, at: datetime
) -> tuple[Judged | None, list[Problem]]:
    """
    The verdict on a wheel that passed inspection, None where there is nothing to judge; and what its uploader hears.

    A wheel without an envelope costs nothing, but where it is to be refused: then one query.
    """
    policy = policy_of(standing)
    if policy == "off" or inspection.kind != "wheel" or not inspection.is_acceptable:
        return None, []
    if f"{inspection.root}/{ENVELOPE_NAME}" not in inspection.paths:
        return judge_without_envelope(file, inspection, standing, policy, at=at)
    records = queries.records(standing.name)
    judged = judging.judge(file, inspection.filename, records, at=at)
    return judged, signatures.check_verdict(policy, judged.verdict, has_keys=bool(records))


def judge_without_envelope(
    file: BinaryIO, inspection: Inspection, standing: Standing, policy: str, *, at: datetime
) -> tuple[Judged | None, list[Problem]]:
    """The same for one that has none: refused where one must be, and looked at only for legacy signatures."""
    if policy == signatures.REFUSE:
        return None, signatures.check_unsigned(policy, has_keys=queries.has_keys(standing.name))
    if not any(is_legacy(each, inspection.root) for each in inspection.paths):
        return None, []
    records = queries.records(standing.name)
    if not records or inspection.unpacked_bytes > LEGACY_MAX_BYTES:
        return None, []
    judged = judging.judge_legacy(file, inspection.filename, standing.name, records, at=at)
    return judged, signatures.check_legacy(judged.verdict, had_envelopes=queries.had_envelopes(standing.name))


def is_legacy(path: str, root: str) -> bool:
    """Whether a path is that of a signature of the 0.3 kind."""
    return path.startswith(f"{root}/") and path.endswith(".sig") and path.count("/") == 1
