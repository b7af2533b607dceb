"""Taking a batch of uses: read, judge row by row, add up, store; one transaction, once."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Set as AbstractSet
from datetime import datetime

from otumat.errors import Invalid, OtumatError, Problem, Refused
from otumat.spec.event import BATCH_MAX_BYTES, Batch, Verdict, read_batch, verdicts
from otumat.spec.manifest import DeclaredEvent
from otumat_index.usage import queries, rules
from otumat_index.usage.actions.bare import note_names
from otumat_index.usage.actions.collecting import catch_up
from otumat_index.usage.actions.copies import note_copy
from otumat_index.usage.models import Install
from otumat_index.usage.sealing import seal
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Accepted, Told
from otumat_index.usage.stores.turns import ALONE

Declared = dict[str, DeclaredEvent] | None


def accept_events(install: Install, packed: bytes, *, key: str, is_copy: bool = False, at: datetime) -> Told:
    """
    Take a batch, or tell what became of it when it came before.

    What a copy of an image did counts as use, and the copy as a copy: not as an install, nor as where and when one ran.

    Args:
        packed: The body, gzip.
        key: Its idempotency key, as in the request's head.
        is_copy: It came with the install's proof.

    Raises:
        Invalid: It is no batch, or one of another install.
        Refused: `withdrawn` or `stopped`. Conflict: `batch_differs`.
    """
    state = queries.state_of(install.project)
    if install.withdrawn_at:
        raise Refused("This install was withdrawn.", code="withdrawn")
    if state is None or not state.is_on:
        raise Refused(f"{install.project.name} does not collect uses any more.", code="stopped")
    with ALONE:  # the interpreter would be taken from a thread for which others wait
        body = unpacked(packed)
        batch = read_batch(body)
    check_ours(batch, install, key, is_copy=is_copy)
    declared, refused = judged(batch, install, state.declared, at=at)
    names: AbstractSet[str] = declared.keys() if declared is not None else set()
    if declared is None:
        names, refused = with_room(batch, install, refused)
    out = {verdict.row for verdict in refused}
    rows = [row for number, row in enumerate(batch.rows) if number not in out] if out else batch.rows
    releases = queries.known_releases(install.project, {row.use.where.release for row in rows})
    counts = rules.counts(batch.rows, refused, releases)
    told = STORE.accept(
        Accepted(
            install=install.pk,
            project=install.project_id,
            batch=batch.batch,
            sequence=0 if is_copy else batch.sequence,  # copies do not know of each other's
            sha256=hashlib.sha256(body).hexdigest(),
            received_on=at.date(),
            body=seal(install.body_key, packed),
            counts=counts,
            refused=refused,
            days={} if is_copy else rules.days_of(batch.rows, refused, releases),
            losses=rules.losses(batch.rows, refused, batch.lost, names),
        )
    )
    if is_copy:
        note_copy(install, batch.copy, on=at.date())
    return told


def judged(batch: Batch, install: Install, declared: Declared, *, at: datetime) -> tuple[Declared, list[Verdict]]:
    """Which rows are refused; before one is for want of a manifest, wheels are read that nobody has looked into yet."""
    refused = verdicts(batch, declared, consented=install.consented_on, today=at.date())
    if not any(verdict.code in ("undeclared", "expired") for verdict in refused):
        return declared, refused
    catch_up(install.project, at=at)
    state = queries.state_of(install.project)
    declared = state.declared if state else {}
    return declared, verdicts(batch, declared, consented=install.consented_on, today=at.date())


def with_room(batch: Batch, install: Install, refused: list[Verdict]) -> tuple[set[str], list[Verdict]]:
    """The names that count in a project without a manifest; and the verdicts, with rows for whose name is no room."""
    out = {verdict.row for verdict in refused}
    told = {number: row.use.name for number, row in enumerate(batch.rows) if number not in out}
    names = note_names(install.project, set(told.values()))
    crowded_out = [Verdict(number, "undeclared") for number, name in told.items() if name not in names]
    return names, sorted([*refused, *crowded_out])


def unpacked(packed: bytes) -> bytes:
    """The body before compression, however far it would unfold."""
    engine = zlib.decompressobj(wbits=31)
    try:
        body = engine.decompress(packed, BATCH_MAX_BYTES + 1)
    except zlib.error as exc:
        raise Invalid([Problem("batch.encoding", "body", "The body is no gzip.")]) from exc
    if len(body) > BATCH_MAX_BYTES:
        raise OtumatError(f"A batch has at most {BATCH_MAX_BYTES} bytes.", code="too_large")
    if not engine.eof or engine.unused_data:
        raise Invalid([Problem("batch.encoding", "body", "The body is cut off, or has more behind its end.")])
    return body


def check_ours(batch: Batch, install: Install, key: str, *, is_copy: bool) -> None:
    """A token tells for its own install and project only; a proof for copies of it, which say that they are."""
    said = {"install": batch.install, "project": batch.project, "batch": batch.batch, "copy": bool(batch.copy)}
    ours = {"install": install.name, "project": install.project.normalized, "batch": key, "copy": is_copy}
    found = [
        Problem(f"batch.{name}", name, f"The {name} in the body is not the one that the request is for.")
        for name in said
        if said[name] != ours[name]
    ]
    if found:
        raise Invalid(found)
