"""One click in the mail program, no login: RFC 8058."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import MailPreference, User
from otumat_index.accounts.notices import queries
from otumat_index.journal.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(post: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Mail about projects alone: `submit` makes tokens, which are told too."""
    return lambda **words: [message for message in post(**words) if "List-Id" in message.extra_headers]


def path_of(message: Any) -> str:
    found = re.search(r"<https?://[^/]+(/[^>]+)>", message.extra_headers["List-Unsubscribe"])
    assert found
    return found[1]


def test_one_click_stops_the_mail_about_that_project_alone(
    alice: User, submit: Any, post: Callable[..., list[Any]]
) -> None:
    submit(alice)
    path = path_of(post()[0])
    stranger = Client(enforce_csrf_checks=True)  # as a mail program: no cookie, no login
    response = stranger.post(path, {"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200  # a redirect would not be followed
    submit(alice)
    submit(alice, name="other")
    assert ["other" in message.subject for message in post()] == [True]
    assert list(MailPreference.objects.values_list("user", "topic", "level")) == [(alice.pk, "roundup", "none")]
    row = Entry.objects.get(action="mail.preference")
    assert (row.actor, row.credential, row.topic) == ("alice", "link", "")


def test_a_second_click_changes_nothing(alice: User, client: Client) -> None:
    path = f"/account/mail/unsubscribe/{queries.unsubscribe_token(alice.pk, 'roundup')}/"
    for _ in range(2):
        assert client.post(path).status_code == 200
    assert Entry.objects.filter(action="mail.preference").count() == 1


def test_opening_the_link_asks_first(alice: User, client: Client) -> None:
    path = f"/account/mail/unsubscribe/{queries.unsubscribe_token(alice.pk, 'roundup')}/"
    page = client.get(path)
    assert page.status_code == 200
    assert b"Stop mail about roundup" in page.content
    assert not MailPreference.objects.exists()


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "x", lambda t: "x" + t, lambda t: "nothing"])
def test_a_token_that_is_not_ours_stops_nothing(alice: User, client: Client, change: Callable[[str], str]) -> None:
    token = change(queries.unsubscribe_token(alice.pk, "roundup"))
    assert client.post(f"/account/mail/unsubscribe/{token}/").status_code == 404
    assert not MailPreference.objects.exists()
