"""An account's password in tests, and an authenticator app for it."""

from __future__ import annotations

import base64

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP

from otumat_index.accounts.models import User

PASSWORD = "correct horse battery"
KEY = base64.b32encode(b"twenty bytes, a key.").decode()


def with_app(user: User) -> Authenticator:
    """Give an account an authenticator app."""
    return TOTP.activate(user, KEY).instance
