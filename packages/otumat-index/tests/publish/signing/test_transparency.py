"""A60 with the transparency log: attestations of a small Sigstore, and what is done about bad ones."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from harness.attesting import b64
from harness.transparency import World, new_key
from otumat.errors import Untrusted
from otumat_index.accounts.models import User
from otumat_index.config import Config
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.trust.attestations import log, reading
from otumat_index.trust.models import Attestation

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings: Any, tmp_path: Path, _own_folder: None, publisher: TrustedPublisher) -> World:
    """A Sigstore that the index trusts."""
    made, path = World(), tmp_path / "trusted_root.json"
    path.write_text(json.dumps(made.trusted_root()))
    settings.CONFIG = dataclasses.replace(settings.CONFIG, attestation_trust=str(path))
    return made


@pytest.fixture
def send(upload: Any, alice: User) -> Callable[..., Any]:
    return lambda file, *listed: upload(alice, file, attestations=json.dumps(listed))


def test_an_attestation_whose_log_entry_holds_is_kept_as_verified(
    world: World, send: Any, wheel: Any, client: Client
) -> None:
    file = wheel()
    answer = send(file, world.attest(file))
    assert (answer.status_code, answer.json()["problems"]) == (200, [])
    assert Attestation.objects.get().log == "verified"
    (told,) = client.get("/api/v1/project/roundup/1.0/signatures").json()["attestations"]
    assert (told["log"], told["publisher"]["repository"]) == ("verified", "acme/rocket")
    assert "its entry in the transparency log holds" in client.get("/project/roundup/").content.decode()


def test_with_the_logs_proof_an_attestation_may_be_older_than_its_certificate_lasts(
    world: World, send: Any, wheel: Any
) -> None:
    file = wheel()
    assert send(file, world.attest(file, at=timezone.now() - timedelta(days=90))).status_code == 200


BAD: dict[str, dict[str, Any]] = {
    "A60 an expired certificate, logged too late": {"logged_after": timedelta(hours=1)},
    "A60 logged before the certificate was valid": {"logged_after": -timedelta(hours=1)},
    "A60 another transparency log": {"rekor": new_key()},
    "A60 a certificate that no log knows": {"ct": None},
    "A60 a certificate in another log": {"ct": new_key()},
    "A60 the entry of another envelope": {"about": b"{}"},
    "A60 another file": {"digest": "0" * 64},
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_attestation_refuses_the_upload(world: World, send: Any, wheel: Any, name: str) -> None:
    file = wheel()
    answer = send(file, world.attest(file, **BAD[name]))
    assert answer.status_code == 400, answer.json()
    assert [each["code"] for each in answer.json()["problems"]] == ["attestation.untrusted"]
    assert not Attestation.objects.exists()


def entry_of(attestation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = attestation["verification_material"]["transparency_entries"][0]
    return found


def broken(attestation: dict[str, Any], how: str) -> dict[str, Any]:
    made = copy.deepcopy(attestation)
    entry = entry_of(made)
    proof = entry["inclusionProof"]
    match how:
        case "no entry":
            made["verification_material"]["transparency_entries"] = []
        case "two entries":
            made["verification_material"]["transparency_entries"] *= 2
        case "no proof of inclusion":
            del entry["inclusionProof"]
        case "no promise":
            del entry["inclusionPromise"]
        case "another leaf":
            proof["logIndex"] = "0"
        case "another root":
            proof["rootHash"] = b64(b"\0" * 32)
        case "hashes turned around":
            proof["hashes"].reverse()
        case "an unsigned checkpoint":
            proof["checkpoint"]["envelope"] = proof["checkpoint"]["envelope"].partition("\n\n")[0] + "\n\n"
        case "the checkpoint of another tree":
            proof["checkpoint"]["envelope"] = proof["checkpoint"]["envelope"].replace("\n3\n", "\n4\n")
        case "another moment":
            entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)
        case "numbers without end":
            proof["treeSize"] = "9" * 400
    return made


@pytest.mark.parametrize(
    "how",
    [
        "no entry",
        "two entries",
        "no proof of inclusion",
        "no promise",
        "another leaf",
        "another root",
        "hashes turned around",
        "an unsigned checkpoint",
        "the checkpoint of another tree",
        "another moment",
        "numbers without end",
    ],
)
def test_A60_T64_a_log_entry_that_does_not_hold_refuses_the_upload(
    world: World, send: Any, wheel: Any, how: str
) -> None:
    file = wheel()
    answer = send(file, broken(world.attest(file), how))
    assert answer.status_code == 400, how
    assert not Attestation.objects.exists()


def test_A60_an_authority_of_the_same_name_vouches_for_nothing(world: World, send: Any, wheel: Any) -> None:
    file = wheel()
    assert send(file, World().attest(file)).status_code == 400


def test_the_trusted_root_is_read_again_when_its_operator_changes_it(
    world: World, send: Any, wheel: Any, settings: Any
) -> None:
    file, other = wheel(), World()
    attestation = other.attest(file)
    assert send(file, attestation).status_code == 400
    path = Path(settings.CONFIG.attestation_trust)
    path.with_suffix(".new").write_text(json.dumps(other.trusted_root()))
    path.with_suffix(".new").replace(path)
    assert send(file, attestation).status_code == 200


def test_A60_whatever_is_sent_is_refused_and_nothing_falls_over(world: World, wheel: Any, settings: Any) -> None:
    """Entries with one value of another kind, each in another place: never another error than the refusal."""
    file = wheel()
    honest = world.attest(file)
    strange: list[Any] = [None, [], {}, "", "A" * 10, -1, 2**70, True, [[]], {"a": 1}, "9" * 60]
    tried = 0
    for path, value in itertools.product(places(entry_of(honest)), strange):
        made = copy.deepcopy(honest)
        target: Any = entry_of(made)
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value
        (attested,) = reading.read(json.dumps([made]))
        with pytest.raises(Untrusted):
            log.check(attested, root=settings.CONFIG.attestation_trust)
        tried += 1
    assert tried > 200


def places(told: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value."""
    steps = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return [way for step, each in steps for way in [(*path, step), *places(each, (*path, step))]]


def test_without_a_trusted_root_an_attestation_says_that_its_log_is_not_verified(
    publisher: TrustedPublisher, attest: Any, send: Any, wheel: Any, client: Client
) -> None:
    file = wheel()
    assert send(file, attest(file)).status_code == 200
    (told,) = client.get("/api/v1/project/roundup/1.0/signatures").json()["attestations"]
    assert told["log"] == "not verified: no trust root configured"
    assert "not verified: no trust root configured" in client.get("/project/roundup/").content.decode()


def test_a_setting_that_names_no_file_stops_the_start(tmp_path: Path, roundup: Project) -> None:
    from otumat.errors import Invalid

    with pytest.raises(Invalid) as caught:
        Config.from_env({"OTUMAT_DATA": str(tmp_path), "ATTESTATION_TRUST": str(tmp_path / "none.json")})
    assert [each.field for each in caught.value.problems] == ["attestation_trust"]
