"""Reading keys and signatures of projects: rows for pages and API."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from otumat.errors import NotFound
from otumat.spec.key_list import records_of
from otumat.spec.vouching.keyring import COMPROMISED, KeyRecord
from otumat.spec.vouching.verdict import MEANINGS, REVOKED, TRUSTED, UNSIGNED
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries as publish
from otumat_index.publish import rules as publishing
from otumat_index.publish.models import File, Project, Release
from otumat_index.trust import history, queries, rules
from otumat_index.trust.models import Key, SignedFile

LEGACY = "legacy"
LEGACY_MEANING = (
    "a key of the project signed its folders as otumat 0.3 did, and neither version, metadata nor entry points"
)
WHEELS_MAX = 200
"""Of one release that are told of; a release of more is told by these."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signed, as people know it."""

    key_id: str
    kind: str
    role: str
    note: str
    since: datetime | None
    ended: datetime | None
    reason: str

    @property
    def short(self) -> str:
        """How its id begins."""
        return f"{self.key_id[:16]}…"


@dataclass(frozen=True, slots=True)
class FileSigning:
    """
    One wheel.

    Attributes:
        state: What its verdict comes to today; `unsigned` without an envelope.
        meaning: The same in words.
        signers: Whose signatures held, whether their keys still count or not.
        findings: What spoke against it when it came.
        is_legacy: Whether all it carries is a signature of the 0.3 kind.
    """

    filename: str
    state: str
    meaning: str
    signers: tuple[Signer, ...]
    findings: tuple[str, ...]
    is_legacy: bool = False

    @property
    def is_trusted(self) -> bool:
        """Whether a key of the project vouches for it today."""
        return self.state == TRUSTED


@dataclass(frozen=True, slots=True)
class ReleaseSigning:
    """
    How a release was signed.

    Attributes:
        before: The version that was released before it with wheels; empty for the first.
        changes: What is different from that one (`trust.rules.changes`).
    """

    files: tuple[FileSigning, ...]
    before: str
    changes: tuple[str, ...]

    @property
    def signers(self) -> tuple[Signer, ...]:
        """Every key that vouches for a wheel of it, by a legacy signature at the least; each once."""
        vouched = [file for file in self.files if file.is_trusted or file.state == LEGACY]
        found = {each.key_id: each for file in vouched for each in file.signers}
        return tuple(found.values())

    @property
    def state(self) -> str:
        """`signed`, `partly`, `legacy` (by old signatures alone), `bad` (a signature does not hold) or `unsigned`."""
        if any(not file.is_trusted and file.state not in (UNSIGNED, LEGACY) for file in self.files):
            return "bad"
        trusted = sum(file.is_trusted for file in self.files)
        if not trusted:
            return LEGACY if any(file.state == LEGACY for file in self.files) else "unsigned"
        return "signed" if trusted == len(self.files) else "partly"


Wheel = tuple[str, str, datetime]


def signing_of(project: Project, release: Release, *, at: datetime) -> ReleaseSigning | None:
    """
    How a release was signed, and what is different from the one before; None where the project never had a key.

    One query without keys, five more with some.
    """
    keys = {key.key_id: key for key in queries.keys(project.normalized)}
    if not keys:
        return None
    wheels = wheels_of([release.pk])
    signed = queries.signed(project.normalized, [sha256 for _, sha256, _ in wheels])
    records = {key_id: queries.record(key) for key_id, key in keys.items()}
    files = tuple(file_signing(wheel, signed.get(wheel[1]), keys, records, at=at) for wheel in wheels)
    before, earlier = wheels_before(project, release)
    then = queries.signed(project.normalized, [sha256 for _, sha256, _ in earlier])
    was = tuple(file_signing(wheel, then.get(wheel[1]), keys, records, at=at) for wheel in earlier)
    old, new = summed(was), summed(files)
    found = rules.changes(old if before else None, new)
    if "changed" in found and is_vouched(project, old.keys, new.keys):
        found = tuple("rotated" if each == "changed" else each for each in found)
    return ReleaseSigning(files, before, found)


def is_vouched(project: Project, old: Collection[str], new: Collection[str]) -> bool:
    """Whether one of the old keys signed that one of the new ones came, or one that came in between did; one query."""
    changes = history.changes(project.normalized)
    records = records_of(changes).items()
    standing = {key_id: record.public for key_id, record in records if record.revoked_for != COMPROMISED}
    vouching = set(old)
    for change in changes:
        if change.added and any(change.is_signed_by(standing[key_id]) for key_id in vouching if key_id in standing):
            vouching.add(change.added.public.id)
    return bool(vouching & set(new))


def wheels_of(releases: Sequence[int]) -> list[Wheel]:
    """Name, SHA-256 and moment of the wheels of a release."""
    rows = File.objects.filter(release__in=releases, kind=File.Kind.WHEEL).order_by("filename")
    return list(rows.values_list("filename", "sha256", "uploaded_at")[:WHEELS_MAX])


