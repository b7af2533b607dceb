"""Verifying: the same answer as the real thing, and not a trace (D43, D44)."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.journal.models import Entry
from otumat_index.publish.models import File

pytestmark = pytest.mark.django_db
Upload = Callable[..., Any]
Wheel = Callable[..., tuple[str, bytes]]


# Verifying.


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and folder below, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize("credential", ["token", "password"])
@pytest.mark.parametrize("how", ["verify=1", ":action=verify"])
def test_D43_verifying_leaves_every_table_and_file_as_it_was(
    client: Client,
    auth: Any,
    alice: User,
    wheel: Wheel,
    upload: Upload,
    credential: str,
    how: str,
    tmp_path: Path,
    dump: Callable[[], dict[str, list[Any]]],
) -> None:
    upload(alice, wheel("other"))
    password = base64.b64encode(b"alice:correct horse battery").decode()
    headers = auth(alice) if credential == "token" else {"Authorization": f"Basic {password}"}
    before, lying = dump(), tree(tmp_path)
    name, data = wheel(metadata="Classifier: Environment :: Console\n")
    content = io.BytesIO(data)
    content.name = name
    form: dict[str, Any] = {"name": "roundup", "version": "1.0", "classifiers": "Environment :: Console"}
    if how == "verify=1":
        form |= {":action": "file_upload", "verify": "1", "content": content}
    else:
        form |= {":action": "verify"}
    response = client.post("/legacy/", form, headers={"Accept": "application/json", **headers})
    assert (response.status_code, response.json()["action"]) == (200, "verified"), response.content
    assert dump() == before
    assert tree(tmp_path) == lying


def test_D44_verifying_an_upload_tells_what_an_upload_would(upload: Upload, wheel: Wheel, alice: User) -> None:
    bad = wheel(metadata="Home-page: javascript:x\nClassifier: Topic :: Nothing\n")
    verified = upload(alice, bad, verify="1")
    assert verified.status_code == 400
    assert verified.json() == upload(alice, bad).json()
    upload(alice, wheel(version="3.0"))
    other = wheel(version="3.0", members={"roundup/more.py": b"1"})
    verified = upload(alice, other, verify="1")
    assert verified.status_code == 409
    assert verified.json() == upload(alice, other).json()


def test_an_upload_leaves_one_journal_row(upload: Upload, wheel: Wheel, alice: User) -> None:
    upload(alice, wheel())
    rows = list(Entry.objects.exclude(topic=""))
    assert [(row.action, row.topic, row.actor) for row in rows] == [("file.publish", "roundup", "alice")]
    assert rows[0].data["sha256"] == File.objects.get().sha256
