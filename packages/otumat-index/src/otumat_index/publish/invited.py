"""The secret link of an invitation to an address: mailed, never kept and never told to whoever invites."""

from __future__ import annotations

import base64

from django.urls import reverse
from django.utils.crypto import salted_hmac

from otumat_index.accounts.adapter import public_url
from otumat_index.accounts.rules import digest
from otumat_index.publish.models import Invitation


def secret_of(invitation: Invitation) -> str:
    """
    The secret of an invitation, from the index's key and the row's salt.

    So the mail can be written later, and again after a crash, though the database keeps its SHA-256 alone.
    """
    made = salted_hmac("otumat.invitation", f"{invitation.pk}:{invitation.salt}", algorithm="sha256")
    return base64.urlsafe_b64encode(made.digest()).decode().rstrip("=")


def link_of(invitation: Invitation) -> str:
    """Where the invitee is led: the page of the one invitation, or that of all of one's own."""
    if not invitation.email:
        return public_url(reverse("publish:invitations"))
    return public_url(reverse("publish:invitation", args=[secret_of(invitation)]))


def by_secret(secret: str) -> Invitation | None:
    """The invitation a link is for, over or not."""
    found = Invitation.objects.filter(sha256=digest(secret)).exclude(email="")
    return found.select_related("project", "invited_by").first()
