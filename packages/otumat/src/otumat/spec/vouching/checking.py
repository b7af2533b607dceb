"""
Who vouches: an envelope's signatures against the keys that are trusted. Bytes in, findings out; no file, no clock.

The order is the protocol's: signatures over the bytes first, and only then are those bytes read as a statement.
"""

from __future__ import annotations

from hashlib import sha256

from otumat.spec.keys import key_problems
from otumat.spec.spelling import normalize
from otumat.spec.statement import PAYLOAD_TYPE, Malformed, Statement, read_envelope, read_statement
from otumat.spec.vouching import release_order
from otumat.spec.vouching.keyring import COMPROMISED, REFUSE, SUPERSEDED, KeyRecord
from otumat.spec.vouching.verdict import (
    BELOW_THRESHOLD,
    DOWNGRADED,
    ERROR,
    EXPIRED,
    MODIFIED,
    REVOKED,
    ROLLED_BACK,
    TRUSTED,
    UNTRUSTED_KEY,
    Finding,
    Voucher,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.spec.statement import Envelope, Signature
    from otumat.spec.vouching.keyring import ProjectTrust


class Vouched:
    """
    What the signatures come to.

    Attributes:
        statement: What was signed; None when it cannot be read. Only without grave findings did anybody trusted say it.
        keys: The trusted keys whose signatures hold.
        findings: What speaks against it.
    """

    __slots__ = ("findings", "keys", "statement")

    def __init__(
        self, statement: Statement | None, keys: tuple[Voucher, ...] = (), findings: tuple[Finding, ...] = ()
    ) -> None:
        self.statement, self.keys, self.findings = statement, keys, findings


def check_envelope(
    data: bytes, *, project: str, version: str, trust: ProjectTrust, at: str, signed_before: str = ""
) -> Vouched:
    """
    Check the bytes of an envelope for one release of one project. Never raises, whatever the bytes are.

    Args:
        project, version: What the distribution calls itself.
        trust: What is asked of the project.
        at: Now, as `2026-01-31T12:00:00Z`.
        signed_before: A moment by which the envelope is proven to have existed (an index's log, a countersignature);
            empty when nothing proves one. Then revoked and expired keys do not count at all.

    Source: `docs/protocol/signature.md`, "Verifying".
    """
    try:
        envelope = read_envelope(data)
        if envelope.payload_type != PAYLOAD_TYPE:
            raise Malformed(f"its payload is of the type {envelope.payload_type[:80]!r}")
        keys, findings = _check_signatures(envelope, project, trust, at, signed_before)
        statement = read_statement(envelope.payload)
    except Malformed as exc:
        told = f"The envelope of its signatures cannot be read: {exc}."
        return Vouched(None, (), (Finding(ERROR, "envelope.malformed", told),))
    identity = _check_identity(statement, project, version, trust)
    return Vouched(statement, keys, (*findings, *identity, *check_fresh(trust, at)))


def check_release(project: str, version: str, trust: ProjectTrust, *, sequence: int = 0) -> list[Finding]:
    """Whether a release is older than what is asked for."""
    found = []
    if trust.minimum_version and release_order.is_before(version, trust.minimum_version):
        told = f"{project} {version} is older than {trust.minimum_version}, the oldest that is accepted."
        found.append(Finding(ROLLED_BACK, "release.old", told))
    if sequence < trust.minimum_sequence:
        told = f"Its sequence number {sequence} is below {trust.minimum_sequence}, the lowest that is accepted."
        found.append(Finding(ROLLED_BACK, "release.sequence", told))
    return found


def check_fresh(trust: ProjectTrust, at: str) -> list[Finding]:
    """Whether what the index said of the keys has expired: since then, one of them may have ended unheard."""
    if trust.source is None or at < trust.source.expires:
        return []
    told = (
        f"What {trust.source.index} said of its keys expired on {trust.source.expires[:10]}; one may have ended since."
    )
    hint = "Ask again with: otumat keys pin NAME"
    return [Finding(EXPIRED if trust.stale == REFUSE else TRUSTED, "keys.stale", told, hint=hint)]


def check_downgrade(version: str, trust: ProjectTrust) -> list[Finding]:
    """Whether a signature of the old kind alone will do for this version: the policy says, never the wheel."""
    modern = bool(trust.modern_from) and not release_order.is_before(version, trust.modern_from)
    if trust.legacy and not modern:
        return []
    since = f" from version {trust.modern_from} on" if modern else ""
    told = f"It carries only a signature of the 0.3 kind; one of the new kind is asked for{since}."
    hint = "Its author signs it with: otumat sign dist/*.whl"
    return [Finding(DOWNGRADED, "signature.legacy_only", told, hint=hint)]


def why_not(record: KeyRecord, at: str, signed_before: str = "", *, legacy: bool = False) -> Finding | None:
    """Why a key does not count now; None when it does."""
    name = f"The key {record.public.id[:16]}…" + (f" ({record.note})" if record.note else "")
    moment = signed_before or at
    if record.revoked_at and record.revoked_at <= moment:
        why = "it is in wrong hands" if record.revoked_for == COMPROMISED else "another one took its place"
        return Finding(REVOKED, "key.revoked", f"{name} was revoked on {record.revoked_at[:10]}: {why}.")
    if record.expires and record.expires <= moment:
        return Finding(
            EXPIRED, "key.expired", f"The trust in {name[0].lower()}{name[1:]} expired on {record.expires[:10]}."
        )
    if weak := [problem for problem in key_problems(record.public, legacy=legacy) if problem.severity == "error"]:
        return Finding(UNTRUSTED_KEY, weak[0].code, f"{name} does not count: {weak[0].message}", hint=weak[0].hint)
    return None


def _check_signatures(
    envelope: Envelope, project: str, trust: ProjectTrust, at: str, signed_before: str
) -> tuple[tuple[Voucher, ...], list[Finding]]:
    message = envelope.message
    counted: dict[str, Voucher] = {}
    findings: list[Finding] = []
    for record in trust.keys:
        if not any(record.public.verifies(each.sig, message) for each in _tried(envelope, record)):
            continue
        if refused := why_not(_as_known(record, envelope), at, signed_before):
            findings.append(refused)
        else:
            key = record.public
            counted[key.id] = Voucher(key.id, key.kind, record.role, record.note)  # one key counts once
    vouchers = tuple(counted.values())
    if len(vouchers) >= trust.threshold:
        return vouchers, []  # others that do not count take nothing away
    if vouchers:
        told = f"{len(vouchers)} of the {trust.threshold} trusted keys that are asked for signed it."
        findings.append(Finding(BELOW_THRESHOLD, "signature.too_few", told))
    elif not findings:
        findings.append(_nobody(envelope, project, trust))
    return vouchers, findings


def _as_known(record: KeyRecord, envelope: Envelope) -> KeyRecord:
    """A key as it was, where another one took its place after it had signed this; a key that was lost never is."""
    if record.revoked_for != SUPERSEDED or sha256(envelope.payload).hexdigest() not in record.before:
        return record
    return KeyRecord(record.public, role=record.role, note=record.note, expires=record.expires)


def _tried(envelope: Envelope, record: KeyRecord) -> list[Signature]:
    """The signatures to try with a key: those that name it, and those that name none."""
    return [each for each in envelope.signatures if each.keyid in ("", record.public.id)]


def _nobody(envelope: Envelope, project: str, trust: ProjectTrust) -> Finding:
    claimed = {each.keyid for each in envelope.signatures}
    if any(record.public.id in claimed for record in trust.keys):
        told = "Its signature names a trusted key, and does not hold under that key."
        return Finding(UNTRUSTED_KEY, "signature.invalid", told)
    names = ", ".join(f"{each[:16]}…" for each in sorted(claimed)[:3])
    if not trust.keys:
        told = f"It was signed by {names}; no key is trusted for it."
        hint = f"If you know whose that is: otumat keys add FILE.pub --for {normalize(project)}"
        return Finding(UNTRUSTED_KEY, "key.none", told, hint=hint)
    return Finding(UNTRUSTED_KEY, "key.unknown", f"It was signed by {names}; no trusted key is among them.")


def _check_identity(statement: Statement, project: str, version: str, trust: ProjectTrust) -> list[Finding]:
    found = check_release(statement.project, statement.version, trust, sequence=statement.sequence)
    if statement.project != normalize(project):
        told = f"What was signed is {statement.project!r}, not {normalize(project)!r}."
        found.append(Finding(MODIFIED, "statement.project", told))
    if statement.version != version:
        told = f"What was signed is version {statement.version!r}, not {version!r}."
        found.append(Finding(MODIFIED, "statement.version", told))
    return found
