"""An upload's attestations (PEP 740): whose they are, and whether that is anybody who may publish the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from otumat.errors import Invalid, OtumatError, Problem
from otumat.spec import filenames
from otumat.spec.statement import Malformed
from otumat_index.journal.actor import Actor
from otumat_index.publish.models import File, Project, Release, TrustedPublisher
from otumat_index.publish.rules import attested as rules
from otumat_index.publish.rules import slot
from otumat_index.trust import queries
from otumat_index.trust.attestations import checking, reading
from otumat_index.trust.attestations.certificates import Identity
from otumat_index.trust.attestations.log import VERIFIED
from otumat_index.trust.attestations.reading import Attested

FILES_MAX = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """An attestation that holds, and the publisher it speaks for, as PEP 740 tells it."""

    attested: Attested
    publisher: dict[str, str]


def check(
    text: str, *, filename: str, sha256: str, project: str, by: Actor, at: datetime
) -> tuple[list[Checked], list[Problem]]:
    """
    The attestations of an upload form; any that does not hold refuses the upload (A60).

    Args:
        text: The form's field, empty when there is none.
        project: Normalised name.

    Returns:
        Those to keep. On an index without authorities none is, and the uploader hears so.
    """
    if not text.strip():
        return [], []
    if not (settings.CONFIG.attestation_roots or settings.CONFIG.attestation_trust):
        message = "This index keeps no attestations: it trusts no authority that signs certificates for them."
        hint = "Its operator can name them in ATTESTATION_TRUST or ATTESTATION_ROOTS."
        return [], [Problem("attestation.off", "attestations", message, hint=hint, severity="warning")]
    try:
        listed = reading.read(text)
        publishers = publishers_of(project, by)
        return [check_one(each, filename, sha256, publishers, at=at) for each in listed], []
    except Malformed as exc:
        return [], [Problem("attestation.malformed", "attestations", f"The attestations cannot be read: {exc}.")]
    except OtumatError as exc:
        return [], [Problem("attestation.untrusted", "attestations", exc.message, hint=exc.hint)]


def check_one(
    attested: Attested, filename: str, sha256: str, publishers: Sequence[TrustedPublisher], *, at: datetime
) -> Checked:
    if not is_named(attested.subject, filename):
        message = f"An attestation is about {attested.subject[:100]!r}, not this file."
        raise Invalid([Problem("attestation.subject", "attestations", message)], message=message)
    config = settings.CONFIG
    identity = checking.check(
        attested, sha256=sha256, roots=config.attestation_roots, root=config.attestation_trust, at=at
    )
    return Checked(attested, publisher_of(identity, publishers))


def is_named(subject: str, filename: str) -> bool:
    """Whether a statement's subject is this file, however it spells the name (PEP 740: both parsed, then compared)."""
    try:
        return subject == filename or slot(filenames.parse(subject)) == slot(filenames.parse(filename))
    except Invalid:
        return False


def publishers_of(project: str, by: Actor) -> list[TrustedPublisher]:
    """Those whose certificates are taken: the one that this very upload comes from, or else the project's."""
    if by.publishers:
        return list(TrustedPublisher.objects.filter(pk__in=by.publishers))
    return list(TrustedPublisher.objects.filter(Q(project__normalized=project)))


def publisher_of(identity: Identity, publishers: Sequence[TrustedPublisher]) -> dict[str, str]:
    """The publisher that a certificate speaks for, as it is told to others."""
    for each in publishers:
        if rules.speaks_for(identity, issuer=each.issuer, kind=each.kind, claims=each.claims, pinned=each.pinned):
            return rules.publisher_object(each.kind, each.issuer, each.claims)
    message = "The certificate of an attestation speaks for nobody who may publish this project."
    hint = "An owner can add the workflow to the project's trusted publishers."
    raise Invalid([Problem("attestation.publisher", "attestations", message, hint=hint)], message=message)


def keep(found: Sequence[Checked], *, scope: str, at: datetime) -> None:
    """Write those that hold; in the transaction of the upload."""
    for each in found:
        is_logged = bool(settings.CONFIG.attestation_trust)
        checking.keep(each.attested, each.publisher, scope=scope, is_logged=is_logged, at=at)


def provenance(project: Project, file: File) -> dict[str, Any]:
    """The provenance object of a file (PEP 740): its attestations in bundles, one for each publisher."""
    bundles: list[dict[str, Any]] = []
    for each in queries.attestations(project.normalized, file.sha256):
        bundle = next((known for known in bundles if known["publisher"] == each.publisher), None)
        if bundle is None:
            bundle = {"publisher": each.publisher, "attestations": []}
            bundles.append(bundle)
        bundle["attestations"].append(each.body)
    return {"version": 1, "attestation_bundles": bundles}


UNVERIFIED = "not verified: no trust root configured"


@dataclass(frozen=True, slots=True)
class Told:
    """One attestation as people and API are told of it; `log`: what is known of its entry in the transparency log."""

    filename: str
    predicate_type: str
    publisher: dict[str, str]
    log: str

    @property
    def is_logged(self) -> bool:
        """Whether the log vouches for it."""
        return self.log == VERIFIED

    def to_dict(self) -> dict[str, Any]:
        """As the API tells it."""
        return {
            "filename": self.filename,
            "predicate_type": self.predicate_type,
            "publisher": self.publisher,
            "log": self.log,
        }


def attested_of(release: Release) -> list[Told]:
    """What is attested of a release's files; two queries, one where nothing is."""
    files = release.files.filter(has_provenance=True).order_by("filename").values_list("sha256", "filename")
    names = dict(files[:FILES_MAX])
    scope = release.project.normalized
    return [
        Told(names[each.sha256], each.predicate_type, each.publisher, each.log or UNVERIFIED)
        for each in (queries.attestations_of(scope, list(names)) if names else [])
    ]
