"""Uploads on `/legacy/` that are refused: digests, contradictions, other people's projects, and bounds."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otumat.spec import archive
from otumat_index.accounts.models import User
from otumat_index.config import Config
from otumat_index.publish.models import File, Project, Release

pytestmark = pytest.mark.django_db
Upload = Callable[..., Any]
Wheel = Callable[..., tuple[str, bytes]]


def problems(response: Any) -> dict[str, dict[str, Any]]:
    return {problem["code"]: problem for problem in response.json()["problems"]}


# Digests.


@pytest.mark.parametrize("field", ["sha256_digest", "blake2_256_digest", "md5_digest"])
def test_A30_a_wrong_digest_is_refused(
    upload: Upload, wheel: Wheel, alice: User, field: str, nothing_is_stored: Callable[[], bool]
) -> None:
    length = 32 if field == "md5_digest" else 64
    response = upload(alice, wheel(), **{field: "0" * length})
    assert response.status_code == 400
    assert problems(response)["digest.mismatch"]["field"] == field
    assert nothing_is_stored()


def test_A30_every_wrong_digest_is_told(upload: Upload, wheel: Wheel, alice: User) -> None:
    response = upload(alice, wheel(), sha256_digest="f" * 64, md5_digest="f" * 32, blake2_256_digest="f" * 64)
    assert {problem["field"] for problem in response.json()["problems"]} >= {
        "sha256_digest",
        "md5_digest",
        "blake2_256_digest",
    }


def test_A30_one_digest_does_not_stand_for_another(
    upload: Upload, wheel: Wheel, alice: User, nothing_is_stored: Callable[[], bool]
) -> None:
    name, data = wheel()
    md5 = hashlib.md5(data).hexdigest()
    blake2 = hashlib.blake2b(data, digest_size=32).hexdigest()
    assert upload(alice, (name, data), sha256_digest=md5).status_code == 400
    assert upload(alice, (name, data), sha256_digest=blake2).status_code == 400
    other = hashlib.sha256(wheel(version="2.0")[1]).hexdigest()
    assert upload(alice, (name, data), sha256_digest=other).status_code == 400
    assert nothing_is_stored()


def test_A30_of_two_digests_in_one_field_both_must_hold(
    upload: Upload, wheel: Wheel, alice: User, nothing_is_stored: Callable[[], bool]
) -> None:
    name, data = wheel()
    right = hashlib.sha256(data).hexdigest()
    assert upload(alice, (name, data), sha256_digest=["0" * 64, right]).status_code == 400
    assert nothing_is_stored()


def test_A30_upper_case_digests_are_the_same_digests(upload: Upload, wheel: Wheel, alice: User) -> None:
    name, data = wheel()
    digest = hashlib.sha256(data).hexdigest().upper()
    assert upload(alice, (name, data), sha256_digest=digest).status_code == 200
    assert File.objects.get().sha256 == digest.lower()


def test_A30_an_md5_alone_is_taken_with_a_warning(upload: Upload, wheel: Wheel, alice: User) -> None:
    name, data = wheel()
    response = upload(alice, (name, data), sha256_digest=None, md5_digest=hashlib.md5(data).hexdigest())
    assert response.status_code == 200
    assert problems(response)["digest.weak"]["severity"] == "warning"
    assert File.objects.get().sha256 == hashlib.sha256(data).hexdigest()


def test_A30_absent_digests_are_computed(upload: Upload, wheel: Wheel, alice: User) -> None:
    name, data = wheel()
    assert upload(alice, (name, data), sha256_digest=None).status_code == 200
    assert File.objects.get().sha256 == hashlib.sha256(data).hexdigest()


# Whose file it is.


def test_A23_a_file_of_another_project_is_refused(upload: Upload, wheel: Wheel, alice: User, bob: User) -> None:
    upload(bob, wheel("victim"))
    name, data = wheel("roundup", "6.6")
    response = upload(alice, (name.replace("roundup", "victim"), data), name="roundup")
    assert response.status_code in (400, 403)
    assert File.objects.count() == 1


def test_A20_form_and_metadata_must_agree(
    upload: Upload, wheel: Wheel, alice: User, nothing_is_stored: Callable[[], bool]
) -> None:
    response = upload(alice, wheel(metadata="Summary: honest\n"), summary="another", requires_python=">=2.7")
    assert response.status_code == 400
    assert {problem["field"] for problem in response.json()["problems"]} >= {"summary", "requires_python"}
    assert nothing_is_stored()


@pytest.mark.parametrize("field", ["name", "version"])
def test_A20_name_and_version_of_the_form_must_be_the_files(
    upload: Upload, wheel: Wheel, alice: User, field: str, nothing_is_stored: Callable[[], bool]
) -> None:
    response = upload(alice, wheel(), **{field: "9.9"})
    assert response.status_code == 400
    assert field in {problem["field"] for problem in response.json()["problems"]}
    assert nothing_is_stored()


def test_A20_file_name_and_metadata_must_agree(
    upload: Upload, wheel: Wheel, alice: User, nothing_is_stored: Callable[[], bool]
) -> None:
    name, data = wheel(version="1.0")
    response = upload(alice, (name.replace("1.0", "1.1"), data))
    assert response.status_code == 400
    assert nothing_is_stored()


def test_A20_the_filetype_must_be_the_files(upload: Upload, wheel: Wheel, alice: User) -> None:
    response = upload(alice, wheel(), filetype="sdist")
    assert problems(response)["filetype.mismatch"]["field"] == "filetype"
    assert upload(alice, wheel(), filetype="bdist_wheel").status_code == 200


def test_A21_what_the_file_requires_cannot_hide_behind_a_form(upload: Upload, wheel: Wheel, alice: User) -> None:
    hidden = wheel(metadata="Requires-Dist: evil-helper\n")
    response = upload(alice, hidden, requires_dist="harmless")
    assert "requires_dist" in {problem["field"] for problem in response.json()["problems"]}
    assert upload(alice, hidden).status_code == 200
    assert Release.objects.get().requires_dist == ["evil-helper"]


@pytest.mark.parametrize("first", ["sdist", "wheel"])
def test_A22_sdist_and_wheel_must_agree(upload: Upload, wheel: Wheel, alice: User, first: str, sdist: Wheel) -> None:
    pair = [sdist(metadata="Requires-Dist: good\n"), wheel(metadata="Requires-Dist: evil\n")]
    if first == "wheel":
        pair.reverse()
    assert upload(alice, pair[0]).status_code == 200
    response = upload(alice, pair[1])
    assert response.status_code == 400
    assert problems(response)["release.files_differ"]["field"] == "requires_dist"
    assert File.objects.count() == 1


def test_A22_a_dynamic_field_may_differ(upload: Upload, wheel: Wheel, alice: User, sdist: Wheel) -> None:
    upload(alice, sdist(metadata="Dynamic: Requires-Dist\n"))
    response = upload(alice, wheel(metadata="Requires-Dist: built-in\n"))
    assert response.status_code == 200, response.content
    assert problems(response)["release.files_differ"]["severity"] == "warning"


# Bounds.


def test_the_quota_of_files_holds(upload: Upload, wheel: Wheel, alice: User, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, max_project_files=2)
    assert upload(alice, wheel(version="1")).status_code == 200
    assert upload(alice, wheel(version="2")).status_code == 200
    response = upload(alice, wheel(version="3"))
    assert (response.status_code, response.json()["error"]["code"]) == (409, "too_many_files")
    assert (File.objects.count(), Release.objects.count()) == (2, 2)


def test_a_quota_of_nothing_accepts_nothing(
    upload: Upload, wheel: Wheel, alice: User, settings: Any, tmp_path: Path
) -> None:
    assert Config.from_env({"OTUMAT_DATA": str(tmp_path), "MAX_PROJECT_FILES": "0"}).max_project_files == 0
    settings.CONFIG = dataclasses.replace(settings.CONFIG, max_project_files=0)
    response = upload(alice, wheel())
    assert (response.status_code, response.json()["error"]["code"]) == (409, "too_many_files")
    assert not File.objects.exists()
    assert not Project.objects.exists()
    assert list((settings.CONFIG.data / "incoming").iterdir()) == []


def test_a_large_body_is_refused_by_its_announced_length(client: Client, auth: Any, alice: User) -> None:
    response = client.post(
        "/legacy/",
        b"--x--",
        content_type="multipart/form-data; boundary=x",
        headers=auth(alice),
        CONTENT_LENGTH=str(500_000_000),
    )
    assert response.status_code == 413
    assert b"MAX_FILE_MB" in response.content


def test_a_file_over_the_limit_is_refused_with_its_size(
    upload: Upload, wheel: Wheel, alice: User, settings: Any, nothing_is_stored: Callable[[], bool]
) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, max_file_mb=1)
    response = upload(alice, wheel(members={"roundup/noise.bin": os.urandom(1_200_000)}))
    assert response.status_code == 400
    assert "archive.too_large" in problems(response)
    assert nothing_is_stored()


def test_a_long_description_is_refused(upload: Upload, wheel: Wheel, alice: User, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, max_description_kb=2)
    response = upload(alice, wheel(metadata="\n" + "x" * 3000))
    assert problems(response)["description.too_long"]["field"] == "description"


def test_every_mistake_of_an_upload_is_told_at_once(upload: Upload, wheel: Wheel, alice: User) -> None:
    response = upload(
        alice,
        wheel(metadata="Home-page: javascript:x\nClassifier: Topic :: Nothing\n"),
        summary="other",
        md5_digest="0" * 32,
        filetype="sdist",
    )
    fields = {problem["field"] for problem in response.json()["problems"]}
    assert fields >= {"home_page", "classifiers", "summary", "md5_digest", "filetype"}


@pytest.mark.parametrize("count", [0, 2])
def test_an_upload_has_exactly_one_file(
    client: Client, auth: Any, alice: User, wheel: Wheel, count: int, nothing_is_stored: Callable[[], bool]
) -> None:
    name, data = wheel()
    sent = [io.BytesIO(data) for _ in range(count)]
    for each in sent:
        each.name = name
    form: dict[str, Any] = {":action": "file_upload", "name": "roundup", "version": "1.0"}
    response = client.post("/legacy/", form | ({"content": sent} if sent else {}), headers=auth(alice))
    assert response.status_code == 400
    assert b"content" in response.content
    assert nothing_is_stored()


def test_a_stranger_does_not_make_us_open_an_archive(
    upload: Upload, wheel: Wheel, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(alice, wheel())
    opened: list[object] = []
    inspect = archive.inspect

    def noted(*args: Any, **words: Any) -> archive.Inspection:
        opened.append(args)
        return inspect(*args, **words)

    monkeypatch.setattr(archive, "inspect", noted)
    response = upload(charlie, wheel(version="2.0"))
    assert (response.status_code, opened) == (403, [])
