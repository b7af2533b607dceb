"""The way out of Otumat 0.3: its refresh token and secret withdraw and erase, and show nothing."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings

from otumat_index.usage.models import Install

pytestmark = pytest.mark.django_db(databases="__all__")
KEY = "5" * 32


def revoke(old: Any, *, secret: str = "", **more: str) -> Any:
    pair = f"{old.told['clientId']}:{secret or old.told['clientSecret']}"
    form = {"token": old.told["refreshToken"], "install": old.told["installId"], **more}
    headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}", "Idempotency-Key": KEY}
    return old.client.post(
        "/oauth/revoke", urlencode(form), content_type="application/x-www-form-urlencoded", headers=headers
    )


def test_an_install_of_nobody_is_withdrawn_and_then_erased(old: Any, moment: Any, counted: Any) -> None:
    old.post((moment(), "import"))
    assert revoke(old).json() == {"ok": True}
    assert Install.objects.get().withdrawn_at
    assert old.refresh().status_code == 400
    receipt = revoke(old, erase="1").json()
    assert (receipt["receipt"]["install"], receipt["receipt"]["batches"]) == (old.told["installId"], 1)
    assert (Install.objects.count(), counted()) == (0, {"import": 1})
    assert revoke(old, erase="1").json() == receipt, "an answer that was lost"


def test_it_may_leave_after_the_setting_is_off_again(old: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    monkeypatch.setattr(settings, "CONFIG", dataclasses.replace(settings.CONFIG, legacy_agent=False))
    assert "receipt" in revoke(old, erase="1").json()


@pytest.mark.parametrize("wrong", [{"secret": "guessed"}, {"token": "1.guessed"}, {"token": ""}])
def test_A90_a_token_without_its_secret_ends_nothing(old: Any, wrong: dict[str, str]) -> None:
    for erase in ("", "1"):
        assert revoke(old, erase=erase, **wrong).json() == {"ok": True}
    assert old.refresh().status_code == 200


def test_A90_tokens_of_new_copies_are_not_ended_there(old: Any, copy: Any) -> None:
    new = copy()
    revoke(old, token=new.told["refresh_token"])
    assert new.refresh(new.told["refresh_token"]).status_code == 200
