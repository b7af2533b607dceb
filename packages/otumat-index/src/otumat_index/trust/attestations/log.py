"""
The whole of what Sigstore says of an attestation, offline: certificate, its log, and the entry of the transparency log.

The one place that touches `sigstore`, an optional package (`otumat-index[sigstore]`): loaded with the first attestation
only, for it costs 0.46 s of CPU and 38 MB. What is trusted is a file that the operator names; nothing is fetched.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from otumat.spec.statement.wheel import PAYLOAD_TYPE
from otumat_index.trust.attestations.certificates import refused
from otumat_index.trust.attestations.reading import Attested

if TYPE_CHECKING:
    from sigstore.verify import Verifier

VERIFIED = "verified"
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
log = logging.getLogger(__name__)


class Anyone:
    """A policy for any identity: whose a certificate may be, `publish.signing.attested` decides."""

    def verify(self, cert: x509.Certificate) -> None:
        """Accept it."""


def check(attested: Attested, *, root: str) -> None:
    """
    The certificate is of a trusted authority and in its log; the entry is in the transparency log, by a proof of
    inclusion under a signed checkpoint; it was made while the certificate was valid; and it is about this envelope.

    Args:
        root: File of a Sigstore trusted root (`trusted_root.json`).

    Raises:
        Untrusted: Something of that does not hold.
    """
    from sigstore.errors import Error
    from sigstore.models import Bundle

    try:
        verifier(root).verify_dsse(Bundle.from_json(bundle(attested)), Anyone())
    except (Error, InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, LookupError, OverflowError) as exc:
        # What the package says may quote what was sent.
        log.info("an attestation was refused: %s", type(exc).__name__)
        message = "The transparency log does not vouch for an attestation."
        raise refused(message, "Make it anew with a signer that logs it, or upload without.") from exc


def verifier(root: str) -> Verifier:
    """What verifies by this file; read again when the file changes, as its operator brings it up to date."""
    return _verifier(root, os.stat(root).st_mtime_ns)


@lru_cache(maxsize=2)
def _verifier(root: str, mtime_ns: int) -> Verifier:
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier

    return Verifier(trusted_root=TrustedRoot.from_file(root))


def bundle(attested: Attested) -> bytes:
    """An attestation object in the shape that Sigstore calls a bundle (PEP 740, "Attestation objects")."""
    signature = {"sig": base64.b64encode(attested.signature).decode()}
    told = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {
            "certificate": {"rawBytes": base64.b64encode(attested.certificate).decode()},
            "tlogEntries": attested.body["verification_material"]["transparency_entries"],
        },
        "dsseEnvelope": {
            "payload": base64.b64encode(attested.statement).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [signature],
        },
    }
    return json.dumps(told).encode()
