"""
T64: what an index, a mirror or somebody in between may try with a project's list of keys, and what comes of it.

`Keeper` is an index's half, of the same code: it holds a history and signs what it is told to, also what it should not.
"""

from __future__ import annotations

import calendar
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from otumat.errors import Unreachable, Untrusted
from otumat.spec.key_list import Change, composed_addition, composed_end, composed_list, read_change
from otumat.spec.statement import Malformed, strict_json
from otumat.spec.vouching.keyring import KeyRecord, Pin, ProjectTrust
from otumat.spec.vouching.verdict import EXPIRED, TRUSTED
from otumat.trust.fetching import checked_list, moment
from otumat.trust.pinning import Merged, merged
from otumat.trust.signing.private import PrivateKey

HOME = "https://index.example.org"
NOW = calendar.timegm((2026, 3, 1, 12, 0, 0))
DAY = 86_400


def new_key() -> PrivateKey:
    return PrivateKey(Ed25519PrivateKey.generate())


class Keeper:
    """Whoever keeps a project's history and can sign lists of it."""

    def __init__(self, project: str = "plugin1", *, index: str = HOME, key: PrivateKey | None = None) -> None:
        self.project, self.index = project, index
        self.signers = [key or new_key()]
        self.changes: list[Change] = []
        self.witnessed: dict[str, list[str]] = {}

    def fork(self) -> Keeper:
        """The same index, with the same past, going its own way from here."""
        other = Keeper(self.project, index=self.index)
        other.signers, other.changes = list(self.signers), list(self.changes)
        return other

    @property
    def place(self) -> dict[str, Any]:
        previous = self.changes[-1].digest if self.changes else ""
        return {"number": len(self.changes) + 1, "previous": previous, "at": moment(NOW - DAY)}

    def add(
        self, key: PrivateKey, *by: PrivateKey, role: str = "maintainer", replaces: PrivateKey | None = None,
        **place: Any
    ) -> Keeper:  # fmt: skip
        """A key comes; these old ones sign its coming."""
        old = replaces.public.id if replaces else ""
        record = KeyRecord(key.public, role=role)
        payload = composed_addition(self.project, key=record, replaces=old, **{**self.place, **place})
        return self._write(payload, by)

    def end(self, key: PrivateKey, kind: str = "superseded", *, days_ago: int = 0) -> Keeper:
        since = moment(NOW - days_ago * DAY)
        payload = composed_end(self.project, key_id=key.public.id, kind=kind, since=since, **self.place)
        return self._write(payload, ())

    def _write(self, payload: bytes, by: tuple[PrivateKey, ...]) -> Keeper:
        told = {"payload": strict_json.base64_of(payload)}
        message = read_change(told).message
        signatures = [{"keyid": each.public.id, "sig": strict_json.base64_of(each.sign(message))} for each in by]
        self.changes.append(read_change({**told, "signatures": signatures}))
        return self

    def listed(self, *, at: float = NOW, days: float = 14) -> bytes:
        signers = [(each.public, each.sign) for each in self.signers]
        return composed_list(
            self.project,
            self.changes,
            index=self.index,
            issued=moment(at),
            expires=moment(at + days * DAY),
            signers=signers,
            witnessed=self.witnessed,
        )


class Host:
    """Somebody who relies on the project: what `otumat keys pin` does, and the entry that it keeps."""

    def __init__(self, trust: ProjectTrust | None = None) -> None:
        self.trust = trust or ProjectTrust()

    def pin(self, data: bytes, *, at: float = NOW, asked: str = HOME, new: bool = False, **words: Any) -> Merged:
        found = checked_list(data, "plugin1", asked=asked, pin=self.trust.source, at=at, **words)
        result = merged(self.trust, found, accept_new=new)
        self.trust = ProjectTrust.from_dict(result.trust.to_dict())  # through the policy file and back
        return result

    @property
    def ids(self) -> set[str]:
        return {each.public.id for each in self.trust.keys if not each.revoked_at}


@pytest.fixture
def key() -> PrivateKey:
    return new_key()


@pytest.fixture
def thief() -> PrivateKey:
    return new_key()


@pytest.fixture
def keeper(key: PrivateKey) -> Keeper:
    return Keeper().add(key)


@pytest.fixture
def host(keeper: Keeper) -> Host:
    made = Host()
    made.pin(keeper.listed())
    return made


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
    host.pin(keeper.end(key).listed(), asked="https://mirror.example.org")
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


def test_T64_a_key_whose_coming_nobody_signed_is_held_back(keeper: Keeper, host: Host, thief: PrivateKey) -> None:
    result = host.pin(keeper.add(thief).listed())
    assert ([each.public.id for each in result.held_back], thief.public.id in host.ids) == ([thief.public.id], False)
    assert thief.public.id in {each.public.id for each in host.pin(keeper.listed(), new=True).added}


