"""What happens to an account is told to its owner, and no choice of mail stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from otumat_index.accounts import actions
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.accounts.notices import actions as preferences
from otumat_index.accounts.notices.letters import WORDINGS
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor, command

pytestmark = pytest.mark.django_db(transaction=True)
Post = Callable[..., list[Any]]


def test_a_new_token_is_told_though_all_mail_is_switched_off(alice: User, post: Post, now: Any) -> None:
    by = of_user(alice, "session")
    preferences.set_preference(alice, "", "none", by=by, at=now)
    text = actions.create_token(alice, name="laptop", actions=["upload"], projects=["roundup"], by=by, at=now)[1]
    (message,) = post(later=0)
    assert message.to == ["alice@example.org"]
    assert message.subject == "[Otumat] A new API token"
    assert "“laptop” was made for your account (may upload, for roundup only)" in message.body
    assert text not in message.message().as_string()
    assert "List-Unsubscribe" not in message.extra_headers
    assert post() == []


@pytest.mark.parametrize("action", WORDINGS)
def test_every_kind_can_be_written(alice: User, post: Post, now: Any, action: str) -> None:
    with transaction.atomic():
        journal.write(action, "alice", by=Actor(name="alice", credential="session"), at=now, kind="passkey", name="x")
    (message,) = post(later=0)
    body, html = message.body, message.alternatives[0][0]
    assert message.subject == f"[Otumat] {WORDINGS[action].subject}"
    assert "{" not in body
    assert "{{" not in html
    assert "http://localhost:8000/" in body


def test_a_changed_address_is_told_to_the_old_one_and_the_new_one(alice: User, post: Post, now: Any) -> None:
    by = Actor(name="alice", credential="session")
    with transaction.atomic():
        journal.write("user.email", "alice", by=by, at=now, old="old@example.org", new="alice@example.org")
    assert sorted(message.to[0] for message in post(later=0)) == ["alice@example.org", "old@example.org"]


def test_who_did_it_is_named_when_it_was_not_oneself(alice: User, post: Post, now: Any) -> None:
    actions.create_token(alice, name="laptop", by=command(), at=now)
    (message,) = post(later=0)
    assert "by an operator of the index" in message.body


def test_A52_a_token_s_name_cannot_write_lines_of_its_own(alice: User, post: Post, now: Any) -> None:
    by = Actor(name="alice", credential="session")
    with transaction.atomic():
        journal.write("token.create", "alice", by=by, at=now, name="x\r\nBcc: a@example.org\n\nYou have won {by}")
    (message,) = post(later=0)
    assert "“x Bcc: a@example.org You have won {by}”" in message.body
    assert message.message()["Bcc"] is None
