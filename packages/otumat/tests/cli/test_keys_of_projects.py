"""`otumat keys add|rotate|revoke --project` and `otumat keys which`: what goes to an index, and what does not."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from otumat.spec.key_list import composed_addition, composed_list, read_change
from otumat.spec.statement import strict_json
from otumat.spec.vouching.keyring import KeyRecord
from otumat.trust.fetching import moment
from otumat.trust.signing.private import PrivateKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]
    Key = tuple[str, PrivateKey]

KEYS = "/api/v1/project/plugin1/keys"
DIGEST = hashlib.sha256(b"a file\n").hexdigest()


@pytest.fixture
def keys(alice: Otumat, tmp_path: Path) -> Callable[[str], Key]:
    """A key pair that `otumat keygen` made: the place of its private half, and the key."""

    def make(name: str) -> Key:
        place = tmp_path / f"{name}.pem"
        assert alice("keygen", str(place), "--no-passphrase").returncode == 0
        from otumat.trust.signing.private import read_file

        return str(place), read_file(place)

    return make


@pytest.fixture
def listing(people: Any, index: Any) -> list[PrivateKey]:
    """The keys that the index lists for plugin1, oldest first; it signs the list anew for each who asks."""
    listed: list[PrivateKey] = []
    own = PrivateKey(Ed25519PrivateKey.generate())

    def answer(method: str, path: str, headers: Mapping[str, str], sent: Mapping[str, Any]) -> Any:
        if path == "/trust/project/plugin1/keys":
            return 200, {}, json.loads(told(listed, index.url, own))
        if path == f"/trust/sha256/{DIGEST}":
            found = {"project": "plugin1", "version": "1.0", "filename": "x.whl", "path": "a\x1b.py", "url": ""}
            return 200, {}, {"sha256": DIGEST, "found": [found]}
        if path.startswith("/trust/sha256/"):
            return 404, {}, {"ok": False, "error": {"code": "not_found", "message": "None."}}
        return None

    index.doors.append(answer)
    people.says |= {"POST project/plugin1/keys": {"ok": True, "id": "x"}}
    return listed


def told(keys: list[PrivateKey], url: str, own: PrivateKey) -> bytes:
    changes: list[Any] = []
    for number, key in enumerate(keys, 1):
        payload = composed_addition(
            "plugin1", number=number, previous=changes[-1].digest if changes else "", at=moment(time.time()),
            key=KeyRecord(key.public, role="owner", note="Acme"),
        )  # fmt: skip
        changes.append(read_change({"payload": strict_json.base64_of(payload)}))
    now = time.time()
    signers = [(own.public, own.sign)]
    return composed_list("plugin1", changes, index=url, issued=moment(now), expires=moment(now + 60), signers=signers)


def sent(people: Any) -> dict[str, Any]:
    (found,) = [body for method, path, body in people.asked if (method, path) == ("POST", KEYS)]
    return dict(found)


def test_the_first_key_is_told_without_ado(alice: Otumat, people: Any, listing: Any, keys: Any) -> None:
    path, key = keys("first")
    done = alice("keys", "add", f"{path}.pub", "--project", "plugin1", "--note", "Acme", "--role", "owner")
    assert (done.returncode, done.stderr) == (0, "")
    assert sent(people) == {"key": key.public.pem.decode(), "role": "owner", "note": "Acme", "replaces": ""}


def test_a_second_key_that_nobody_vouches_for_is_said_to_be_one(
    alice: Otumat, people: Any, listing: list[PrivateKey], keys: Any
) -> None:
    listing.append(keys("first")[1])
    done = alice("keys", "add", f"{keys('second')[0]}.pub", "--project", "plugin1")
    assert "are asked whether they trust it" in done.stderr


def test_the_old_key_signs_that_another_takes_its_place(
    alice: Otumat, people: Any, listing: list[PrivateKey], keys: Any
) -> None:
    (old_path, old), (new_path, new) = keys("old"), keys("new")
    listing.append(old)
    done = alice("keys", "rotate", f"{new_path}.pub", "--project", "plugin1", "--sign-with", old_path)
    assert (done.returncode, done.stderr) == (0, "")
    change = read_change(sent(people)["change"])
    assert change.added is not None
    assert (change.number, change.replaces, change.added.public, change.added.role, change.added.note) == (
        2, old.public.id, new.public, "owner", "Acme")  # fmt: skip
    assert change.is_signed_by(old.public)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--sign-with", "{stranger}"), "has no one key"),
        (("--sign-with", "{old}", "--old", "00000000"), "has no one key"),
        (("--unproven",), "Which key does it take the place of?"),
        (("--sign-with", "nowhere.pem"), "no key file"),
    ],
)
def test_a_rotation_that_nobody_can_prove_is_not_sent(
    alice: Otumat, people: Any, listing: list[PrivateKey], keys: Any, words: tuple[str, ...], why: str
) -> None:
    (old_path, old), (stranger, _) = keys("old"), keys("stranger")
    listing.append(old)
    given = [word.format(old=old_path, stranger=stranger) for word in words]
    done = alice("keys", "rotate", f"{keys('new')[0]}.pub", "--project", "plugin1", *given)
    assert (done.returncode != 0, why in done.stderr) == (True, True), done.stderr
    assert not [each for each in people.asked if each[0] == "POST"]


def test_without_the_old_key_somebody_has_to_say_which_one_it_was(
    alice: Otumat, people: Any, listing: list[PrivateKey], keys: Any
) -> None:
    _, old = keys("old")
    listing.append(old)
    new = keys("new")[0]
    done = alice("keys", "rotate", f"{new}.pub", "--project", "plugin1", "--unproven", "--old", old.public.id[:8])
    assert (done.returncode, sent(people)["replaces"]) == (0, old.public.id)


def test_a_key_is_ended_for_several_projects(alice: Otumat, people: Any) -> None:
    people.says |= {f"DELETE project/{name}/keys/3f0c91ab": {"ok": True} for name in ("a", "b")}
    given = ("--reason", "compromised", "--since", "2026-01-31T12:00:00Z", "--words", "Lost & found")
    done = alice("keys", "revoke", "3f0c91ab", "--project", "a", "--project", "b", *given, "--json")
    assert [each["project"] for each in json.loads(done.stdout)["keys"]] == ["a", "b"], done.stderr
    paths = [path for method, path, _ in people.asked if method == "DELETE"]
    query = "kind=compromised&reason=Lost+%26+found&since=2026-01-31T12%3A00%3A00Z"
    assert paths == [f"/api/v1/project/{name}/keys/3f0c91ab?{query}" for name in "ab"]


@pytest.mark.parametrize(
    "words",
    [
        ("add", "{key}", "--for", "plugin1", "--project", "plugin1"),
        ("add", "{key}"),
        ("add", "{key}", "--for", "plugin1", "--sign-with", "{key}"),
        ("add", "{key}", "--project", "plugin1", "--expires", "2030-01-01"),
        ("revoke", "3f0c91ab", "--since", "2026-01-31T12:00:00Z"),
        ("revoke", "3f0c91ab", "--project", "plugin1", "--policy", "{key}"),
        ("pin",),
        ("pin", "plugin1", "--all"),
    ],
)
def test_what_is_about_a_policy_and_what_is_about_an_index_are_kept_apart(
    alice: Otumat, people: Any, keys: Any, words: tuple[str, ...]
) -> None:
    place = f"{keys('first')[0]}.pub"
    done = alice("keys", *(word.format(key=place) for word in words))
    assert done.returncode == 2, done.stderr
    assert not people.asked


def test_which_release_is_this_file_from(alice: Otumat, listing: Any, tmp_path: Path) -> None:
    (tmp_path / "known.py").write_bytes(b"a file\n")
    (tmp_path / "other.py").write_bytes(b"another\n")
    done = alice("keys", "which", str(tmp_path / "known.py"), DIGEST.upper())
    assert (done.returncode, done.stdout.count("plugin1 1.0: a\\x1b.py in x.whl")) == (0, 2)
    done = alice("keys", "which", str(tmp_path / "known.py"), str(tmp_path / "other.py"), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"], [len(each["found"]) for each in told["files"]]) == (1, False, [1, 0])
    assert alice("keys", "which", str(tmp_path)).returncode != 0
