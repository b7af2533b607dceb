"""T64: what an index, a mirror or somebody in between may try with a project's list of keys, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.key_lists import DAY, HOME, NOW, Host, Keeper, new_key
from otumat.errors import Unreachable, Untrusted
from otumat.spec.key_list import read_change
from otumat.spec.statement import Malformed, strict_json
from otumat.spec.vouching.keyring import Pin, ProjectTrust
from otumat.spec.vouching.verdict import EXPIRED, TRUSTED
from otumat.trust.fetching import moment
from otumat.trust.signing.private import PrivateKey


def refused(code: str, host: Host, data: bytes, **words: Any) -> None:
    """The list is refused for this, and nothing is taken in."""
    before = host.trust.to_dict()
    with pytest.raises(Untrusted) as caught:
        host.pin(data, **words)
    assert caught.value.code == code, caught.value
    assert host.trust.to_dict() == before


def test_the_first_list_is_believed_and_remembered(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    source = host.trust.source
    assert (host.ids, source and (source.index, source.version, source.head)) == (
        {key.public.id}, (HOME, 1, keeper.changes[0].digest))  # fmt: skip
    assert host.pin(keeper.listed(at=NOW + DAY), at=NOW + DAY).added == ()


def test_T64_rollback_to_an_older_list(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    old = keeper.listed()
    host.pin(keeper.end(key, "compromised").listed())
    refused("keys.rollback", host, old)


def test_T64_rollback_signed_anew_with_todays_date(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    old = keeper.fork()
    host.pin(keeper.end(key, "compromised").listed())
    refused("keys.rollback", host, old.listed(at=NOW + DAY), at=NOW + DAY)


def test_T64_an_older_list_with_the_same_changes(keeper: Keeper, host: Host) -> None:
    old = keeper.listed(at=NOW)
    host.pin(keeper.listed(at=NOW + DAY), at=NOW + DAY)
    refused("keys.older", host, old, at=NOW + DAY)
    refused("keys.older", host, keeper.listed(at=NOW + DAY - 601), at=NOW + DAY)
    host.pin(keeper.listed(at=NOW + DAY - 600), at=NOW + DAY)  # two machines of one index, ten minutes apart


def test_T64_freeze_an_expired_list(keeper: Keeper, host: Host) -> None:
    refused("keys.expired", host, keeper.listed(), at=NOW + 15 * DAY)
    refused("keys.expired", Host(), keeper.listed(), at=NOW + 15 * DAY)


def test_T64_freeze_without_asking_is_told_by_every_verdict(host: Host) -> None:
    from otumat.spec.vouching.checking import check_fresh

    assert check_fresh(host.trust, moment(NOW + 13 * DAY)) == []
    (found,) = check_fresh(host.trust, moment(NOW + 14 * DAY))
    assert (found.code, found.state) == ("keys.stale", TRUSTED)
    strict = ProjectTrust.from_dict({**host.trust.to_dict(), "stale": "refuse"})
    assert check_fresh(strict, moment(NOW + 14 * DAY))[0].state == EXPIRED


def test_T64_a_list_from_the_future(keeper: Keeper, host: Host) -> None:
    refused("keys.future", host, keeper.listed(at=NOW + DAY))
    refused("keys.future", host, keeper.listed(at=NOW + 301))
    host.pin(keeper.listed(at=NOW + 300))  # clocks differ


def test_T64_mix_and_match_the_list_of_another_project(keeper: Keeper, host: Host, thief: PrivateKey) -> None:
    other = Keeper("plugin2", key=keeper.signers[0]).add(thief)
    refused("keys.project", host, other.listed())
    refused("keys.project", Host(), other.listed())


def test_T64_mix_and_match_a_change_of_another_project(keeper: Keeper, host: Host, thief: PrivateKey) -> None:
    other = Keeper("plugin2", key=keeper.signers[0]).add(thief)
    keeper.changes += other.changes
    with pytest.raises(Unreachable):
        host.pin(keeper.listed())


def test_T64_replay_to_another_index(keeper: Keeper) -> None:
    refused("keys.index", Host(), keeper.listed(), asked="https://other.example.org")


@pytest.mark.parametrize(
    ("index", "asked"),
    [
        ("http://localhost:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1", "http://[::1]"),
        ("https://INDEX.example.org", "https://index.example.org"),
    ],
)
def test_names_of_one_machine_for_itself_are_one(index: str, asked: str, key: PrivateKey) -> None:
    assert Host().pin(Keeper(index=index).add(key).listed(), asked=asked).added
    for other in (f"{asked}:81", asked.replace("://", "://x."), asked.replace("://", "s://"), f"{asked}.example.org"):
        refused("keys.index", Host(), Keeper(index=index).add(key).listed(), asked=other)


def test_T64_replay_of_another_index_to_a_host_of_this_one(keeper: Keeper, host: Host, thief: PrivateKey) -> None:
    other = Keeper(index="https://other.example.org", key=keeper.signers[0])
    other.changes = list(keeper.changes)
    refused("keys.index", host, other.add(thief).listed())


def test_a_mirror_may_hand_on_what_the_index_signed(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    told = [host.pin(keeper.end(key).listed(), asked="https://mirror.example.org").ended for _ in range(2)]
    assert [[each.public.id for each in ended] for ended in told] == [[key.public.id], []]  # it is news once
    assert host.ids == set()


def test_T64_a_list_signed_by_another_key(keeper: Keeper, host: Host, thief: PrivateKey) -> None:
    forged = keeper.fork()
    forged.signers = [thief]
    refused("keys.unsigned", host, forged.add(thief).listed())
    refused("keys.unsigned", Host(), forged.listed(), given=[keeper.signers[0].public])


def test_T64_a_list_that_names_a_key_of_the_index_that_did_not_sign(
    keeper: Keeper, host: Host, thief: PrivateKey
) -> None:
    class Unable:
        public = new_key().public

        def sign(self, message: bytes) -> bytes:
            return b"\0" * 64

    keeper.signers.append(Unable())  # type: ignore[arg-type]
    refused("keys.unsigned", host, keeper.listed())


def test_an_index_changes_its_key_by_signing_with_both(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    old, new = keeper.signers[0], new_key()
    keeper.signers = [new, old]
    host.pin(keeper.listed())
    keeper.signers = [new]
    host.pin(keeper.listed())
    keeper.signers = [old]
    refused("keys.unsigned", host, keeper.listed())


def test_T64_a_hidden_revocation_that_was_seen_once(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    lying = keeper.fork()
    host.pin(keeper.end(key, "compromised").listed())
    refused("keys.rewritten", host, lying.add(new_key()).listed())
    refused("keys.rewritten", host, lying.add(new_key()).listed())
    assert host.ids == set()


def test_T64_two_stories_never_meet_again(keeper: Keeper, key: PrivateKey, thief: PrivateKey) -> None:
    """An index that hides a revocation from one host must keep up the lie: the true list tells on it."""
    misled = Host()
    lie = keeper.fork()
    misled.pin(lie.add(thief).listed())
    refused("keys.rewritten", misled, keeper.end(key, "compromised").listed())
    heads = {each.changes[-1].digest for each in (keeper, lie)}
    assert len(heads) == 2  # and whoever compares heads sees it


def test_T64_no_index_gives_trust_back(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    host.pin(keeper.end(key, "compromised", days_ago=3).listed())
    (was,) = host.trust.keys
    host.pin(keeper.end(key, "superseded").listed(), new=True)
    (record,) = host.trust.keys
    assert (record.revoked_at, record.revoked_for) == (was.revoked_at, "compromised")


BROKEN = {
    "a change left out": lambda keeper, key: keeper.changes.pop(0),
    "a change twice": lambda keeper, key: keeper.changes.append(keeper.changes[-1]),
    "a key twice": lambda keeper, key: keeper.add(key),
    "an end of nobody": lambda keeper, key: keeper.end(new_key()),
    "another number": lambda keeper, key: keeper.add(new_key(), number=7),
    "a log proof for another leaf": lambda keeper, key: keeper.add(new_key(), previous="0" * 64),
    "no moment": lambda keeper, key: keeper.add(new_key(), at="yesterday"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_T64_a_history_that_does_not_hold_together(keeper: Keeper, host: Host, key: PrivateKey, name: str) -> None:
    def attack() -> None:
        BROKEN[name](keeper.add(new_key()), key)
        host.pin(keeper.listed())

    with pytest.raises((Unreachable, Malformed)):
        attack()


@pytest.mark.parametrize(
    "told",
    [
        {"add": {"id": "0" * 64}},
        {"add": {"role": "god"}},
        {"add": {"note": "a\x1b[31m"}},
        {"add": {"expires": "2030-01-01T00:00:00Z"}},
        {"end": {"id": "x", "for": "fun", "since": moment(NOW), "reason": ""}},
    ],
)
def test_T64_a_key_under_another_id_an_unknown_role_or_a_text_that_paints(
    key: PrivateKey, told: dict[str, Any]
) -> None:
    keeper = Keeper().add(key)
    honest = strict_json.read(keeper.changes[0].payload)
    changed = {**honest, **{name: {**honest.get(name, {}), **each} for name, each in told.items()}}
    with pytest.raises(Malformed):
        read_change({"payload": strict_json.base64_of(strict_json.write(changed))})


def test_T64_a_threshold_of_nothing_is_no_policy() -> None:
    with pytest.raises(Malformed):
        ProjectTrust.from_dict({"threshold": 0})


def test_what_is_remembered_is_read_strictly(host: Host) -> None:
    told = host.trust.source.to_dict() if host.trust.source else {}
    assert Pin.from_dict(told).to_dict() == told
    broken: list[dict[str, Any]] = [
        {"version": -1},
        {"head": ""},
        {"signers": []},
        {"signers": [1]},
        {"issued": ""},
        {"more": 1},
    ]
    for wrong in broken:
        with pytest.raises(Malformed):
            Pin.from_dict({**told, **wrong})


def test_T64_a_change_without_end_is_not_read(key: PrivateKey) -> None:
    change = Keeper().add(key).changes[0].to_dict()
    long = strict_json.write({"project": "plugin1", "more": "x" * 64 * 1024})
    signed = [{"keyid": new_key().public.id, "sig": strict_json.base64_of(b"x")} for _ in range(9)]
    assert read_change({**change, "signatures": signed[:8]})
    for wrong in ({"payload": strict_json.base64_of(long)}, {"signatures": signed}):
        with pytest.raises(Malformed, match="bytes and"):
            read_change({**change, **wrong})


def test_T64_a_history_without_end_is_not_read(key: PrivateKey) -> None:
    keeper = Keeper().add(key)
    for _ in range(999):
        keeper.end(key)
    assert Host().pin(keeper.listed()).trust.source
    with pytest.raises(Unreachable):
        Host().pin(keeper.end(key).listed())
