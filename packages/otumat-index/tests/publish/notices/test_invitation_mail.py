"""Offers of a role, and a project that changes hands, are told to those concerned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.publish import actions, invited, queries
from otumat_index.publish.actions import invitations
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(post: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Everything but the mails about tokens, which `submit` makes."""
    return lambda **words: [message for message in post(**words) if "API token" not in message.subject]


@pytest.fixture
def project(alice: User, submit: Any, post: Any) -> Project:
    submit(alice)
    post()
    return queries.project("roundup", by=command())


def test_who_is_invited_by_login_gets_the_link_and_owners_hear_of_it(
    project: Project, alice: User, bob: User, post: Any, now: Any
) -> None:
    offer = invitations.invite(project, "maintainer", user=bob, by=of_user(alice, "session"), at=now)
    mails = {message.to[0]: message for message in post(later=0)}
    assert mails.keys() == {"alice@example.org", "bob@example.org"}
    mail = mails["bob@example.org"]
    assert mail.subject == "[Otumat] alice invites you to roundup"
    assert invited.link_of(offer) in mail.body
    assert invited.link_of(offer) in mail.alternatives[0][0]
    assert "alice (you) invited bob to roundup as maintainer." in mails["alice@example.org"].body


def test_an_address_without_an_account_gets_a_link_that_nobody_else_sees(
    project: Project, alice: User, post: Any, now: Any
) -> None:
    offer = invitations.invite(project, "owner", email="eve@example.org", by=of_user(alice, "session"), at=now)
    mails = {message.to[0]: message for message in post(later=0)}
    secret = invited.secret_of(offer)
    assert secret in mails["eve@example.org"].body
    assert secret not in mails["alice@example.org"].message().as_string()
    assert "eve@example.org" not in mails["alice@example.org"].message().as_string()


def test_an_offer_that_was_withdrawn_before_its_mail_left_is_not_mailed(
    project: Project, alice: User, bob: User, post: Any, now: Any
) -> None:
    by = of_user(alice, "session")
    offer = invitations.invite(project, "maintainer", user=bob, by=by, at=now)
    invitations.withdraw(project, offer.pk, by=by, at=now)
    assert not any("invites you" in message.subject for message in post(later=0))


def test_everybody_who_loses_a_role_by_a_transfer_is_told(
    project: Project, alice: User, bob: User, charlie: User, post: Any, now: Any
) -> None:
    actions.assign_role(project, charlie, "maintainer", by=command(), at=now)
    post()
    by = of_user(alice, "session")
    offer = invitations.invite(project, "owner", user=bob, is_transfer=True, by=by, at=now)
    post()
    invitations.accept(offer.pk, by=of_user(bob, "session"), at=now)
    told = [message.to[0] for message in post() if "took roundup over" in message.body]
    assert sorted(told) == ["alice@example.org", "bob@example.org", "charlie@example.org"]
