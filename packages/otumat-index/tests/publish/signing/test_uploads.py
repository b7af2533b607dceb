"""What an upload's signature does: marked or refused, shown with its release, looked up by digest."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otumat.trust.signing.private import PrivateKey
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.publish.actions import remove_file
from otumat_index.publish.models import Project
from otumat_index.publish.signing import actions
from otumat_index.trust.models import Member, SignedFile

pytestmark = pytest.mark.django_db
BODY = b"def run():\n    return 'a body that is long enough to be told from others by its digest'\n"


@pytest.fixture
def refusing(roundup: Project, alice: User, now: datetime) -> Callable[[], Project]:
    """Make the project refuse what its keys did not sign."""
    return lambda: actions.ask_signatures(roundup, "refuse", by=of_user(alice, "session"), at=now)


def changed(file: tuple[str, bytes], path: str, content: bytes) -> tuple[str, bytes]:
    """The wheel with another content of one member, RECORD put right, as an attacker with the archive in hand would."""
    with zipfile.ZipFile(io.BytesIO(file[1])) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[path] = content
    record = next(name for name in members if name.endswith("/RECORD"))
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}"
        for name, data in members.items()
        if name != record
    ]
    members[record] = "\n".join([*rows, f"{record},,", ""]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return file[0], target.getvalue()


def test_a_wheel_that_a_key_of_the_project_signed_is_trusted(
    add: Any, key: PrivateKey, signed: Any, upload: Any, told: Any, bob: User
) -> None:
    add(key, note="release key")
    answer = upload(bob, signed(key))
    assert answer.status_code == 200
    assert answer.json()["problems"] == []
    found = told()
    assert (found["state"], found["files"][0]["state"]) == ("signed", "trusted")
    assert found["files"][0]["keys"] == [
        {"id": key.public.id, "kind": "ed25519", "role": "maintainer", "note": "release key"}
    ]


def test_a_wheel_without_an_envelope_costs_and_changes_nothing(
    add: Any, key: PrivateKey, wheel: Any, upload: Any, told: Any, bob: User
) -> None:
    assert upload(bob, wheel()).json()["problems"] == []
    assert not SignedFile.objects.exists()
    assert told() == {
        "project": "roundup",
        "version": "1.0",
        "state": "unsigned",
        "before": "",
        "changes": [],
        "files": [],
        "attestations": [],
    }


def test_T43_a_key_of_another_project_vouches_for_nothing_here(
    add: Any, key: PrivateKey, other_key: PrivateKey, signed: Any, submit: Any, upload: Any, told: Any, alice: User,
    now: datetime
) -> None:  # fmt: skip
    add(key)
    assert submit(alice, name="another").status_code == 200
    another = Project.objects.get(normalized="another")
    actions.add_key(another, other_key.public.pem.decode(), by=of_user(alice, "session"), at=now)
    answer = upload(alice, signed(other_key))
    assert answer.status_code == 200
    assert next(each["code"] for each in answer.json()["problems"]) == "signature.untrusted_key"
    assert {each["severity"] for each in answer.json()["problems"]} == {"warning"}
    assert told()["files"][0]["state"] == "untrusted-key"
    assert told()["state"] == "bad"
    assert not Member.objects.exists()  # what no key of the project vouches for is not looked up


def test_T39_an_envelope_of_another_project_is_not_this_ones(
    add: Any, key: PrivateKey, signed: Any, wheel: Any, upload: Any, told: Any, alice: User
) -> None:
    add(key)
    with zipfile.ZipFile(io.BytesIO(signed(key, name="another")[1])) as archive:
        envelope = archive.read("another-1.0.dist-info/otumat.dsse.json")
    moved = changed(wheel(), "roundup-1.0.dist-info/otumat.dsse.json", envelope)
    assert upload(alice, moved).status_code == 200
    assert told()["files"][0]["state"] == "modified"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("roundup/__init__.py", b"x = 2\n"),  # T01
        ("roundup/added.py", b"x = 1\n"),  # T02
        ("roundup-1.0.dist-info/entry_points.txt", b"[plugins]\nevil = roundup:evil\n"),  # T16
    ],
)
def test_T01_T02_T16_T17_what_is_not_what_was_signed_is_refused_where_asked(
    add: Any, key: PrivateKey, signed: Any, upload: Any, refusing: Any, alice: User, path: str, content: bytes
) -> None:  # fmt: skip
    add(key)
    refusing()
    answer = upload(alice, changed(signed(key), path, content))
    assert answer.status_code == 400
    assert "signature.modified" in {each["code"] for each in answer.json()["problems"]}
    assert not SignedFile.objects.exists()


def test_T51_a_project_that_refuses_takes_no_wheel_without_envelope(
    add: Any, key: PrivateKey, wheel: Any, signed: Any, upload: Any, refusing: Any, alice: User
) -> None:
    add(key)
    refusing()
    answer = upload(alice, wheel())
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "signature.missing")
    assert upload(alice, signed(key)).status_code == 200


def test_T51_when_every_key_has_ended_nothing_is_taken_until_there_is_another(
    roundup: Project, add: Any, key: PrivateKey, other_key: PrivateKey, wheel: Any, signed: Any, upload: Any,
    refusing: Any, alice: User
) -> None:  # fmt: skip
    add(key)
    refusing()
    by = of_user(alice, "session")
    actions.revoke_key(roundup, key.public.id, kind="superseded", by=by, at=timezone.now())
    assert upload(alice, wheel()).status_code == 400
    assert "signature.revoked" in {each["code"] for each in upload(alice, signed(key)).json()["problems"]}
    add(other_key, at=timezone.now())
    assert upload(alice, signed(other_key)).status_code == 200


def test_the_index_may_ask_more_than_a_project_and_never_less(
    settings: Any, roundup: Project, add: Any, key: PrivateKey, wheel: Any, upload: Any, alice: User, now: datetime
) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, signatures="refuse")
    assert upload(alice, wheel()).status_code == 200  # it has no key, and never had one
    add(key)
    actions.ask_signatures(roundup, "off", by=of_user(alice, "session"), at=now)
    assert upload(alice, wheel(version="1.1")).status_code == 400


def test_an_index_that_does_not_look_at_signatures_looks_at_none(
    settings: Any, add: Any, key: PrivateKey, signed: Any, upload: Any, alice: User
) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, signatures="off")
    assert upload(alice, signed(key)).json()["problems"] == []
    assert not SignedFile.objects.exists()


@pytest.mark.parametrize(
    "envelope", [b"", b"{", b"[]", b'{"payload": "", "payload": ""}', b"\xff" * 100, b"[" * 100_000]
)
def test_T50_no_envelope_makes_an_upload_fail_or_be_trusted(
    add: Any, key: PrivateKey, wheel: Any, upload: Any, told: Any, alice: User, envelope: bytes
) -> None:
    add(key)
    answer = upload(alice, changed(wheel(), "roundup-1.0.dist-info/otumat.dsse.json", envelope))
    assert answer.status_code == 200
    assert told()["files"][0]["state"] in ("error", "unsigned")


def test_verifying_judges_and_writes_nothing(
    add: Any, key: PrivateKey, other_key: PrivateKey, signed: Any, upload: Any, refusing: Any, dump: Any, alice: User
) -> None:
    add(key)
    refusing()
    assert upload(alice, signed(key), verify="1").status_code == 200
    assert upload(alice, signed(other_key), verify="1").status_code == 400
    assert not SignedFile.objects.exists()


def test_T64_what_was_published_before_a_key_was_retired_stays_good(
    roundup: Project, add: Any, key: PrivateKey, signed: Any, upload: Any, told: Any, alice: User
) -> None:
    add(key)
    upload(alice, signed(key))
    later = timezone.now() + timedelta(minutes=5)
    actions.revoke_key(roundup, key.public.id, kind="superseded", by=of_user(alice, "session"), at=later)
    assert told()["files"][0]["state"] == "trusted"


def test_T64_nothing_counts_that_was_published_since_a_key_was_compromised(
    roundup: Project, add: Any, key: PrivateKey, signed: Any, upload: Any, told: Any, alice: User, client: Client
) -> None:
    add(key)
    upload(alice, signed(key))
    by, at = of_user(alice, "session"), timezone.now() + timedelta(minutes=5)
    actions.revoke_key(
        roundup, key.public.id, kind="compromised", since=at - timedelta(days=1), reason="laptop stolen", by=by, at=at
    )
    assert (told()["state"], told()["files"][0]["state"]) == ("bad", "revoked")
    page = client.get("/project/roundup/1.0/").content.decode()
    assert "signature does not hold" in page
    assert "laptop stolen" in page


def test_what_changed_since_the_release_before_is_told_in_words(
    add: Any, key: PrivateKey, other_key: PrivateKey, signed: Any, wheel: Any, upload: Any, told: Any, alice: User,
    client: Client
) -> None:  # fmt: skip
    add(key, note="<b>old</b>")
    add(other_key)
    for file in (wheel(version="1.0"), signed(key, version="1.1"), signed(key, version="1.2"),
                 signed(key, other_key, version="1.3"), signed(other_key, version="1.4"), signed(key, version="1.5"),
                 wheel(version="1.6")):  # fmt: skip
        assert upload(alice, file).status_code == 200
    assert [told(f"1.{minor}")["changes"] for minor in range(7)] == [
        [], ["first"], [], ["added"], ["removed"], ["changed"], ["gone"]]  # fmt: skip
    page = client.get("/project/roundup/1.5/").content.decode()
    assert "1.4, the release before, was signed by another key." in page
    assert "&lt;b&gt;old&lt;/b&gt;" in page
    assert "no longer signed" in client.get("/project/roundup/1.6/").content.decode()
    assert client.get("/pypi/roundup/1.6/json").json()["signatures"]["changes"] == ["gone"]


def test_a_page_of_a_project_that_nobody_signs_for_says_nothing_of_it(
    wheel: Any, upload: Any, alice: User, client: Client
) -> None:
    upload(alice, wheel())
    assert "Signatures" not in client.get("/project/roundup/").content.decode()


def test_a_file_is_found_by_its_digest_and_by_that_of_a_member(
    add: Any, key: PrivateKey, signed: Any, upload: Any, alice: User, client: Client
) -> None:
    add(key)
    file = signed(key, members={"roundup/body.py": BODY})
    upload(alice, file)
    member = client.get(
        f"/trust/sha256/{hashlib.sha256(BODY).hexdigest().upper()}", headers={"Accept": "application/json"}
    )
    (found,) = member.json()["found"]
    assert (found["project"], found["version"], found["path"]) == ("roundup", "1.0", "roundup/body.py")
    whole = client.get(f"/trust/sha256/{hashlib.sha256(file[1]).hexdigest()}", headers={"Accept": "text/html"})
    assert "It is the published file" in whole.content.decode()
    assert client.get(f"/trust/sha256/{'0' * 64}").status_code == 404
    assert client.get("/trust/sha256/xyz").status_code == 400


def test_A86_a_private_projects_files_are_found_by_holders_of_a_role_alone(
    roundup: Project, add: Any, key: PrivateKey, signed: Any, upload: Any, alice: User, charlie: User, auth: Any,
    client: Client
) -> None:  # fmt: skip
    add(key)
    file = signed(key, members={"roundup/body.py": BODY})
    upload(alice, file)
    Project.objects.update(is_private=True)
    for digest in (hashlib.sha256(BODY).hexdigest(), hashlib.sha256(file[1]).hexdigest()):
        missing = client.get(f"/trust/sha256/{'0' * 64}", headers=auth(charlie))
        hidden = client.get(f"/trust/sha256/{digest}", headers=auth(charlie))
        assert hidden.status_code == 404
        assert hidden.content.replace(digest.encode(), b"0" * 64) == missing.content
        assert client.get(f"/trust/sha256/{digest}", headers=auth(alice)).status_code == 200
    assert client.get("/api/v1/project/roundup/keys", headers=auth(charlie)).status_code == 404


def test_the_same_bytes_may_be_published_under_another_build_number(
    roundup: Project, add: Any, key: PrivateKey, signed: Any, upload: Any, told: Any, alice: User
) -> None:
    add(key)
    filename, data = signed(key, members={"roundup/body.py": BODY})
    assert upload(alice, (filename, data)).status_code == 200
    assert upload(alice, (filename.replace("1.0-", "1.0-1-"), data)).status_code == 200
    assert [file["state"] for file in told()["files"]] == ["trusted", "trusted"]
    remove_file(roundup, filename, by=of_user(alice, "session"), at=timezone.now())
    assert [file["state"] for file in told()["files"]] == ["trusted"]
    assert Member.objects.filter(path="roundup/body.py").count() == 1


def test_of_a_file_that_was_removed_nothing_is_told(
    roundup: Project, add: Any, key: PrivateKey, signed: Any, upload: Any, alice: User, client: Client
) -> None:
    add(key)
    file = signed(key, members={"roundup/body.py": BODY})
    upload(alice, file)
    remove_file(roundup, file[0], by=of_user(alice, "session"), at=timezone.now())
    assert not SignedFile.objects.exists()
    assert client.get(f"/trust/sha256/{hashlib.sha256(BODY).hexdigest()}").status_code == 404