def test_a_rotation_that_the_old_key_signed_is_taken(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    second, third = new_key(), new_key()
    keeper.add(second, key, replaces=key).add(third, second, replaces=second)
    result = host.pin(keeper.listed())
    assert (host.ids, result.held_back) == ({third.public.id}, ())


def test_T64_a_rotation_signed_by_a_key_that_ended_before(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    second, thief = new_key(), new_key()
    keeper.add(second, key, replaces=key).add(thief, key)
    result = host.pin(keeper.listed())
    assert (host.ids, [each.public.id for each in result.held_back]) == ({second.public.id}, [thief.public.id])


def test_T64_a_rotation_by_a_key_that_ended_here_with_an_older_date(key: PrivateKey, thief: PrivateKey) -> None:
    ended = KeyRecord(key.public, revoked_at=moment(NOW - DAY), revoked_for="superseded")
    host = Host(ProjectTrust([ended]))
    result = host.pin(Keeper().add(key).add(thief, key, at="2020-01-01T00:00:00Z").listed())
    assert [each.public.id for each in result.held_back] == [thief.public.id]


def test_T64_a_rotation_by_a_key_that_is_called_compromised_later(
    keeper: Keeper, host: Host, key: PrivateKey, thief: PrivateKey
) -> None:
    keeper.add(thief, key, replaces=key).end(key, "compromised")
    assert host.pin(keeper.listed()).held_back
    assert host.ids == set()


def test_T64_one_key_makes_no_second_one_where_two_are_asked_for(key: PrivateKey, thief: PrivateKey) -> None:
    other, keeper = new_key(), Keeper()
    host = Host(ProjectTrust([KeyRecord(key.public), KeyRecord(other.public)], threshold=2))
    keeper.add(key).add(other).add(thief, key)
    assert [each.public.id for each in host.pin(keeper.listed()).held_back] == [thief.public.id]
    third = new_key()
    assert [each.public.id for each in host.pin(keeper.add(third, key, other).listed()).proven] == [third.public.id]


def test_T64_a_key_that_signs_twice_counts_for_nothing_at_all(key: PrivateKey, thief: PrivateKey) -> None:
    with pytest.raises(Malformed):
        Keeper().add(key).add(thief, key, key)


def test_T64_a_signature_without_a_name_is_nobodys(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    change = keeper.add(new_key(), key).changes[-1]
    change.signatures[0].keyid = ""
    assert host.pin(keeper.listed()).held_back


def test_T64_a_key_of_the_index_that_ends_in_a_hundred_years_is_a_key_of_the_index(
    keeper: Keeper, host: Host, key: PrivateKey, thief: PrivateKey
) -> None:
    host.pin(keeper.add(thief).end(thief, days_ago=-36_500).listed())
    assert [record.public.id for record in host.trust.keys] == [key.public.id]


def test_T64_a_key_of_the_index_that_ended_signed_nothing_before(
    keeper: Keeper, host: Host, key: PrivateKey, thief: PrivateKey
) -> None:
    """Or the index would list a key of its own, end it at once, and say that it witnessed whatever it likes."""
    keeper.add(thief).end(thief)
    keeper.witnessed = {thief.public.id: ["0" * 64]}
    result = host.pin(keeper.listed())
    assert (result.held_back, [record.before for record in host.trust.keys]) == ((), [()])


def test_T64_a_key_that_is_trusted_no_longer_vouches_for_nothing(key: PrivateKey, thief: PrivateKey) -> None:
    host = Host(ProjectTrust([KeyRecord(key.public, expires=moment(NOW - DAY))]))
    result = host.pin(Keeper().add(key).add(thief, key, at=moment(NOW - 3 * DAY)).listed())
    assert [each.public.id for each in result.held_back] == [thief.public.id]


def test_T64_where_there_are_owners_only_they_vouch(key: PrivateKey, thief: PrivateKey) -> None:
    owner, keeper = new_key(), Keeper()
    keeper.add(owner, role="owner").add(key)
    host = Host()
    host.pin(keeper.listed())
    keeper.end(owner).add(thief, key, role="owner")
    assert [each.public.id for each in host.pin(keeper.listed()).held_back] == [thief.public.id]


def test_T64_a_reviewer_vouches_for_no_key(thief: PrivateKey, key: PrivateKey) -> None:
    reviewer, keeper = new_key(), Keeper()
    keeper.add(key).add(reviewer, role="reviewer")
    host = Host()
    host.pin(keeper.listed())
    assert host.pin(keeper.add(thief, reviewer).listed()).held_back


def test_T64_a_reviewer_that_is_proven_vouches_for_no_key(
    keeper: Keeper, host: Host, key: PrivateKey, thief: PrivateKey
) -> None:
    reviewer = new_key()
    result = host.pin(keeper.add(reviewer, key, role="reviewer").add(thief, reviewer).listed())
    assert [each.public.id for each in result.proven] == [reviewer.public.id]
    assert [each.public.id for each in result.held_back] == [thief.public.id]


def test_T64_a_new_key_that_is_called_compromised_vouches_for_no_key(
    keeper: Keeper, host: Host, key: PrivateKey, thief: PrivateKey
) -> None:
    second = new_key()
    result = host.pin(keeper.add(second, key).add(thief, second).end(second, "compromised").listed())
    assert [each.public.id for each in result.held_back] == [thief.public.id]
    assert host.ids == {key.public.id}


def test_T64_a_signature_for_one_coming_proves_no_other(keeper: Keeper, host: Host, key: PrivateKey) -> None:
    second, thief = new_key(), new_key()
    honest = keeper.fork().add(second, key)
    forged = keeper.add(thief)
    forged.changes[-1] = Change(
        forged.changes[-1].payload, honest.changes[-1].signatures, strict_json.read(forged.changes[-1].payload)
    )
    assert [each.public.id for each in host.pin(forged.listed()).held_back] == [thief.public.id]


def test_T52_T64_a_weak_key_is_never_taken(host: Host, keeper: Keeper, key: PrivateKey) -> None:
    weak = PrivateKey(generate_private_key(65537, 1024))
    result = host.pin(keeper.add(weak, key).listed(), new=True)
    assert ([each.public.id for each in result.weak], weak.public.id in host.ids) == ([weak.public.id], False)


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
