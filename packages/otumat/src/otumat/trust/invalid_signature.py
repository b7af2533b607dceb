"""What `verify` raises where `cryptography` is not installed; where it is, its own exception of this name is raised."""

from __future__ import annotations

from otumat.errors import Untrusted


class InvalidSignature(Untrusted):
    """The signature does not vouch for the value."""

    default_code = "signature.invalid"
