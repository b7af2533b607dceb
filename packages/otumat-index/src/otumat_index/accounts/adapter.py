"""Where allauth asks us: links come from PUBLIC_URL, changes are journalled, mail is sent beside the request."""

from __future__ import annotations

import base64
import hashlib
import secrets
from email.utils import make_msgid
from typing import Any
from urllib.parse import urljoin, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes

from otumat_index.accounts import addresses, limits, traces
from otumat_index.accounts.models import User
from otumat_index.jobs import letters
from otumat_index.web import later
from otumat_index.web.middleware import client_network

ASKED_FOR = ("email_confirmation", "password_reset_key", "account_already_exists", "unknown_account")
"""Mails that anybody can make us send; only these are limited, never those that warn of a change."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Our answers to allauth's questions about accounts."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.CONFIG.sign_up)

    # Addresses and names in one spelling.

    def clean_email(self, email: str) -> str:
        return addresses.canonical(super().clean_email(addresses.canonical(email)))

    def clean_username(self, username: str, shallow: bool = False) -> str:
        if not shallow:
            traces.forget_unconfirmed(username, at=timezone.now())
        return str(super().clean_username(username, shallow))

    # Links.

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return public_url(reverse("account_confirm_email", args=[emailconfirmation.key]))

    def get_reset_password_from_key_url(self, key: str) -> str:
        return public_url(reverse("account_reset_password_from_key", kwargs={"uidb36": "x", "key": "k"})).replace(
            "x-k", key
        )

    # Mail.

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """To an address of another account goes word of that instead of a link: who asks learns nothing (A38)."""
        address = emailconfirmation.email_address
        if address.can_set_verified():
            super().send_confirmation_mail(request, emailconfirmation, signup)
        else:
            self.send_mail("account/email/account_already_exists", address.email, {})

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        words = {
            "email": email,
            **context,
            "index_name": settings.CONFIG.index_name,
            "index_url": settings.CONFIG.public_url.rstrip("/"),
        }
        asked_for = any(kind in template_prefix for kind in ASKED_FOR)
        if asked_for and addresses.in_domains(email, settings.CONFIG.lost_domains):
            return
        headers = {"Message-ID": make_msgid(domain=letters.domain()), "Auto-Submitted": "auto-generated"}
        message: EmailMessage = self.render_mail(template_prefix, email, words, headers)
        later.run(lambda: send(message, limited=asked_for))

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_network(request)

    # Changes, each with its row in the journal.

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit)
            if commit:
                traces.write("user.create", saved, admin=False, confirmed=False)
        return saved

    def set_password(self, user: User, password: str) -> None:
        with transaction.atomic():
            super().set_password(user, password)
            traces.write("user.password", user)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        with transaction.atomic():
            user = email_address.user
            old = EmailAddress.objects.filter(user=user, verified=True).first()
            done = bool(super().confirm_email(request, email_address))
            if done:
                email_address.emailconfirmation_set.all().delete()  # a link works once
                if old is None:
                    traces.write("user.confirm", user)
                else:
                    traces.write("user.email", user, old=old.email, new=email_address.email)
        return done

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """
        Who has a second factor shows it again: a stolen session with its password must not take the factor away.

        A passkey is asked for first: whoever has only that one has no codes at hand.
        """
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [method for method in methods if method["id"] != "reauthenticate"]
        return sorted(factors, key=lambda method: "webauthn" not in method["id"]) or methods


def send(message: EmailMessage, *, limited: bool) -> None:
    """Hand a mail over, unless its mailbox has had enough of this kind."""
    if not limited or limits.may_mail(message.to[0]):
        message.send()


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Its questions about second factors: nothing comes from the Host header, secrets are sealed."""

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": urlsplit(settings.CONFIG.public_url).hostname or "localhost", "name": settings.CONFIG.index_name}

    def get_totp_issuer(self) -> str:
        return str(settings.CONFIG.index_name)

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def generate_authenticator_name(self, user: Any, type: str) -> str:
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"

    def encrypt(self, text: str) -> str:
        """Sealed with the index's secret key: a stolen database alone yields no codes."""
        return seal().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return seal().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:  # sealed with another key: then no code is right, instead of a guessable one
            return base64.b32encode(secrets.token_bytes(40)).decode()


def seal() -> MultiFernet:
    """The box for factors' secrets; keys that signed sessions before still open it."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(b"otumat second factors\0" + force_bytes(key)).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def public_url(path: str) -> str:
    """A path of ours as an address people outside can open."""
    return urljoin(settings.CONFIG.public_url, path)