def wheels_before(project: Project, release: Release) -> tuple[str, list[Wheel]]:
    """The newest version below a release that has wheels, and those."""
    older = project.releases.filter(sort_key__lt=release.sort_key, files__kind=File.Kind.WHEEL)
    found = older.order_by("-sort_key").values_list("pk", "version").first()
    return (found[1], wheels_of([found[0]])) if found else ("", [])


def summed(files: Iterable[FileSigning]) -> rules.Signing:
    """The same as comparisons ask it. A signature by a key that ended since was one, all the same."""
    listed = list(files)
    signed = [file for file in listed if file.state in (TRUSTED, REVOKED) and not file.is_legacy]
    return rules.Signing(len(listed), len(signed), frozenset(each.key_id for file in signed for each in file.signers))


def file_signing(
    wheel: Wheel, row: SignedFile | None, keys: dict[str, Key], records: dict[str, KeyRecord], *, at: datetime
) -> FileSigning:
    """One wheel's verdict as it stands today."""
    filename, _, uploaded_at = wheel
    if row is None:
        return FileSigning(filename, UNSIGNED, MEANINGS[UNSIGNED], (), ())
    ids = [str(each["key"]) for each in row.keys]
    state = rules.state_now(row.state, ids, records, at=rules.moment(at), published=rules.moment(uploaded_at))
    if row.scheme == LEGACY and state == TRUSTED:
        state = LEGACY
    signers = tuple(signer(each, keys.get(str(each["key"]))) for each in row.keys)
    findings = tuple(str(each["message"]) for each in row.findings if each["state"] != TRUSTED)
    return FileSigning(
        filename,
        state,
        LEGACY_MEANING if state == LEGACY else MEANINGS.get(state, state),
        signers,
        findings,
        row.scheme == LEGACY,
    )


def signer(told: dict[str, str], key: Key | None) -> Signer:
    since, ended, reason = (key.added_at, key.revoked_at, key.reason) if key else (None, None, "")
    return Signer(told["key"], told["kind"], told["role"], told["note"], since, ended, reason)


def shown_key(key: Key) -> dict[str, Any]:
    """A key as the API tells it; `spki` is base64 of the DER."""
    told = queries.record(key).to_dict()
    return {
        "id": key.key_id,
        "kind": key.kind,
        "spki": told["spki"],
        "role": key.role,
        "note": key.note,
        "added_at": key.added_at,
        "added_by": key.added_by,
        "revoked_at": key.revoked_at,
        "revoked_for": key.revoked_for,
        "revoked_by": key.revoked_by,
        "reason": key.reason,
        "successor": key.successor.key_id if key.successor else "",
    }


def shown_release(signing: ReleaseSigning | None) -> dict[str, Any]:
    """How a release was signed, as the API tells it."""
    if signing is None:
        return {"state": UNSIGNED, "before": "", "changes": [], "files": []}
    return {
        "state": signing.state,
        "before": signing.before,
        "changes": list(signing.changes),
        "files": [shown_file(file) for file in signing.files],
    }


def shown_file(file: FileSigning) -> dict[str, Any]:
    return {
        "filename": file.filename,
        "state": file.state,
        "meaning": file.meaning,
        "keys": [{"id": each.key_id, "kind": each.kind, "role": each.role, "note": each.note} for each in file.signers],
        "findings": list(file.findings),
    }


@dataclass(frozen=True, slots=True)
class Origin:
    """A release that a file is from: the file itself, or the wheel it is in, at `path`."""

    project: str
    normalized: str
    version: str
    filename: str
    path: str


def origins(digest: str, *, by: Actor) -> list[Origin]:
    """
    Which releases a file with this SHA-256 is from: published itself, or a member of a wheel that its authors signed.

    Args:
        digest: 64 hexadecimal digits, in lower case.

    Raises:
        NotFound: None, or none that the actor may see: the same answer for both.
    """
    inside = {(each.scope, each.sha256): each.path for each in queries.holding(digest)}
    digests = {digest, *(sha256 for _, sha256 in inside)}
    rows = File.objects.filter(sha256__in=digests).select_related("release__project").defer("metadata")
    found = []
    for file in rows.order_by("-uploaded_at")[: queries.FOUND_MAX]:
        project = file.release.project
        path = inside.get((project.normalized, file.sha256), "")
        if (file.sha256 == digest or path) and may_see(project, by):
            found.append(Origin(project.name, project.normalized, file.release.version, file.filename, path))
    if not found:
        raise NotFound(
            f"No release on this index is known to hold a file with the SHA-256 {digest}.",
            hint="Wheels are looked into when they carry an envelope that a key of their project signed.",
        )
    return found


def may_see(project: Project, by: Actor) -> bool:
    """Whether a project may be told of, to this actor."""
    return not project.is_private or publishing.may(by, "read", publish.standing_of(by, project.normalized))


def file_of(project: Project, version: str, filename: str) -> File:
    """
    A file of a release that something attests.

    Raises:
        NotFound: There is none.
    """
    release = publish.release(project, version)
    file = release.files.filter(filename=filename, has_provenance=True).defer("metadata").first()
    if file is None:
        raise NotFound(f"Nothing is attested of {filename!r}.", hint="Only some files carry attestations (PEP 740).")
    return file
