"""Erasing (U14): whole or not at all, certified, and the certificate to be had again by who asked for it alone."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otumat.errors import Invalid, OtumatError, Untrusted
from otumat_index.accounts.models import InstallSecret
from otumat_index.usage import actions, receipts
from otumat_index.usage.actions import erasing
from otumat_index.usage.models import Enrolment, Erasure, Install
from otumat_index.usage.stores.models import Batch
from otumat_index.usage.stores.orm import STORE
from otumat_index.web.logs import Text, redacted

pytestmark = pytest.mark.django_db(databases="__all__")
KEY = "5" * 32


def erase(one: Any, key: str = KEY, of: str = "") -> Any:
    path = f"/api/usage-install/{of or one.told['install']}?erase=1"
    return one.client.delete(path, headers={**one.bearer, "Idempotency-Key": key})


@pytest.fixture
def told(copy: Any, today: str) -> Any:
    """A copy that has told something."""
    one = copy()
    assert one.send(one.batch([today, "import", {}, 2])).status_code == 200
    return one


def test_a_lost_receipt_can_be_had_again_with_the_same_key(told: Any, counted: Any) -> None:
    first, again = erase(told), erase(told)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert receipts.verified(again.content.decode())["batches"] == 1
    assert counted() == {"import": 2}


@pytest.mark.parametrize("key", ["6" * 32, "", "5"])
def test_without_the_key_nobody_learns_that_there_was_an_install(told: Any, key: str) -> None:
    assert erase(told).status_code == 200
    assert erase(told, key).status_code == 401
    assert erase(told, KEY, of="x" * 32).status_code == 401


def test_a_receipt_is_sealed_with_the_key_of_its_request(told: Any) -> None:
    install = told.told["install"]
    erase(told)
    kept = Erasure.objects.get()
    assert install not in repr((bytes(kept.sealed), kept.claim))
    assert actions.erased_before(install, key="6" * 32) is None


def test_a_receipt_is_forgotten_after_a_while(told: Any) -> None:
    erase(told)
    Erasure.objects.update(scrubbed=True)
    actions.finish_erasures(at=timezone.now() + erasing.ASKED_AGAIN_FOR + timedelta(seconds=1))
    assert not Erasure.objects.exists()
    assert erase(told).status_code == 401


def test_killed_before_the_catalogue_is_written_nothing_is_erased(
    told: Any, today: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(erasing.journal, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(told)
    assert (Install.objects.count(), Batch.objects.count(), Erasure.objects.count()) == (1, 1, 0)
    assert told.send(told.batch([today, "import", {}, 1])).status_code == 200


@pytest.mark.parametrize("place", ["erase", "signed"])
def test_killed_between_deletion_and_receipt_all_of_it_goes_and_the_receipt_is_there(
    told: Any, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(STORE if place == "erase" else receipts, place, killed)
        with pytest.raises(KeyboardInterrupt):
            erase(told)
    assert not Install.objects.exists()
    actions.finish_erasures(at=timezone.now())
    assert not Batch.objects.exists()
    assert receipts.verified(erase(told).content.decode())["batches"] == 1


def test_asked_again_before_anybody_finished_it_is_finished(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(STORE, "erase", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(told)
    assert receipts.verified(erase(told).content.decode())["batches"] == 1
    assert not Batch.objects.exists()


def killed(*args: Any, **words: Any) -> None:
    raise KeyboardInterrupt


def test_two_erasures_at_once_are_one(told: Any) -> None:
    row = told.row
    first = actions.erase_install(row, key=KEY, at=timezone.now())
    assert actions.erase_install(row, key=KEY, at=timezone.now())["receipt"] == first["receipt"]
    with pytest.raises(OtumatError):
        actions.erase_install(row, key="6" * 32, at=timezone.now())


def test_U14_one_secret_is_what_an_install_hangs_on(told: Any) -> None:
    number = told.row.pk
    kept = bytes(Batch.objects.get().body)
    assert told.told["install"].encode() not in kept
    erase(told)
    assert [bytes(each) for each in InstallSecret.objects.values_list("secret", flat=True)] == [bytes(32)]
    assert (STORE.batches(number), Enrolment.objects.count()) == ([], 0)


def test_U14_whoever_enrols_again_is_somebody_else(told: Any, copy: Any, ask: Any) -> None:
    erase(told)
    assert ask(f"{1:032x}").json()["install"] != told.told["install"]


def test_U14_no_line_of_the_log_names_an_install(told: Any, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        told.told["access_token"] = "9." + "x" * 43
        assert told.own("GET").status_code == 401
        assert client.get(f"/api/usage-install/{told.told['install']}/more").status_code == 404
    lines = [Text("%(message)s").format(each) for each in caplog.records]
    assert len(lines) >= 2
    assert told.told["install"] not in "".join(lines)
    assert redacted("GET /api/usage-install/abc?erase=1 done") == "GET /api/usage-install/[secret]?erase=1 done"


def test_a_receipt_that_was_changed_or_is_anothers_is_told_from_ours(told: Any) -> None:
    receipt = erase(told).json()
    assert receipts.verified(json.dumps(receipt))["install"] == told.told["install"]
    with pytest.raises(Untrusted, match="changed"):
        receipts.verified(json.dumps({**receipt, "receipt": {**receipt["receipt"], "batches": 0}}))
    with pytest.raises(Untrusted, match="not signed by this host"):
        receipts.verified(json.dumps({**receipt, "key": "A" * 43 + "="}))
    for text in (
        "",
        "{}",
        "[]",
        "[" * 9000,
        json.dumps({**receipt, "signature": 7}),
        json.dumps({**receipt, "receipt": 7}),
    ):
        with pytest.raises(Invalid):
            receipts.verified(text)


def test_receipts_of_an_older_key_are_still_ours(told: Any, settings: Any) -> None:
    receipt = erase(told).content.decode()
    settings.SECRET_KEY = "another, for this test"
    assert receipts.verified(receipt)["install"] == told.told["install"]
