"""Addresses of accounts; signing up, in and out are allauth's, below `/account/` too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.account.decorators import reauthentication_required
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.views.generic import RedirectView

from otumat_index.accounts import admin_views, draft_views, leaving_views, security_views, views
from otumat_index.accounts.groups import views as groups
from otumat_index.accounts.notices import views as notices

View = Callable[..., HttpResponseBase]
reauthenticated = reauthentication_required(app="allauth.mfa")
"""A stolen session must not give itself a password: whoever has a passkey shows it first."""


def at_once(view: View) -> View:
    """A page of allauth whose changes and their journal rows are one transaction; mail waits for its end."""

    def wrapped(request: HttpRequest, *args: Any, **words: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **words)
        with transaction.atomic():
            return view(request, *args, **words)

    return wrapped


app_name = "accounts"
urlpatterns = [
    path("account/mail/unsubscribe/<str:token>/", notices.unsubscribe, name="unsubscribe"),
    path("user", draft_views.user, name="user"),
    path("password_reminder", draft_views.password_reminder, name="password_reminder"),
    path("account/", views.home, name="home"),
    path("account/security/", security_views.security, name="security"),
    path("account/security/sessions", security_views.end_sessions, name="end_sessions"),
    path("account/security/password/remove/", security_views.drop_password, name="drop_password"),
    path("account/tokens/", views.tokens, name="tokens"),
    path("account/groups/", groups.groups, name="groups"),
    path("account/groups/<str:slug>/", groups.group, name="group"),
    path("account/journal/", leaving_views.my_journal, name="journal"),
    path("account/delete/", leaving_views.delete, name="delete"),
    path("admin/", admin_views.home, name="admin"),
    path("admin/users/", admin_views.users, name="admin_users"),
    path("admin/users/<str:name>/<str:act>", admin_views.change_user, name="admin_change_user"),
    path("admin/journal/", admin_views.everything, name="admin_journal"),
    path("account/tokens/<int:token_id>/revoke", views.revoke_token, name="revoke_token"),
    path("account/first-admin/<str:secret>/", views.first_admin, name="first_admin"),
]
security = RedirectView.as_view(pattern_name="accounts:security")
allauths = [
    path("account/signup/", at_once(account.signup)),
    path("account/email/", at_once(account.email)),
    path("account/password/change/", at_once(account.password_change)),
    path("account/password/set/", at_once(reauthenticated(account.password_set))),
    path("account/factors/", security),
    path("account/factors/webauthn/", security),
    path("account/factors/totp/activate/", at_once(app.activate_totp)),
    path("account/factors/totp/deactivate/", at_once(app.deactivate_totp)),
    path("account/factors/webauthn/add/", at_once(passkeys.add_webauthn)),
    path("account/factors/webauthn/keys/<int:pk>/remove/", at_once(security_views.remove_passkey)),
    path("account/factors/recovery-codes/generate/", at_once(codes.generate_recovery_codes)),
]
"""In front of allauth's own of the same address; its names still lead here."""
