"""What a copy's link to the consent page carries, as `read_link` takes it, and what proves who made it (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "http://127.0.0.1:49152/usage-consented"
LINK = {
    "response_type": "code",
    "client_id": "otumat-usage",
    "scope": "usage",
    "redirect_uri": REDIRECT,
    "state": "s" * 43,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "project": "roundup",
    "release": "1.0",
    "manifest": "",
    "wording": "1",
}
DEVICE = {"client_id": "otumat-usage", "scope": "usage", "project": "roundup", "release": "1.0", "wording": "1"}
