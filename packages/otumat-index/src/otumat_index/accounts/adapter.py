"""Where allauth asks us: links in mails come from PUBLIC_URL, sign-up can be closed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from otumat_index.web.middleware import client_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Our answers to allauth's questions."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.CONFIG.sign_up)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return public_url(reverse("account_confirm_email", args=[emailconfirmation.key]))

    def get_reset_password_from_key_url(self, key: str) -> str:
        return public_url(reverse("account_reset_password_from_key", kwargs={"uidb36": "x", "key": "k"})).replace(
            "x-k", key
        )

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        context = {**context, "index_name": settings.CONFIG.index_name, "index_url": settings.CONFIG.public_url}
        super().send_mail(template_prefix, email, context)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)


def public_url(path: str) -> str:
    """A path of ours as an address people outside can open."""
    return urljoin(settings.CONFIG.public_url, path)
