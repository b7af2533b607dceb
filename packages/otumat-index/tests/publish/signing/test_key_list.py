"""T64 at the index: the list it signs, changes that keys prove, and what it witnessed of keys that ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.apps import apps
from django.test import Client
from django.utils import timezone

from otumat.errors import Conflict, Invalid, NotFound, Refused
from otumat.spec.key_list import KeyList, composed_addition, read_change, read_list
from otumat.spec.statement import strict_json
from otumat.spec.vouching.keyring import KeyRecord, ProjectTrust
from otumat.trust.fetching import checked_list
from otumat.trust.pinning import merged
from otumat.trust.policy import Policy
from otumat.trust.signing.private import PrivateKey
from otumat.trust.wheel import verify_wheel
from otumat_index import key_commands
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions as publishing
from otumat_index.publish.models import File, Project
from otumat_index.publish.signing import actions, again
from otumat_index.trust import history, index_keys
from otumat_index.trust.models import Change, Key, SignedFile

pytestmark = pytest.mark.django_db
DOOR = "/trust/project/roundup/keys"
HOME = "http://localhost:8000"


def listed(client: Client, **words: Any) -> KeyList:
    """What a host gets."""
    answer = client.get(DOOR, **words)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return checked_list(answer.content, "roundup", asked=HOME, pin=None, at=timezone.now().timestamp())


def proof(found: KeyList, key: PrivateKey, *by: PrivateKey, **words: Any) -> dict[str, Any]:
    """A change that these keys sign, as `otumat keys rotate` makes it."""
    moment = words.pop("at", timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    place = {"number": len(found.changes) + 1, "previous": found.head, "at": moment}
    record = KeyRecord(key.public, role=words.pop("role", "maintainer"), note=words.pop("note", ""))
    payload = composed_addition(words.pop("project", "roundup"), key=record, **{**place, **words})
    change = read_change({"payload": strict_json.base64_of(payload)})
    signatures = [{"keyid": each.public.id, "sig": strict_json.base64_of(each.sign(change.message))} for each in by]
    return {**change.to_dict(), "signatures": signatures}


@pytest.fixture
def prove(roundup: Project, alice: User) -> Callable[[dict[str, Any]], Key]:
    return lambda change: actions.add_proven_key(roundup, change, by=of_user(alice, "session"), at=timezone.now())


def test_a_project_without_a_key_has_an_empty_list(client: Client, roundup: Project) -> None:
    found = listed(client)
    assert (found.changes, found.head, found.index, found.project) == ((), "", HOME, "roundup")


def test_every_change_is_in_the_list_and_comes_to_what_the_keys_are(
    client: Client, roundup: Project, add: Any, alice: User, key: PrivateKey, other_key: PrivateKey, now: datetime
) -> None:
    add(key, note="release key", role="owner")
    add(other_key, replaces=key.public.id)
    by = of_user(alice, "session")
    actions.revoke_key(roundup, other_key.public.id, kind="compromised", since=now - timedelta(days=2), by=by, at=now)
    found = listed(client)
    assert [(each.number, bool(each.added), each.replaces[:8], each.ended_for) for each in found.changes] == [
        (1, True, "", ""),
        (2, True, key.public.id[:8], ""),
        (3, False, "", "compromised"),
    ]
    for row in Key.objects.all():
        told = found.records[row.key_id]
        assert row.revoked_at
        wanted = (row.role, row.note, row.revoked_for, row.revoked_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        assert (told.role, told.note, told.revoked_for, told.revoked_at) == wanted


def test_A86_the_list_of_a_private_project_is_for_its_people(
    client: Client, roundup: Project, add: Any, key: PrivateKey, alice: User, charlie: User, auth: Any, now: datetime
) -> None:
    add(key)
    publishing.set_visibility(roundup, is_private=True, by=command(), at=now)
    missing = client.get("/trust/project/nothing/keys", headers=auth(charlie))
    for words in ({}, {"headers": auth(charlie)}):
        hidden = client.get(DOOR, **words)
        assert (hidden.status_code, missing.status_code) == (404, 404)
    answer = client.get(DOOR, headers=auth(alice))
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")


def test_a_new_key_that_the_old_one_signed_is_proven_to_hosts(
    client: Client, add: Any, prove: Any, key: PrivateKey, other_key: PrivateKey
) -> None:
    add(key, note="first")
    before = listed(client)
    trust = merged(ProjectTrust(), before).trust
    made = prove(proof(before, other_key, key, replaces=key.public.id, note="second"))
    assert (made.note, Key.objects.get(key_id=key.public.id).successor) == ("second", made)
    assert Entry.objects.latest("serial").data["signed"] == f"{key.public.id[:16]}…"
    result = merged(trust, listed(client))
    assert ([each.public for each in result.proven], result.held_back) == ([other_key.public], ())
    assert [each.public for each in result.ended] == [key.public]


def test_the_page_says_whether_the_old_key_vouches_for_the_new_one(
    client: Client, roundup: Project, add: Any, prove: Any, signed: Any, upload: Any, told: Any, alice: User, bob: User,
    key: PrivateKey, other_key: PrivateKey
) -> None:  # fmt: skip
    third = PrivateKey(ed25519.Ed25519PrivateKey.generate())
    add(key)
    assert upload(bob, signed(key, version="1.0")).status_code == 200
    prove(proof(listed(client), other_key, key, replaces=key.public.id))
    assert upload(bob, signed(other_key, version="1.1")).status_code == 200
    add(third)
    assert upload(bob, signed(third, version="1.2")).status_code == 200
    assert (told("1.1")["changes"], told("1.2")["changes"]) == (["rotated"], ["changed"])
    assert "which signed that this one is a key of" in client.get("/project/roundup/1.1/").content.decode()
    by = of_user(alice, "session")
    actions.revoke_key(roundup, key.public.id, kind="compromised", by=by, at=timezone.now())
    assert told("1.1")["changes"] == ["changed"]


def test_T64_a_proof_that_proves_nothing_is_refused(
    client: Client, add: Any, prove: Any, key: PrivateKey, other_key: PrivateKey, now: datetime
) -> None:
    stranger = PrivateKey(ed25519.Ed25519PrivateKey.generate())
    add(key)
    found = listed(client)
    tampered = proof(found, other_key, key)
    tampered["payload"] = proof(found, stranger)["payload"]
    bad = {
        "nobody": proof(found, other_key),
        "a stranger": proof(found, other_key, stranger),
        "itself": proof(found, other_key, other_key),
        "one that does not hold beside one that does": proof(found, other_key, key, stranger),
        "of another key": tampered,
        "another project": proof(found, other_key, key, project="other"),
        "long ago": proof(found, other_key, key, at="2020-01-01T00:00:00Z"),
        "part of an id": proof(found, other_key, key, replaces=key.public.id[:12]),
        "blanks around": proof(found, other_key, key, note=" x "),
        "no change": {"payload": "e30=", "signatures": []},
    }
    for name, change in bad.items():
        with pytest.raises(Invalid):
            prove(change)
        assert Key.objects.count() == Change.objects.count() == 1, name
    for change in (proof(found, other_key, key, number=3), proof(found, other_key, key, previous="0" * 64)):
        with pytest.raises(Conflict):
            prove(change)


def test_T64_a_proof_is_good_once_and_by_no_key_that_ended(
    client: Client, roundup: Project, add: Any, prove: Any, alice: User, key: PrivateKey, other_key: PrivateKey,
    now: datetime
) -> None:  # fmt: skip
    third = PrivateKey(ed25519.Ed25519PrivateKey.generate())
    add(key)
    change = proof(listed(client), other_key, key)
    prove(change)
    with pytest.raises(Conflict):
        prove(change)
    actions.revoke_key(roundup, key.public.id, kind="superseded", by=of_user(alice, "session"), at=now)
    with pytest.raises(Invalid):
        prove(proof(listed(client), third, key))


def test_A46_a_proof_gives_nobody_a_role(
    client: Client, roundup: Project, add: Any, bob: User, key: PrivateKey, other_key: PrivateKey
) -> None:
    add(key)
    with pytest.raises(Refused):
        actions.add_proven_key(
            roundup, proof(listed(client), other_key, key), by=of_user(bob, "session"), at=timezone.now()
        )


def test_the_api_takes_a_proven_key(
    client: Client, add: Any, alice: User, auth: Any, key: PrivateKey, other_key: PrivateKey
) -> None:
    add(key)
    body = {"change": proof(listed(client), other_key, key, note="by the command line")}
    path = "/api/v1/project/roundup/keys"
    answer = client.post(path, body, content_type="application/json", headers=auth(alice))
    assert (answer.status_code, answer.json()["note"]) == (200, "by the command line")


def test_a_project_that_changes_hands_ends_its_keys_in_the_list(
    client: Client, roundup: Project, add: Any, bob: User, key: PrivateKey, now: datetime
) -> None:
    from otumat_index.publish.actions.invitations import hand_over

    add(key)
    hand_over(roundup, bob, by=command(), at=now)
    assert listed(client).records[key.public.id].revoked_for == "superseded"


def test_the_index_has_a_key_of_its_own_for_its_owner_alone(client: Client, roundup: Project, settings: Any) -> None:
    (signer,) = listed(client).signers
    path = settings.CONFIG.data / "trust.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.public for each in index_keys.signers(settings.CONFIG)] == [signer]
    assert "PRIVATE" not in repr(index_keys.signers(settings.CONFIG))
    assert key_commands.index_keys() == [f"{signer.id}  ed25519  index"]


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def test_an_index_that_changes_its_key_signs_with_both(client: Client, roundup: Project, settings: Any) -> None:
    old, new = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    settings.CONFIG = dataclasses.replace(settings.CONFIG, trust_key=pem(new) + pem(old))
    found = read_list(client.get(DOOR).content, trusted=[PrivateKey(old).public])
    assert found.signers == (PrivateKey(new).public, PrivateKey(old).public)


@pytest.mark.parametrize("what", ["", "nothing", pem(rsa.generate_private_key(65537, 2048))])
def test_what_is_no_key_of_an_index_is_refused(settings: Any, tmp_path: Path, what: str) -> None:
    (tmp_path / "trust.key").write_text(what)
    with pytest.raises(Invalid) as caught:
        index_keys.kept(tmp_path / "trust.key")
    assert "BEGIN" not in str(caught.value)


def test_what_a_retired_key_signed_before_stays_good_at_hosts_and_nothing_else(
    client: Client, roundup: Project, add: Any, signed: Any, upload: Any, bob: User, alice: User, key: PrivateKey,
    other_key: PrivateKey, tmp_path: Path
) -> None:  # fmt: skip
    add(key)
    old = signed(key, version="1.0")
    assert upload(bob, old).status_code == 200
    trust = merged(ProjectTrust(), listed(client)).trust
    add(other_key, replaces=key.public.id, at=timezone.now())
    found = merged(trust, listed(client), accept_new=True).trust
    kept = ProjectTrust.from_dict(found.to_dict())
    forged = signed(key, version="1.1")
    states = [state(tmp_path, file, kept) for file in (old, forged)]
    assert states == ["trusted", "revoked"]
    by = of_user(alice, "session")
    actions.revoke_key(roundup, key.public.id, kind="compromised", by=by, at=timezone.now())
    lost = merged(kept, listed(client)).trust
    assert state(tmp_path, old, lost) == "revoked"


def state(folder: Path, file: tuple[str, bytes], trust: ProjectTrust) -> str:
    (folder / file[0]).write_bytes(file[1])
    with (folder / file[0]).open("rb") as opened:
        at = timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return verify_wheel(opened, file[0], Policy({"roundup": trust}), at=at).state


def test_T64_what_an_index_remembers_later_gives_no_trust_back(
    client: Client, roundup: Project, add: Any, signed: Any, upload: Any, bob: User, alice: User, key: PrivateKey,
    other_key: PrivateKey, tmp_path: Path
) -> None:  # fmt: skip
    add(key)
    trust = merged(ProjectTrust(), listed(client)).trust
    add(other_key, replaces=key.public.id, at=timezone.now())
    trust = merged(trust, listed(client), accept_new=True).trust
    forged = signed(key, version="0.9")
    assert upload(bob, forged).status_code == 200
    SignedFile.objects.update(state="trusted", envelope="0" * 64, keys=[{"key": key.public.id}], at="2020-01-01T00:00Z")
    (record,) = [each for each in listed(client).records.values() if each.public == key.public]
    assert record.before == ("0" * 64,), "the lie is told"
    (mine,) = [each for each in merged(trust, listed(client)).trust.keys if each.public == key.public]
    assert mine.before == (), "and not believed by who knew of the end"


def test_a_wheel_by_a_stranger_is_judged_again_once_the_key_is_listed(
    roundup: Project, add: Any, signed: Any, upload: Any, told: Any, bob: User, key: PrivateKey, other_key: PrivateKey
) -> None:
    answer = upload(bob, signed(key))
    assert [each["code"] for each in answer.json()["problems"]] == ["signature.no_key"]
    judging = again.Rejudging()
    judging.note(["roundup", "other"])
    assert judging() == 0, "no key has come"
    add(other_key, at=timezone.now())
    judging.note(["roundup"])
    assert (judging(), told()["files"][0]["state"]) == (1, "untrusted-key")
    add(key, at=timezone.now())
    judging.note(["roundup"])
    assert (judging(), told()["state"]) == (1, "signed")
    judging.note(["roundup"])
    assert judging() == 0


def test_a_second_look_sees_the_key_as_it_was_when_the_wheel_came(
    roundup: Project, add: Any, signed: Any, upload: Any, told: Any, bob: User, key: PrivateKey, other_key: PrivateKey
) -> None:
    upload(bob, signed(key))
    earlier = timezone.now() - timedelta(hours=1)
    File.objects.update(uploaded_at=earlier)
    SignedFile.objects.update(at=earlier)
    add(key, at=timezone.now())
    add(other_key, replaces=key.public.id, at=timezone.now())
    judging = again.Rejudging()
    judging.note(["roundup"])
    assert (judging(), told()["state"]) == (1, "signed")


def test_keys_that_were_there_before_the_history_are_written_into_it(
    client: Client, roundup: Project, add: Any, alice: User, key: PrivateKey, other_key: PrivateKey, now: datetime
) -> None:
    add(key, note="first")
    add(other_key, replaces=key.public.id)
    Change.objects.all().delete()
    import_module("otumat_index.trust.migrations.0002_key_history").write_history(apps, None)
    found = listed(client)
    assert [each.number for each in found.changes] == [1, 2, 3]
    assert found.records[key.public.id].revoked_for == "superseded"
    assert history.place("roundup") == (4, found.head)


def test_an_operator_lists_adds_and_ends_keys(
    client: Client, roundup: Project, key: PrivateKey, tmp_path: Path
) -> None:
    path = tmp_path / "key.pub"
    path.write_bytes(key.public.pem)
    added = key_commands.add_key("RoundUp", path, role="owner", note="Acme", replaces="")
    assert added == f"The key {key.public.id} may sign for 'roundup' now."
    (line,) = key_commands.project_keys("roundup")
    assert line.split("  ") == [key.public.id, "ed25519", "owner", line.split("  ")[3], "Acme"]
    ended = key_commands.revoke_key("roundup", key.public.id[:12], kind="compromised", since=None, reason="lost")
    assert ended.endswith("is ended (compromised).")
    rows = Entry.objects.filter(topic="roundup", action__startswith="key.").values_list("action", "credential")
    assert list(rows) == [("key.add", "cli"), ("key.revoke", "cli")]
    for wrong in (tmp_path / "none", tmp_path):
        with pytest.raises(NotFound):
            key_commands.add_key("roundup", wrong, role="owner", note="", replaces="")
    with pytest.raises(Invalid):
        key_commands.moment("yesterday")
    with pytest.raises(Invalid):
        key_commands.moment("2026-01-31T12:00:00")
