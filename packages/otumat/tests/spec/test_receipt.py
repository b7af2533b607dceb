"""Receipts of erasures: good ones, changed ones, others', and what is none."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from otumat.errors import Invalid, Untrusted
from otumat.spec import receipt as spec

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
SAID = {
    "host": "https://index.example.org",
    "install": "Zk3",
    "project": "datajoint",
    "erased": "2026-11-22T01:00:00Z",
    "backups_until": "2026-12-22",
    "copies_until": "2026-11-22T01:00:00Z",
    "batches": 7,
}


def signed(**changed: Any) -> dict[str, Any]:
    signature = base64.b64encode(KEY.sign(spec.signed_bytes(SAID))).decode()
    return {"ok": True, "receipt": SAID, "key": PUBLIC, "signature": signature, **changed}


@pytest.mark.parametrize("told", [signed(), {"package": "datajoint", "receipt": signed()}])
def test_a_good_receipt_is_good(told: dict[str, Any]) -> None:
    found = spec.read(json.dumps(told, indent=2))
    spec.check(found, keys=["other", PUBLIC])
    assert found.said == SAID


@pytest.mark.parametrize("name", SAID)
def test_a_receipt_of_which_anything_was_changed_is_not(name: str) -> None:
    value = 8 if name == "batches" else "2027"
    with pytest.raises(Untrusted, match="changed"):
        spec.check(spec.read(json.dumps(signed(receipt=SAID | {name: value}))), keys=[PUBLIC])


def test_a_receipt_of_another_host_is_told_from_one_of_this() -> None:
    with pytest.raises(Untrusted, match=r"names https://index\.example\.org"):
        spec.check(spec.read(json.dumps(signed())), keys=[])


@pytest.mark.parametrize("key", ["", "AAAA", "x" * 44, base64.b64encode(bytes(32)).decode()])
def test_a_host_with_keys_that_are_none_vouches_for_nothing(key: str) -> None:
    with pytest.raises(Untrusted):
        spec.check(spec.read(json.dumps(signed(key=key))), keys=[key])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "7",
        "null",
        "[" * 9000,
        json.dumps(signed()) + " " * 10_000,
        json.dumps(signed(key=7)),
        json.dumps(signed(signature=7)),
        json.dumps(signed(signature="é")),
        json.dumps(signed(receipt=7)),
        json.dumps(signed(receipt={})),
        json.dumps(signed(receipt=SAID | {"host": 7})),
    ],
)
def test_what_is_no_receipt_is_told_so(text: str) -> None:
    with pytest.raises(Invalid) as told:
        spec.read(text)
    assert [problem.code for problem in told.value.problems] == ["receipt.form"]
