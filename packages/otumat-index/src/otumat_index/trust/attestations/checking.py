"""Every question that one attestation of one file is asked, but whose it may be."""

from __future__ import annotations

from datetime import datetime

from otumat_index.trust.attestations import certificates, log
from otumat_index.trust.attestations.certificates import Identity
from otumat_index.trust.attestations.reading import Attested
from otumat_index.trust.models import Attestation


def check(attested: Attested, *, sha256: str, roots: str, root: str, at: datetime) -> Identity:
    """
    Whether it is about these bytes, and signed by whom a trusted authority knows.

    Args:
        roots: PEM file of the authorities. root: File of a Sigstore trusted root, which counts instead where there is
            one: with the log's proof, a certificate must have been valid when it was used, and not now.

    Returns:
        For whom the certificate speaks; whether that is anybody the file may come from, the caller knows.

    Raises:
        Untrusted: Saying what does not hold.
    """
    if attested.sha256 != sha256:
        raise certificates.refused(
            f"An attestation is about a file with the SHA-256 {attested.sha256[:64]!r}, not this."
        )
    certificate = certificates.read(attested.certificate)
    if root:
        log.check(attested, root=root)
    else:
        certificates.check(certificate, certificates.anchors(roots), at=at)
    if not certificates.verifies(certificate, attested.signature, attested.message):
        raise certificates.refused("The signature of an attestation does not hold.")
    return certificates.identity(certificate)


def keep(attested: Attested, publisher: dict[str, str], *, scope: str, is_logged: bool, at: datetime) -> None:
    """Write one that was checked, and whether its log entry was, too; in the caller's transaction."""
    Attestation.objects.update_or_create(
        scope=scope,
        sha256=attested.sha256,
        predicate_type=attested.predicate_type,
        defaults={
            "publisher": publisher,
            "body": attested.body,
            "log": log.VERIFIED if is_logged else "",
            "at": at,
        },
    )
