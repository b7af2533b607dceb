"""T64: which keys that are new to a host it takes without asking, and which wait for a person."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from harness.key_lists import DAY, NOW, Host, Keeper, new_key
from otumat.spec.key_list import Change
from otumat.spec.statement import Malformed, strict_json
from otumat.spec.vouching.keyring import KeyRecord, ProjectTrust
from otumat.trust.fetching import moment
from otumat.trust.signing.private import PrivateKey


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
