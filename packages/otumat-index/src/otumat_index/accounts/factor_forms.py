"""allauth's forms of second factors, made stricter: a code counts once, a passkey is for this site and counts up."""

from __future__ import annotations

import json
from typing import Any, cast

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import transaction
from fido2.utils import websafe_decode
from fido2.webauthn import AuthenticatorData

CODE_MAX_CHARS = 50
NAME_MAX_CHARS = 60


def wrong() -> ValidationError:
    """The one answer to every factor that does not hold."""
    return cast(ValidationError, get_adapter().validation_error("incorrect_code"))


# Codes.


def spend(user_id: int, code: str) -> bool:
    """Mark an app's code as used, in whichever spelling; False when it was (RFC 6238, 5.2; A42)."""
    digits = "".join(char for char in code if char.isdigit())
    periods = 2 * settings.MFA_TOTP_TOLERANCE + 2
    return bool(cache.add(f"otumat.totp:{user_id}:{digits}", 1, timeout=30 * periods))


def plain_code(form: forms.Form) -> None:
    """The field for a code, without words inside it."""
    field = form.fields["code"]
    about = {"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": CODE_MAX_CHARS}
    field.widget = forms.TextInput(about)
    field.validators.append(MaxLengthValidator(CODE_MAX_CHARS))


class Once:
    """A code of an app counts once; allauth itself remembers it for one period only."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        plain_code(self)  # type: ignore[arg-type]

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP and not spend(self.user.pk, code):  # type: ignore[attr-defined]
            raise wrong()
        return code


class Authenticate(Once, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class Reauthenticate(Once, ReauthenticateForm):  # type: ignore[misc]
    """Showing the factor again before something important."""


class ActivateApp(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app: it must not sign in as well."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        plain_code(self)

    def clean_code(self) -> str:
        code: str = super().clean_code()
        if not spend(self.user.pk, code):
            raise wrong()
        return code


# Passkeys.


class Site:
    """What a browser signed was meant for this site: exactly PUBLIC_URL, whatever the Host header says."""

    def check_site(self, credential: Any) -> None:
        try:
            told = json.loads(websafe_decode(credential["response"]["clientDataJSON"]))
            right = told["origin"] == settings.CONFIG.public_url.rstrip("/") and not told.get("crossOrigin")
        except (AttributeError, KeyError, TypeError, ValueError):
            right = False
        if not right:
            raise wrong()


class AddPasskey(Site, AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey or security key."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.fields["name"] = forms.CharField(
            label="Name", required=False, max_length=NAME_MAX_CHARS, help_text="To tell it from others."
        )
        self.fields["passwordless"] = forms.BooleanField(
            label="It may sign me in on its own, without password",
            required=False,
            initial=True,
            help_text="Then it asks for your finger, face or PIN each time. Untick it for a plain security key.",
        )

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]
        self.check_site(credential)
        return credential


class Counted(Site):
    """
    Beyond allauth: the origin is ours, and the signature counter goes up.

    A copy of a key shows as a counter that does not (WebAuthn level 2, 7.2 step 21). Passkeys that are kept in step
    between devices send 0 always, and are let be.
    """

    def clean_credential(self) -> Authenticator:
        credential = self.cleaned_data["credential"]  # type: ignore[attr-defined]
        self.check_site(credential)
        try:
            found: Authenticator = super().clean_credential()  # type: ignore[misc]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as exc:  # a made-up credential
            raise wrong() from exc
        self.count(found, AuthenticatorData(websafe_decode(credential["response"]["authenticatorData"])).counter)
        return found

    @staticmethod
    def count(found: Authenticator, counter: int) -> None:
        with transaction.atomic():
            kept = Authenticator.objects.select_for_update().get(pk=found.pk)
            last = kept.data.get("counter", 0)
            if (counter or last) and counter <= last:
                raise wrong()
            kept.data["counter"] = counter
            kept.save(update_fields=["data"])
        found.data = kept.data


class LoginByPasskey(Counted, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey as the only login."""


class AuthenticateByPasskey(Counted, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second step of signing in."""


class ReauthenticateByPasskey(Counted, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Showing the passkey again before something important."""
