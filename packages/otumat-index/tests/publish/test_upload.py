"""Uploads on `/legacy/`: what is taken, and what a second upload does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.publish import files
from otumat_index.publish.models import File, Release, Role

pytestmark = pytest.mark.django_db
Upload = Callable[..., Any]
Wheel = Callable[..., tuple[str, bytes]]


def problems(response: Any) -> dict[str, dict[str, Any]]:
    return {problem["code"]: problem for problem in response.json()["problems"]}


# What is taken.


def test_a_wheel_makes_project_release_and_file(upload: Upload, wheel: Wheel, alice: User) -> None:
    name, data = wheel(metadata="Summary: An issue tracker\nRequires-Python: >=3.11\n")
    response = upload(alice, (name, data))
    assert (response.status_code, response.json()["action"]) == (200, "created")
    file = File.objects.select_related("release__project").get()
    assert (file.filename, file.kind, file.size_bytes) == (name, "wheel", len(data))
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert file.md5 == hashlib.md5(data).hexdigest()
    assert file.blake2_256 == hashlib.blake2b(data, digest_size=32).hexdigest()
    assert (file.requires_python, file.uploaded_by, file.python_tag) == (">=3.11", "alice", "py3")
    assert file.release.summary == "An issue tracker"
    assert file.release.project.latest == file.release
    assert files.store().read(file.key) == data
    assert bytes(file.metadata).startswith(b"Metadata-Version: 2.4\nName: roundup\n")
    assert file.metadata_sha256 == hashlib.sha256(bytes(file.metadata)).hexdigest()
    assert [(role.user, role.kind) for role in Role.objects.all()] == [(alice, "owner")]


def test_an_sdist_is_taken(upload: Upload, alice: User, sdist: Wheel) -> None:
    response = upload(alice, sdist(metadata="Summary: x\n"))
    assert response.status_code == 200, response.content
    file = File.objects.get()
    assert (file.kind, file.python_tag, bool(file.metadata_sha256)) == ("sdist", "", True)


def test_PEP658_metadata_of_an_sdist_is_served_from_2_2_only(upload: Upload, alice: User, sdist: Wheel) -> None:
    assert upload(alice, sdist(metadata_version="2.1")).status_code == 200
    assert File.objects.get().metadata_sha256 == ""


@pytest.mark.parametrize(
    "tag",
    [
        "py3-none-any",
        "py2.py3-none-any",
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp312-abi3-win_arm64",
        "cp313-cp313t-macosx_11_0_universal2",
        "pp310-pypy310_pp73-musllinux_1_2_aarch64",
        "py3-none-linux_x86_64",  # no public index takes it; this one is somebody's own
    ],
)
def test_every_tag_is_taken(upload: Upload, tagged: Any, alice: User, tag: str) -> None:
    response = upload(alice, tagged(tag))
    assert response.status_code == 200, response.content
    assert File.objects.get().filename == f"roundup-1.0-{tag}.whl"


def test_a_local_version_is_taken_with_a_warning(upload: Upload, wheel: Wheel, alice: User) -> None:
    response = upload(alice, wheel(version="1.0+site.3"))
    assert response.status_code == 200, response.content
    assert problems(response)["version.local"]["severity"] == "warning"
    assert Release.objects.get().version == "1.0+site.3"


def test_several_files_make_one_release(upload: Upload, wheel: Wheel, alice: User, sdist: Wheel, tagged: Any) -> None:
    for file in (wheel(), tagged("cp311-cp311-win_amd64"), sdist()):
        assert upload(alice, file).status_code == 200
    assert Release.objects.get().files.count() == 3


def test_the_first_file_sets_the_entry_and_later_ones_leave_it(upload: Upload, wheel: Wheel, alice: User) -> None:
    upload(alice, wheel(metadata="Summary: first\n"))
    other = wheel(metadata="Summary: second\n", members={"roundup/more.py": b"y = 2\n"})
    response = upload(alice, (other[0].replace("py3-none-any", "2-py3-none-any"), other[1]))
    assert response.status_code == 200, response.content
    assert Release.objects.get().summary == "first"


def test_a_file_sets_the_entry_that_metadata_alone_had_made(
    submit: Any, upload: Upload, wheel: Wheel, alice: User
) -> None:
    submit(alice, summary="by form", author="R. Jones")
    upload(alice, wheel(metadata="Summary: by file\n"))
    release = Release.objects.get()
    assert (release.summary, release.author, release.files.count()) == ("by file", "", 1)


def test_a_later_submit_replaces_the_entry_but_not_what_installers_get(
    submit: Any, upload: Upload, wheel: Wheel, alice: User
) -> None:
    upload(alice, wheel(metadata="Requires-Python: >=3.11\n"))
    before = bytes(File.objects.get().metadata)
    submit(alice, requires_python=">=3.13", summary="new")
    file = File.objects.select_related("release").get()
    assert (file.release.summary, file.release.requires_python) == ("new", ">=3.13")
    assert (file.requires_python, bytes(file.metadata)) == (">=3.11", before)


def test_description_and_its_type_come_from_the_file(upload: Upload, wheel: Wheel, alice: User) -> None:
    metadata = (
        "Description-Content-Type: text/markdown; charset=UTF-8; variant=GFM\n\n# Roundup\n\nAn *issue* tracker.\n"
    )
    assert upload(alice, wheel(metadata=metadata)).status_code == 200
    release = Release.objects.get()
    assert release.description_content_type == "text/markdown; charset=UTF-8; variant=GFM"
    assert release.description.strip() == "# Roundup\n\nAn *issue* tracker."


def test_metadata_2_5_fields_are_kept(upload: Upload, wheel: Wheel, alice: User, rebuilt: Any) -> None:
    file = wheel(metadata="Import-Name: roundup\nImport-Name: roundup._core; private\nImport-Namespace: issues\n")
    response = upload(alice, rebuilt(file, b"Metadata-Version: 2.4", b"Metadata-Version: 2.5"))
    assert response.status_code == 200, response.content
    release = Release.objects.get()
    assert release.import_names == ["roundup", "roundup._core; private"]
    assert (release.import_namespaces, release.metadata_version) == (["issues"], "2.5")


def test_the_longest_file_name_has_room_on_disk(upload: Upload, wheel: Wheel, alice: User) -> None:
    spare = 240 - len("roundup-1.0--py3-none-any.whl")
    data = wheel()[1]
    long = f"roundup-1.0-1{'x' * (spare - 1)}-py3-none-any.whl"
    assert len(long) == 240
    response = upload(alice, (long, data))
    assert response.status_code == 200, response.content
    assert files.store().read(File.objects.get().key) == data


# Again, and other bytes.


def test_the_same_file_again_is_no_error_and_changes_nothing(
    upload: Upload, wheel: Wheel, alice: User, dump: Callable[[], dict[str, list[Any]]]
) -> None:
    upload(alice, wheel())
    before = dump()
    response = upload(alice, wheel())
    assert (response.status_code, response.json()["action"]) == (200, "unchanged")
    assert [table for table, rows in dump().items() if rows != before[table]] == TOKEN_TABLES


TOKEN_TABLES = ["accounts_token", "journal_entry", "journal_head"]
"""What the token that the fixture makes for each call writes."""


def test_other_bytes_under_a_used_name_are_refused(upload: Upload, wheel: Wheel, alice: User) -> None:
    upload(alice, wheel())
    response = upload(alice, wheel(members={"roundup/evil.py": b"boom\n"}))
    assert (response.status_code, response.json()["error"]["code"]) == (409, "file_exists")
    assert response.json()["error"]["message"].startswith("File already exists")
    assert response.reason_phrase.startswith("File already exists")  # all that twine looks at
    assert File.objects.count() == 1


def test_A64_a_removed_name_never_comes_back(
    upload: Upload, wheel: Wheel, alice: User, client: Client, auth: Any
) -> None:
    name, data = wheel()
    upload(alice, (name, data))
    path = files.store().local_path(File.objects.get().key)
    assert path is not None
    assert path.exists()
    assert client.delete(f"/api/v1/project/roundup/file/{name}", headers=auth(alice)).status_code == 200
    assert not path.exists()
    for file in ((name, data), wheel(members={"roundup/evil.py": b"boom\n"})):
        response = upload(alice, file)
        assert (response.status_code, response.json()["error"]["code"]) == (409, "file_exists")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("roundup-1.0-py3-none-any.whl", "roundup-1.0.0-py3-none-any.whl"),
        ("roundup-1.0-py3-none-any.whl", "Roundup-1.0-py3-none-any.whl"),
        ("roundup-1.0-py2.py3-none-any.whl", "roundup-1.0-py3.py2-none-any.whl"),
    ],
)
def test_A24_another_spelling_of_a_file_name_is_the_same_name(
    upload: Upload, tagged: Any, alice: User, first: str, second: str
) -> None:
    data = tagged("py2.py3-none-any" if "py2" in first else "py3-none-any")[1]
    assert upload(alice, (first, data)).status_code == 200
    response = upload(alice, (second, data), name="roundup", version="1.0")
    assert response.status_code == 409, response.content
    assert File.objects.count() == 1


def test_A24_a_release_has_one_sdist(upload: Upload, alice: User, sdist: Wheel) -> None:
    assert upload(alice, sdist()).status_code == 200
    response = upload(alice, sdist(version="1.0.0"))
    assert response.status_code == 409
    assert File.objects.count() == 1


def test_A24_trailing_zeros_are_one_release_and_post_releases_are_another(
    upload: Upload, wheel: Wheel, alice: User, sdist: Wheel
) -> None:
    for file in (
        wheel(version="1.0"),
        sdist(version="1.0.0"),
        wheel(version="1.0.0.post0"),
        wheel(version="1!1.0"),
    ):
        response = upload(alice, file)
        assert response.status_code == 200, response.content
    assert list(Release.objects.order_by("sort_key").values_list("version", flat=True)) == [
        "1.0",
        "1.0.0.post0",
        "1!1.0",
    ]
