"""The forms of signing up and of a forgotten password, in place of allauth's: they tell strangers nothing (A38)."""

from __future__ import annotations

from typing import Any

from allauth.account.fields import EmailField
from allauth.account.forms import LoginForm, SignupForm
from allauth.core import context
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from otumat.errors import Refused
from otumat_index.accounts import addresses, limits, registration

WITHOUT = "Or leave both empty: then you sign in with a passkey, which you make once your address is confirmed."


class SignIn(LoginForm):  # type: ignore[misc]
    """Login name or address, and password."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        field = self.fields["login"]
        field.label, field.max_length = "Login name or mail address", registration.MAX_CHARS["email"]
        field.widget.attrs["autocomplete"] = "username webauthn"


class SignUp(SignupForm):  # type: ignore[misc]
    """A new account, with a password or, leaving it out, with a passkey alone."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.fields["username"].help_text = "Letters, digits, “.”, “_” and “-”. Everybody sees it."
        self.fields["username"].label = "Login name"
        self.fields["email"].label = "Mail address"
        self.fields["password1"].help_text = " ".join(filter(None, [*password_validators_help_texts(), WITHOUT]))
        for name in ("password1", "password2"):
            self.fields[name].max_length = registration.MAX_CHARS["password"]

    def validate_unique_email(self, value: str) -> str:
        """An address of another account makes no difference here; only the mail will differ (`adapter`)."""
        return value

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean()
        if bool(values.get("password1")) != bool(values.get("password2")) and not self.errors:
            self.add_error("password2", "Type the same password twice, or leave both fields empty.")
        if not self.errors:
            check_asking(values["email"])
        return values


class Reminder(forms.Form):
    """A forgotten password: everything else happens beside the request."""

    email = EmailField(label="Mail address")

    def clean_email(self) -> str:
        return addresses.canonical(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            check_asking(values["email"])
        return values

    def save(self, request: HttpRequest, **words: Any) -> str:
        email: str = self.cleaned_data["email"]
        registration.remind(email=email)
        return email


def check_asking(about: str) -> None:
    """Count it, and tell in the form when it is too much."""
    try:
        limits.check_asking(context.request, about)
    except Refused as exc:
        raise ValidationError(f"{exc.message} {exc.hint}") from exc
