"""Keys that an index lists: read strictly; after the first time, they only take trust away."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from otumat.errors import NotFound, OtumatError, Refused, Unauthenticated, Unreachable
from otumat.settings import Credentials, Index
from otumat.spec.keys import PublicKey
from otumat.spec.vouching.keyring import KeyRecord, ProjectTrust
from otumat.transport import Request, Response
from otumat.trust.fetching import fetch_keys, merged

if TYPE_CHECKING:
    from collections.abc import Mapping

INDEX = Index("https://index.example.org")
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def new_key() -> PublicKey:
    made = Ed25519PrivateKey.generate().public_key()
    return PublicKey.from_der(made.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def ids(records: Any) -> set[str]:
    return {record.public.id for record in records}


class Answering:
    """An index that answers everything in one way, and remembers what it was asked."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        self.asked: list[Request] = []

    def send(self, request: Request) -> Response:
        self.asked.append(request)
        return Response(self.status, {}, self.body)


def told(key: PublicKey, **changed: object) -> dict[str, object]:
    spki = base64.b64encode(key.spki).decode()
    row = {"id": key.id, "spki": spki, "role": "owner", "note": "Acme", "added_at": "2026-01-01T00:00:00.123456Z"}
    return {**row, "revoked_at": None, "revoked_for": "", "kind": key.kind, **changed}


def fetched(*rows: Mapping[str, object], by: Credentials | None = None) -> tuple[KeyRecord, ...]:
    return fetch_keys("plugin1", on=INDEX, by=by, over=Answering(200, json.dumps({"keys": rows}).encode()))


def test_keys_come_as_they_are_told() -> None:
    key = new_key()
    (record,) = fetched(told(key, revoked_at=LATE, revoked_for="compromised"))
    assert record.to_dict() == {
        "id": key.id,
        "spki": base64.b64encode(key.spki).decode(),
        "role": "owner",
        "note": "Acme",
        "added": EARLY,
        "revokedAt": LATE,
        "revokedFor": "compromised",
    }


def test_credentials_go_along_only_where_there_are_any() -> None:
    over = Answering(200, b'{"keys": []}')
    fetch_keys("a/../b", on=INDEX, by=None, over=over)
    fetch_keys("plugin1", on=INDEX, by=Credentials("alice", "secret", "tests"), over=over)
    assert over.asked[0].url == "https://index.example.org/api/v1/project/a%2F..%2Fb/keys"
    assert ["Authorization" in each.headers for each in over.asked] == [False, True]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (401, Unauthenticated), (403, Refused), (429, Refused), (500, Unreachable)]
)
def test_a_refusal_is_told_as_what_it_is(status: int, kind: type[OtumatError]) -> None:
    with pytest.raises(kind):
        fetch_keys("plugin1", on=INDEX, by=None, over=Answering(status, b"<html>"))


KEY = new_key()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [1]}',
        b'{"keys": [], "keys": []}',
        json.dumps({"keys": [told(KEY, id="0" * 64)]}).encode(),
        json.dumps({"keys": [told(KEY, spki="AAAA")]}).encode(),
        json.dumps({"keys": [told(KEY, role="god")]}).encode(),
        json.dumps({"keys": [told(KEY, revoked_at="yesterday")]}).encode(),
        json.dumps({"keys": [told(KEY, revoked_at=1)]}).encode(),
        json.dumps({"keys": [told(KEY, note="a\x1b[31m")]}).encode(),
        json.dumps({"keys": [told(KEY)] * 201}).encode(),
    ],
)
def test_T52_T64_an_answer_of_another_form_is_no_key(body: bytes) -> None:
    with pytest.raises(Unreachable):
        fetch_keys("plugin1", on=INDEX, by=None, over=Answering(200, body))


def test_the_first_time_every_key_is_taken() -> None:
    a, b = new_key(), new_key()
    result = merged(ProjectTrust(threshold=1, minimum_version="1.1"), [KeyRecord(a), KeyRecord(b)])
    assert ids(result.added) == {a.id, b.id} == ids(result.trust.keys)
    assert result.trust.minimum_version == "1.1"


def test_T64_a_key_that_is_new_later_is_held_back_until_somebody_says_so() -> None:
    a, b = new_key(), new_key()
    trust = ProjectTrust([KeyRecord(a)])
    result = merged(trust, [KeyRecord(a), KeyRecord(b)])
    assert (ids(result.trust.keys), ids(result.held_back), result.added) == ({a.id}, {b.id}, ())
    assert ids(merged(trust, [KeyRecord(a), KeyRecord(b)], accept_new=True).trust.keys) == {a.id, b.id}


def test_a_key_that_ended_there_ends_here_and_keeps_what_was_said_of_it() -> None:
    key = new_key()
    mine = ProjectTrust([KeyRecord(key, role="reviewer", note="mine", expires="2030-01-01T00:00:00Z")])
    result = merged(mine, [KeyRecord(key, role="owner", revoked_at=LATE, revoked_for="superseded")])
    (record,) = result.trust.keys
    assert (record.role, record.note, record.expires) == ("reviewer", "mine", "2030-01-01T00:00:00Z")
    assert (record.revoked_at, record.revoked_for, ids(result.ended)) == (LATE, "superseded", {key.id})


@pytest.mark.parametrize(
    ("mine", "theirs", "wanted"),
    [
        ((EARLY, "compromised"), ("", ""), (EARLY, "compromised")),
        ((EARLY, "compromised"), (LATE, "superseded"), (EARLY, "compromised")),
        ((LATE, "superseded"), (EARLY, "compromised"), (EARLY, "compromised")),
        ((EARLY, "superseded"), (LATE, "compromised"), (EARLY, "compromised")),
        ((LATE, "compromised"), (EARLY, "superseded"), (EARLY, "compromised")),
    ],
)
def test_T64_no_index_gives_trust_back(mine: tuple[str, str], theirs: tuple[str, str], wanted: tuple[str, str]) -> None:
    key = new_key()
    trust = ProjectTrust([KeyRecord(key, revoked_at=mine[0], revoked_for=mine[1])])
    (record,) = merged(trust, [KeyRecord(key, revoked_at=theirs[0], revoked_for=theirs[1])], accept_new=True).trust.keys
    assert (record.revoked_at, record.revoked_for) == wanted


def test_a_key_that_the_index_does_not_know_stays_and_is_told() -> None:
    a, b = new_key(), new_key()
    result = merged(ProjectTrust([KeyRecord(a)]), [KeyRecord(b)])
    assert (ids(result.trust.keys), ids(result.unlisted)) == ({a.id}, {a.id})
