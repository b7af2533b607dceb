"""Addresses and names: one spelling each, and none that misleads."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from harness.registering import DANA, links, post

pytestmark = pytest.mark.django_db


def test_A52_one_address_has_one_spelling() -> None:
    assert post("/user", {**DANA, "email": " Dana@Exämple.ORG "}).status_code == 200
    assert EmailAddress.objects.get().email == "dana@xn--exmple-cua.org"
    Client().post(links()[0])
    post("/user", {**DANA, "name": "other", "email": "dana@xn--exmple-cua.org"})
    assert "already" in mail.outbox[-1].subject


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "a@b.org\r\nBcc: c@d.org"},
        {"email": "a@b.org, c@d.org"},
        {"email": "Dana <dana@example.org>"},
        {"email": "ｄana@example.org"},
        {"name": "dana\r\nBcc: c@d.org"},
        {"name": "dаna"},  # a Cyrillic letter
        {"name": "da na"},
    ],
)
def test_A52_nothing_gets_into_a_mails_head(wrong: dict[str, str]) -> None:
    assert post("/user", {**DANA, **wrong}).status_code == 400
    assert mail.outbox == []


@pytest.mark.parametrize("name", ["DANA", "Dana", "dana"])
def test_logins_differ_by_more_than_case(name: str) -> None:
    post("/user", DANA)
    assert post("/user", {**DANA, "name": name, "email": "x@y.org"}).status_code == 409


def test_a_login_that_would_mislead_is_taken() -> None:
    assert post("/user", {**DANA, "name": "Admin"}).status_code == 409
