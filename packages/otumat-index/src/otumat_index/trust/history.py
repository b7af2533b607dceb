"""The history of a scope's keys: what is written to it with every change, and the list of it that the index signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from otumat.errors import Conflict, Invalid, Problem
from otumat.spec.key_list import Change, composed_addition, composed_end, composed_list, read_change
from otumat.spec.statement import Malformed, strict_json
from otumat.spec.vouching.keyring import SUPERSEDED, KeyRecord
from otumat_index.trust import index_keys, models, queries, rules


def changes(scope: str) -> list[Change]:
    """Every change, the first first; one query."""
    rows = models.Change.objects.filter(scope=scope).values_list("payload", "signatures")
    return [
        read_change({"payload": strict_json.base64_of(bytes(payload)), "signatures": signatures})
        for payload, signatures in rows
    ]


def write_addition(key: models.Key, *, replaces: models.Key | None, proof: Change | None, at: datetime) -> None:
    """Write that a key came; as its proof has it, byte for byte, where there is one."""
    number, previous = place(key.scope)
    payload = proof.payload if proof else composed_addition(
        key.scope,
        number=number,
        previous=previous,
        at=rules.moment(at),
        key=queries.record(key),
        replaces=replaces.key_id if replaces else "",
    )  # fmt: skip
    write(key.scope, number, read_change({"payload": strict_json.base64_of(payload)}), proof)


def write_end(key: models.Key, *, at: datetime) -> None:
    """Write that a key ended, or that its end is another than was thought."""
    number, previous = place(key.scope)
    payload = composed_end(
        key.scope,
        number=number,
        previous=previous,
        at=rules.moment(at),
        key_id=key.key_id,
        kind=key.revoked_for,
        since=rules.moment(key.revoked_at or at),
        reason=key.reason,
    )
    write(key.scope, number, read_change({"payload": strict_json.base64_of(payload)}), None)


def write(scope: str, number: int, change: Change, proof: Change | None) -> None:
    signatures = proof.to_dict()["signatures"] if proof else []
    models.Change.objects.create(
        scope=scope, number=number, payload=change.payload, signatures=signatures, digest=change.digest
    )


def place(scope: str) -> tuple[int, str]:
    """The number of the next change, and the digest of the last; the caller holds the scope's lock."""
    last = models.Change.objects.filter(scope=scope).order_by("-number").values_list("number", "digest").first()
    return (last[0] + 1, last[1]) if last else (1, "")


def check_proof(scope: str, told: Mapping[str, Any], *, at: datetime) -> tuple[Change, KeyRecord]:
    """
    A change that somebody composed and that keys of the scope signed, if it is the next one; and the key that came.

    Raises:
        Invalid: It is none, or a signature does not hold. Conflict: The keys changed since it was composed.
    """
    try:
        change = read_change(dict(told))
    except Malformed as exc:
        raise invalid("change.malformed", f"The signed change cannot be read: {exc}.") from None
    if change.added is None or change.project != scope:
        raise invalid("change.other", "The signed change lets no key sign for this project.")
    if (change.number, change.previous) != place(scope):
        hint = "Somebody else changed them: look at the keys, then try again."
        raise Conflict("The keys are not those any more that the change was made for.", hint=hint, code="keys_moved")
    if not rules.moment(at - rules.LEEWAY) <= change.at <= rules.moment(at + rules.LEEWAY):
        raise invalid("change.moment", f"The change was made at {change.at}; here it is {rules.moment(at)}.",
                      "Set the clock of the machine that makes it.")  # fmt: skip
    if change.added.note != change.added.note.strip() or len(change.replaces) not in (0, 64):
        raise invalid("change.malformed", "The signed change is not spelt as it would be kept.")
    check_signatures(scope, change)
    return change, change.added


def check_signatures(scope: str, change: Change) -> None:
    """Every signature holds, under a key that counts; there is one at least."""
    standing = {each.public.id: each.public for each in queries.records(scope) if not each.revoked_at}
    for each in change.signatures:
        if each.keyid not in standing or not standing[each.keyid].verifies(each.sig, change.message):
            message = f"The signature by {each.keyid[:16]!r} holds under no key of the project that counts."
            raise invalid("change.signature", message, "Sign it with a key that the project lists.")
    if not change.signatures:
        raise invalid("change.unsigned", "No key signed the change.", "Send the key alone, without a change.")


def signed_list(scope: str, *, at: datetime) -> bytes:
    """The list of a scope's keys, signed now."""
    config = settings.CONFIG
    # Of a compromised key nothing is witnessed: with it, whoever holds the index could make old envelopes new.
    retired = [key for key in queries.keys(scope) if key.revoked_for == SUPERSEDED]
    return composed_list(
        scope,
        changes(scope),
        witnessed=queries.witnessed(scope, retired),
        index=config.public_url.rstrip("/"),
        issued=rules.moment(at),
        expires=rules.moment(at + timedelta(days=config.key_list_days)),
        signers=[(each.public, each.sign) for each in index_keys.signers(config)],
    )


def invalid(code: str, message: str, hint: str = "") -> Invalid:
    return Invalid([Problem(code, "change", message, hint=hint)], message=message, hint=hint)
