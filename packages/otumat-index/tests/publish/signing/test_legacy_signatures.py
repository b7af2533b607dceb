"""Wheels that carry signatures of otumat 0.3 alone: told as what they are, and never as good as an envelope."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.utils import timezone

from otumat.spec.digest import blob_digest, listing_digest
from otumat.trust.signing.private import PrivateKey
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.publish.models import Project
from otumat_index.publish.signing import actions, judging
from otumat_index.trust.models import SignedFile

pytestmark = pytest.mark.django_db
File = tuple[str, bytes]


@pytest.fixture(scope="module")
def old_key() -> PrivateKey:
    return PrivateKey(rsa.generate_private_key(65537, 2048))


@pytest.fixture
def with_sig(wheel: Any) -> Callable[..., File]:
    """A wheel with `.sig` files, as setup(privkey_path=…) of 0.3 made them; changed afterwards where that is asked."""

    def make(key: PrivateKey, *, version: str = "1.0", late: bytes = b"") -> File:
        filename, data = wheel(version=version)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        info = next(name.partition("/")[0] for name in members if ".dist-info/" in name)
        body = {name: content for name, content in members.items() if not name.startswith(info)}
        body.setdefault("roundup/__init__.py", b"x = 1\n")
        value = listing_digest((name.encode(), "100644", blob_digest(content)) for name, content in body.items())
        body["roundup/__init__.py"] += late
        members |= body | {f"{info}/roundup.sig": key.sign_legacy(value.encode()).encode()}
        return filename, written(members, f"{info}/RECORD")

    return make


def written(members: dict[str, bytes], record: str) -> bytes:
    del members[record]
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},{len(content)}"
        for name, content in members.items()
    ]
    members[record] = "\n".join([*rows, f"{record},,", ""]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return target.getvalue()


def codes(answer: Any) -> list[str]:
    return [each["code"] for each in answer.json()["problems"]]


def test_a_legacy_signature_is_told_as_one(
    add: Any, with_sig: Any, upload: Any, told: Any, bob: User, old_key: PrivateKey, client: Client
) -> None:
    add(old_key, note="key of 2020")
    answer = upload(bob, with_sig(old_key))
    assert (answer.status_code, codes(answer)) == (200, ["signature.legacy_only"])
    found = told()
    assert (found["state"], found["files"][0]["state"], found["changes"]) == ("legacy", "legacy", [])
    assert found["files"][0]["keys"][0]["note"] == "key of 2020"
    page = client.get("/project/roundup/1.0/").content.decode()
    assert "legacy signature" in page
    assert "never as good as an envelope" in page
    assert '<span class="badge good">signed</span>' not in page


def test_T51_a_legacy_signature_after_an_envelope_is_a_step_back_that_everybody_sees(
    add: Any, with_sig: Any, signed: Any, upload: Any, told: Any, bob: User, old_key: PrivateKey, client: Client
) -> None:
    add(old_key)
    assert upload(bob, signed(old_key, version="1.0")).status_code == 200
    assert codes(upload(bob, with_sig(old_key, version="1.1"))) == ["signature.downgraded"]
    found = told("1.1")
    assert (found["state"], found["changes"]) == ("legacy", ["gone"])
    assert "has a legacy signature only" in client.get("/project/roundup/1.1/").content.decode()


def test_T51_where_envelopes_are_asked_for_a_legacy_signature_will_not_do(
    roundup: Project, add: Any, with_sig: Any, upload: Any, alice: User, bob: User, old_key: PrivateKey, now: datetime
) -> None:
    add(old_key)
    actions.ask_signatures(roundup, "refuse", by=of_user(alice, "session"), at=now)
    answer = upload(bob, with_sig(old_key))
    assert (answer.status_code, codes(answer)) == (400, ["signature.missing"])


@pytest.mark.parametrize("what", ["changed after", "by a stranger"])
def test_a_legacy_signature_that_does_not_hold_is_told_and_refuses_nothing(
    add: Any, with_sig: Any, upload: Any, told: Any, bob: User, old_key: PrivateKey, what: str
) -> None:
    add(old_key)
    stranger = PrivateKey(rsa.generate_private_key(65537, 2048))
    file = with_sig(stranger) if what == "by a stranger" else with_sig(old_key, late=b"import evil\n")
    answer = upload(bob, file)
    assert (answer.status_code, codes(answer)) == (200, ["signature.legacy_bad"])
    assert (told()["state"], told()["files"][0]["state"]) == ("bad", "untrusted-key")


def test_a_legacy_signature_by_a_key_that_is_lost_since_counts_no_more(
    roundup: Project, add: Any, with_sig: Any, upload: Any, told: Any, alice: User, bob: User, old_key: PrivateKey
) -> None:
    add(old_key)
    assert upload(bob, with_sig(old_key)).status_code == 200
    by = of_user(alice, "session")
    since = roundup.created_at
    actions.revoke_key(roundup, old_key.public.id, kind="compromised", since=since, by=by, at=timezone.now())
    assert (told()["state"], told()["files"][0]["state"]) == ("bad", "revoked")


def test_without_keys_or_too_large_nothing_is_looked_at(
    roundup: Project, add: Any, with_sig: Any, upload: Any, bob: User, old_key: PrivateKey,
    monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    assert codes(upload(bob, with_sig(old_key))) == []
    add(old_key)
    monkeypatch.setattr(judging, "LEGACY_MAX_BYTES", 10)
    assert codes(upload(bob, with_sig(old_key, version="1.1"))) == []
    assert not SignedFile.objects.exists()
