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
        return None, signatures.check_unsigned(policy, has_keys=policy == "refuse" and queries.has_keys(standing.name))
    records = queries.records(standing.name)
    judged = judging.judge(file, inspection.filename, records, at=at)
    return judged, signatures.check_verdict(policy, judged.verdict, has_keys=bool(records))
