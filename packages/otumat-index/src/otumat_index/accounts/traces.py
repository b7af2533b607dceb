"""What allauth does on our behalf, written into the journal; and accounts that came to nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.account.signals import email_added, email_removed
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest
from django.utils import timezone

from otumat_index.accounts.models import User
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor


def write(action: str, user: User, **data: Any) -> None:
    """One row about an account, by whoever is signed in, else by its owner with a link or code."""
    request = context.request
    signed_in = getattr(request, "user", None) if request is not None else None
    if isinstance(signed_in, User):
        by = Actor(name=signed_in.username, user_id=signed_in.pk, credential="session")
    else:
        by = Actor(name=user.username, user_id=user.pk, credential="link")
    with transaction.atomic():
        journal.write(action, user.username, by=by, at=timezone.now(), **data)


KINDS = {Authenticator.Type.TOTP: "authenticator app", Authenticator.Type.WEBAUTHN: "passkey"}
CODES = Authenticator.Type.RECOVERY_CODES


def factor_saved(instance: Authenticator, created: bool, update_fields: Any, **more: Any) -> None:
    """A factor came, or a recovery code went: of saves without named fields allauth has only these two."""
    if instance.type != CODES:
        if created:
            write("factor.add", instance.user, kind=KINDS[instance.type])
    elif created or update_fields is None:
        write("factor.recovery", instance.user, what="made" if created else "used")


def factor_gone(instance: Authenticator, origin: Any, **more: Any) -> None:
    """A factor went; with its whole account, it needs no row of its own, nor do the codes that go with it."""
    if instance.type != CODES and not isinstance(origin, User):
        write("factor.remove", instance.user, kind=KINDS[instance.type])


def factor_shown(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    """
    Making a passkey, or typing an app's first code, shows it: the recovery codes that come next need no second asking.

    Sessions from before the account had a factor end, but for this one.
    """
    if authenticator.type == CODES:
        return
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type, reauthenticated=True)
    if Authenticator.objects.filter(user=user).exclude(type=CODES).count() == 1:
        for each in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key):
            each.end()


def address_asked_for(user: User, **more: Any) -> None:
    """Somebody asked for another address, or thought better of it; it counts once it is confirmed (`user.email`)."""
    write("user.address", user)


def connect() -> None:
    """Listen, from the start of the process on."""
    email_added.connect(address_asked_for, dispatch_uid="otumat.address_added")
    email_removed.connect(address_asked_for, dispatch_uid="otumat.address_removed")
    authenticator_added.connect(factor_shown, dispatch_uid="otumat.factor_shown")
    post_save.connect(factor_saved, sender=Authenticator, dispatch_uid="otumat.factor_saved")
    post_delete.connect(factor_gone, sender=Authenticator, dispatch_uid="otumat.factor_gone")


@transaction.atomic
def forget_unconfirmed(name: str, *, at: datetime) -> None:
    """
    Free a login that somebody asked for and never confirmed while the link worked.

    Only an account that never was used: nobody signed in, no confirmed address, no token, no role, no admin.
    """
    until = at - timedelta(days=settings.ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS)
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    unused = User.objects.filter(
        ~Exists(confirmed), username__iexact=name, date_joined__lt=until, last_login=None, tokens=None, roles=None
    )
    user = unused.filter(is_superuser=False, is_active=True).first()
    if user is not None:
        journal.write("user.forget", user.username, by=Actor(name="", credential="expiry"), at=at)
        user.delete()
