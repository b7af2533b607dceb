"""Keys over time: what counts for what was published when, and what changed from one release to the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from otumat.spec.keys import PublicKey
from otumat.spec.vouching.keyring import KeyRecord
from otumat_index.trust import rules
from otumat_index.trust.rules import Signing

SPKI = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
KEY, OTHER = (PublicKey.from_der(Ed25519PrivateKey.generate().public_key().public_bytes(*SPKI)) for _ in range(2))
NOW, BEFORE, AFTER = "2026-03-03T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z"
END = "2026-02-02T00:00:00Z"


def known(*records: KeyRecord) -> dict[str, KeyRecord]:
    return rules.records_by_id(records)


@pytest.mark.parametrize("kind", ["superseded", "compromised"])
@pytest.mark.parametrize(("published", "wanted"), [(BEFORE, "trusted"), (AFTER, "revoked"), (END, "revoked")])
def test_T64_a_key_counts_for_what_was_published_before_its_end(kind: str, published: str, wanted: str) -> None:
    ended = known(KeyRecord(KEY, revoked_at=END, revoked_for=kind))
    assert rules.state_now("trusted", [KEY.id], ended, at=NOW, published=published) == wanted


def test_T64_one_key_that_counts_is_enough_and_none_is_not() -> None:
    both = known(KeyRecord(KEY, revoked_at=BEFORE, revoked_for="compromised"), KeyRecord(OTHER))
    assert rules.state_now("trusted", [KEY.id, OTHER.id], both, at=NOW, published=AFTER) == "trusted"
    assert rules.state_now("trusted", [KEY.id], both, at=NOW, published=AFTER) == "revoked"
    assert rules.state_now("trusted", ["0" * 64], both, at=NOW, published=AFTER) == "revoked"
    assert rules.state_now("trusted", [], both, at=NOW, published=AFTER) == "revoked"


@pytest.mark.parametrize("state", ["modified", "untrusted-key", "error", "unsigned", "revoked"])
def test_what_did_not_hold_when_it_came_never_holds_later(state: str) -> None:
    assert rules.state_now(state, [KEY.id], known(KeyRecord(KEY)), at=NOW, published=BEFORE) == state


A, B, NONE = frozenset({"a"}), frozenset({"b"}), frozenset[str]()


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        (None, Signing(1, 1, A), ()),
        (Signing(1, 0, NONE), Signing(1, 1, A), ("first",)),
        (Signing(1, 0, NONE), Signing(1, 0, NONE), ()),
        (Signing(2, 2, A), Signing(2, 2, A), ()),
        (Signing(2, 2, A), Signing(2, 0, NONE), ("gone",)),
        (Signing(2, 2, A), Signing(0, 0, NONE), ()),  # no wheels: nothing that could be signed
        (Signing(2, 2, A), Signing(2, 1, A), ("partly",)),
        (Signing(2, 2, A), Signing(2, 1, B), ("partly", "changed")),
        (Signing(2, 2, A), Signing(2, 2, B), ("changed",)),
        (Signing(2, 2, A), Signing(2, 2, A | B), ("added",)),
        (Signing(2, 2, A | B), Signing(2, 2, A), ("removed",)),
        (Signing(2, 1, A), Signing(2, 1, A), ()),
    ],
)
def test_what_changed_since_the_release_before(before: Signing | None, now: Signing, wanted: tuple[str, ...]) -> None:
    assert rules.changes(before, now) == wanted


def test_the_stricter_policy_wins_whoever_asks_it() -> None:
    for index in rules.POLICIES:
        for project in ("", *rules.POLICIES):
            wanted = max(index, project or "off", key=rules.POLICIES.index)
            assert rules.stricter(index, project) == wanted


def test_moments_are_told_in_utc_to_the_second() -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    assert rules.moment(datetime(2026, 3, 1, 12, 0, 1, 999, tzinfo=there)) == "2026-03-01T06:30:01Z"
    assert rules.moment(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00Z"
