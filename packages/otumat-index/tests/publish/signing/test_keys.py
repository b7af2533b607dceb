"""Keys of a project: who adds, replaces and ends them; what is refused; who hears of it; what everybody may read."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.test import Client
from django.utils import timezone

from otumat.errors import Conflict, Invalid, NotFound, Refused
from otumat.spec.keys import PublicKey
from otumat.trust.signing.private import PrivateKey
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.actor import NOBODY, command
from otumat_index.journal.models import Entry
from otumat_index.journal.sentences import told
from otumat_index.publish.actions import invite
from otumat_index.publish.actions.invitations import accept
from otumat_index.publish.models import Project
from otumat_index.publish.signing import actions
from otumat_index.trust.models import Key

pytestmark = pytest.mark.django_db
PEM, SPKI = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
SIGNED_IN = "allauth.account.auth_backends.AuthenticationBackend"


def by(user: User) -> Any:
    return of_user(user, "session")


def test_an_owner_adds_a_key_and_everybody_reads_it(
    client: Client, roundup: Project, alice: User, auth: Any, key: PrivateKey
) -> None:
    sent = {"key": key.public.pem.decode(), "note": "release key", "role": "owner"}
    path = "/api/v1/project/roundup/keys"
    answer = client.post(path, sent, content_type="application/json", headers=auth(alice))
    assert answer.status_code == 200
    told = client.get("/api/v1/project/Round_up/keys".replace("Round_up", "ROUNDUP")).json()
    (listed,) = told["keys"]
    assert (told["project"], told["policy"]) == ("roundup", "mark")
    assert (listed["id"], listed["note"], listed["role"], listed["added_by"]) == (
        key.public.id, "release key", "owner", "alice")  # fmt: skip
    assert PublicKey.from_der(base64.b64decode(listed["spki"])) == key.public


@pytest.mark.parametrize("who", ["maintainer", "stranger", "admin", "limited token", "nobody"])
def test_A46_only_an_owner_adds_a_key(
    roundup: Project, alice: User, bob: User, charlie: User, admin: User, key: PrivateKey, now: datetime, who: str
) -> None:
    limited = of_user(alice, "token:1")
    actor = {
        "maintainer": by(bob),
        "stranger": by(charlie),
        "admin": by(admin),
        "limited token": type(limited)(
            name="alice", user_id=alice.pk, credential="token:1", projects=frozenset({"roundup"})
        ),
        "nobody": NOBODY,
    }[who]
    with pytest.raises(Refused):
        actions.add_key(roundup, key.public.pem.decode(), by=actor, at=now)
    assert not Key.objects.exists()


def private_pem(kind: Any) -> bytes:
    return bytes(kind.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption()))


WEAK = rsa.generate_private_key(65537, 1024)
KEYS: dict[str, bytes] = {
    "T52 a private key": private_pem(ed25519.Ed25519PrivateKey.generate()),
    "T52 RSA of 1024 bits": WEAK.public_key().public_bytes(PEM, SPKI),
    "T52 exponent 3": rsa.generate_private_key(3, 2048).public_key().public_bytes(PEM, SPKI),
    "T52 DER": WEAK.public_key().public_bytes(Encoding.DER, SPKI),
    "T52 nothing": b"",
    "T52 two blocks": 2 * ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(PEM, SPKI),
    "T52 endless": b"-----BEGIN PUBLIC KEY-----\n" + b"A" * 200_000,
}


@pytest.mark.parametrize("name", KEYS)
def test_T52_a_key_that_is_none_or_weak_is_refused_and_never_quoted(
    roundup: Project, alice: User, now: datetime, name: str
) -> None:
    with pytest.raises(Invalid) as caught:
        actions.add_key(roundup, KEYS[name].decode("latin-1"), by=by(alice), at=now)
    assert all(line not in str(caught.value) for line in KEYS[name].decode("latin-1").splitlines()[1:3] if line)
    assert not Key.objects.exists()


def test_a_key_is_added_once_and_never_again_after_its_end(
    roundup: Project, add: Any, alice: User, key: PrivateKey, now: datetime
) -> None:
    add(key)
    with pytest.raises(Conflict):
        add(key)
    actions.revoke_key(roundup, key.public.id[:12], kind="superseded", by=by(alice), at=now)
    with pytest.raises(Conflict):
        add(key)


def test_one_key_takes_the_place_of_another(
    roundup: Project, add: Any, key: PrivateKey, other_key: PrivateKey, now: datetime
) -> None:
    old, new = add(key), add(other_key, replaces=key.public.id)
    old.refresh_from_db()
    assert (old.successor, old.revoked_for, old.revoked_at, new.revoked_at) == (new, "superseded", now, None)
    row = Entry.objects.latest("serial")
    assert row.action == "key.rotate"
    assert told(row).sentence.endswith(f"take the place of {key.public.id[:16]}…")


def test_a_new_key_stays_out_when_the_one_it_replaces_is_not_there(
    roundup: Project, add: Any, key: PrivateKey, other_key: PrivateKey
) -> None:
    add(key)
    with pytest.raises(NotFound):
        add(other_key, replaces="0" * 64)
    assert Key.objects.count() == 1


def test_a_retired_key_can_turn_out_to_be_compromised_and_not_the_other_way(
    roundup: Project, add: Any, alice: User, key: PrivateKey, now: datetime
) -> None:
    add(key)
    actions.revoke_key(roundup, key.public.id, kind="superseded", by=by(alice), at=now)
    since = now - timedelta(days=3)
    ended = actions.revoke_key(roundup, key.public.id, kind="compromised", since=since, by=by(alice), at=now)
    assert (ended.revoked_at, ended.revoked_for) == (since, "compromised")
    for kind in ("superseded", "compromised"):
        with pytest.raises(Conflict):
            actions.revoke_key(roundup, key.public.id, kind=kind, by=by(alice), at=now)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"kind": "lost"}, "key.revocation"),
        ({"kind": "compromised", "since": timedelta(days=1)}, "key.since"),
        ({"kind": "superseded", "since": timedelta(days=-1)}, "key.since"),
        ({"kind": "compromised", "reason": "x" * 501}, "key.reason"),
        ({"kind": "compromised", "reason": "two\nlines"}, "key.reason"),
    ],
)
def test_T64_what_a_revocation_may_not_say(
    roundup: Project, add: Any, alice: User, key: PrivateKey, now: datetime, words: dict[str, Any], code: str
) -> None:
    add(key)
    words = {**words, "since": now + words["since"]} if "since" in words else words
    with pytest.raises(Invalid) as caught:
        actions.revoke_key(roundup, key.public.id, **words, by=by(alice), at=now)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert Key.objects.get().revoked_at is None


def test_A45_a_key_of_another_project_is_out_of_reach(
    submit: Any, add: Any, charlie: User, key: PrivateKey, now: datetime
) -> None:
    add(key)
    assert submit(charlie, name="another").status_code == 200
    another = Project.objects.get(normalized="another")
    with pytest.raises(NotFound):
        actions.revoke_key(another, key.public.id, kind="compromised", by=by(charlie), at=now)


def test_nobody_ends_a_key_by_a_slip(roundup: Project, add: Any, alice: User, key: PrivateKey, now: datetime) -> None:
    add(key)
    for beginning in (key.public.id[:7], "", "%", "_" * 8):
        with pytest.raises(NotFound):
            actions.revoke_key(roundup, beginning, kind="superseded", by=by(alice), at=now)


def test_a_project_without_a_key_cannot_refuse_everything(roundup: Project, alice: User, now: datetime) -> None:
    for policy in ("refuse", "strict"):
        with pytest.raises(Invalid):
            actions.ask_signatures(roundup, policy, by=by(alice), at=now)


def test_A47_when_a_project_changes_hands_its_keys_end(
    roundup: Project, add: Any, alice: User, charlie: User, key: PrivateKey, now: datetime
) -> None:
    add(key)
    offer = invite(roundup, "owner", user=charlie, is_transfer=True, by=by(alice), at=now)
    accept(offer.pk, by=by(charlie), at=now)
    assert Key.objects.get().revoked_at == now
    assert Entry.objects.latest("serial").data["keys"] == 1


def test_owners_hear_of_every_change_of_keys(
    post: Any, roundup: Project, add: Any, alice: User, bob: User, key: PrivateKey, now: datetime
) -> None:
    post()
    add(key, note="release key")
    actions.revoke_key(
        roundup, key.public.id, kind="compromised", reason="laptop stolen", by=by(alice), at=timezone.now()
    )
    mails = post()
    assert {address for mail in mails for address in mail.to} == {"alice@example.org"}
    texts = "\n".join(mail.body for mail in mails)
    assert "added the key" in texts
    assert "laptop stolen" in texts
    assert "release key" in texts


def test_the_page_lists_keys_and_offers_what_one_may_do(
    client: Client, roundup: Project, add: Any, alice: User, bob: User, admin: User, key: PrivateKey
) -> None:
    add(key, note="<i>key</i>")
    page = "/manage/project/roundup/keys/"
    client.force_login(bob, backend=SIGNED_IN)
    assert client.get(page).status_code == 403
    client.force_login(admin, backend=SIGNED_IN)
    assert "Add a key" not in client.get(page).content.decode()
    client.force_login(alice, backend=SIGNED_IN)
    shown = client.get(page).content.decode()
    assert "Add a key" in shown
    assert key.public.id in shown
    assert "&lt;i&gt;key&lt;/i&gt;" in shown


def test_who_adds_a_key_on_the_page_shows_again_who_it_is(
    client: Client, roundup: Project, alice: User, key: PrivateKey
) -> None:
    page = "/manage/project/roundup/keys/"
    client.force_login(alice, backend=SIGNED_IN)  # without a recent sign-in that allauth knows of
    answer = client.post(page, {"key": key.public.pem.decode(), "role": "maintainer", "note": ""})
    assert (answer.status_code, answer["Location"].startswith("/account/reauthenticate/")) == (302, True)
    assert not Key.objects.exists()
    done = client.post(answer["Location"], {"password": "correct horse battery"}, follow=True)
    assert done.status_code == 200
    assert Key.objects.get().key_id == key.public.id


def test_keys_are_ended_and_policies_set_on_the_page(
    client: Client, roundup: Project, add: Any, alice: User, key: PrivateKey
) -> None:
    add(key)
    client.force_login(alice, backend=SIGNED_IN)
    assert client.post("/manage/project/roundup/signatures", {"policy": "refuse"}).status_code == 302
    assert Project.objects.get().signatures == "refuse"
    path = f"/manage/project/roundup/keys/{key.public.id}/revoke"
    assert client.post(path, {"kind": "compromised", "since": "never"}).status_code == 400
    assert client.post(path, {"kind": "compromised", "since": "2026-02-01T10:00", "reason": "lost"}).status_code == 302
    ended = Key.objects.get()
    assert (ended.revoked_at.isoformat() if ended.revoked_at else "", ended.reason) == (
        "2026-02-01T10:00:00+00:00", "lost")  # fmt: skip
    assert "compromised" in client.get("/manage/project/roundup/keys/").content.decode()


def test_keys_are_ended_over_the_api(
    client: Client, roundup: Project, add: Any, alice: User, auth: Any, key: PrivateKey
) -> None:
    add(key)
    said = urlencode({"kind": "compromised", "reason": "lost", "since": "2026-02-01T10:00:00Z"})
    answer = client.delete(f"/api/v1/project/roundup/keys/{key.public.id}?{said}", headers=auth(alice))
    assert answer.status_code == 200
    assert answer.json()["revoked_at"] == "2026-02-01T10:00:00Z"
    naive = client.delete(f"/api/v1/project/roundup/keys/{key.public.id}?kind=compromised&since=2026-01-01T10:00:00",
                          headers=auth(alice))  # fmt: skip
    assert naive.status_code == 400
    answer = client.put("/api/v1/project/roundup/signatures", {"policy": "mark"}, content_type="application/json",
                        headers=auth(alice))  # fmt: skip
    assert answer.json() == {"ok": True, "policy": "mark"}


def test_A88_each_change_leaves_one_row_that_reads_as_a_sentence(
    roundup: Project, add: Any, alice: User, key: PrivateKey, other_key: PrivateKey, now: datetime
) -> None:
    before = Entry.objects.count()
    add(key)
    add(other_key, replaces=key.public.id)
    actions.ask_signatures(roundup, "refuse", by=by(alice), at=now)
    actions.revoke_key(roundup, other_key.public.id, kind="compromised", by=command(), at=now)
    rows = list(Entry.objects.order_by("serial")[before:])
    assert [row.action for row in rows] == ["key.add", "key.rotate", "project.signatures", "key.revoke"]
    assert all("{" not in told(row).sentence for row in rows)


def test_changes_of_keys_are_public(client: Client, roundup: Project, add: Any, key: PrivateKey) -> None:
    add(key, note="release key")
    assert "added the key" in client.get("/project/roundup/").content.decode()
    assert "(release key)" in client.get("/project/roundup/feed.atom").content.decode()
