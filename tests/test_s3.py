"""Files lie in S3 by one URL: clients notice nothing, downloads are redirected, crashes leave nothing behind."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from harness.artifacts import make_sdist, make_wheel, upload_form
from harness.audit import check_journal, check_rows, check_shown
from harness.clients import Home
from harness.objects import SECRET, Bucket, s3_server
from harness.server import Index, basic
from harness.uploaders import Crew
from otumat_index.publish.files import s3_from_url

pytestmark = [pytest.mark.s3, pytest.mark.clients]
CRASHES = 4


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with s3_server(tmp_path_factory.mktemp("s3")) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def index(bucket: Bucket, start_index: Callable[..., Index]) -> Index:
    return start_index(FILES_URL=bucket.files_url("team/files"))


@pytest.fixture(scope="module")
def crew(index: Index) -> Crew:
    return Crew(index, index.token("alice"))


def check_everything(index: Index, bucket: Bucket, crew: Crew) -> None:
    """The catalogue and the bucket agree, and every promise was kept."""
    check_journal(index)
    files = check_rows(index)
    check_shown(index, files)
    assert bucket.digests("team/files") == dict(files.values())
    assert {name for name, sha256 in crew.accepted.items() if files[name][1] != sha256} == set()
    assert list((index.data / "incoming").glob("*")) == []
    assert not (index.data / "files").exists()


def test_twine_uploads_and_installers_are_redirected_to_signed_addresses(
    index: Index, bucket: Bucket, crew: Crew, home: Home
) -> None:
    wheel, sdist = make_wheel("stored"), make_sdist("stored")
    files = [artifact.write(home.folder / "dist") for artifact in (wheel, sdist)]
    line = [
        "twine",
        "upload",
        "--non-interactive",
        "--repository-url",
        index.legacy,
        "-u",
        "__token__",
        "-p",
        crew.token,
    ]
    home.run(*line, *files).ok()
    check_everything(index, bucket, crew)
    path = urlsplit(urljoin(f"{index.simple}stored/", index.files_of("stored")[wheel.filename]["url"])).path
    answer = index.get(path)
    assert answer.status == 302
    assert answer.headers["location"].startswith(f"{bucket.endpoint}/packages/team/files/")
    assert "X-Amz-Signature=" in answer.headers["location"]
    assert SECRET not in answer.headers["location"]
    assert index.get(f"{path}.metadata").status == 200
    home.python("-m", "pip", "download", "-i", index.simple, "stored", "-d", home.folder / "pip").ok()
    assert (home.folder / "pip" / wheel.filename).read_bytes() == wheel.data
    home.run("uv", "pip", "install", "--target", home.folder / "uv", "--index-url", index.simple, "stored").ok()
    assert (home.folder / "uv" / "stored.py").read_text() == "version = '1.0'\n"


def test_the_address_of_a_private_file_is_given_to_those_who_may_see_it(index: Index, crew: Crew) -> None:
    wheel = make_wheel("hidden")
    assert crew.send(wheel)
    path = urlsplit(urljoin(f"{index.simple}hidden/", index.files_of("hidden")[wheel.filename]["url"])).path
    assert index.api("PUT", "/project/hidden/visibility", "alice", is_private=True).status == 200
    assert index.get(path).status == 404
    assert index.request("GET", path, headers=basic("__token__", crew.token)).status == 302
    assert index.api("PUT", "/project/hidden/visibility", "alice", is_private=False).status == 200


def test_a_backup_takes_the_files_out_of_the_bucket_and_a_restore_puts_them_back(
    index: Index, bucket: Bucket, crew: Crew, tmp_path: Path
) -> None:
    assert crew.send(make_wheel("carried"))
    index.command("backup", str(tmp_path / "backup"))
    restored = Index(tmp_path / "data", {"FILES_URL": bucket.files_url("team/restored")})
    try:
        restored.command("restore", str(tmp_path / "backup"))
        assert restored.command("check", "--all") == "Everything is there.\n"
    finally:
        restored.catalogue.drop()
    assert bucket.digests("team/restored") == bucket.digests("team/files")


def test_a_large_object_is_read_by_parts(bucket: Bucket, tmp_path: Path) -> None:
    data = random.Random(16).randbytes(16 << 20)
    (tmp_path / "large").write_bytes(data)
    store = s3_from_url(bucket.files_url("team/large"))
    store.put("ab/cdefghijkl/large", tmp_path / "large")
    parts = list(store.chunks("ab/cdefghijkl/large"))
    assert b"".join(parts) == data
    assert max(map(len, parts)) <= 4 << 20
    assert store.size_bytes("ab/cdefghijkl/large") == len(data)
    with pytest.raises(FileNotFoundError):
        store.size_bytes("ab/cdefghijkl/lost")
    with pytest.raises(FileNotFoundError):
        next(store.chunks("ab/cdefghijkl/lost"))


def test_kill_9_leaves_no_object_without_a_row(index: Index, bucket: Bucket, crew: Crew) -> None:
    moments = random.Random(22)
    for _ in range(CRASHES):
        with crew.at_work():
            time.sleep(moments.uniform(0, 0.4))
            index.kill()
        index.start()
        check_everything(index, bucket, crew)
    assert crew.broken >= CRASHES


def test_an_upload_that_loses_leaves_no_object(index: Index, bucket: Bucket, crew: Crew) -> None:
    assert crew.send(make_wheel("taken"))
    body, headers = upload_form(make_wheel("taken", members={"more.py": b"x = 1\n"}))
    assert index.request("POST", "/legacy/", body, headers | basic("__token__", crew.token)).status == 409
    check_everything(index, bucket, crew)


def test_the_secret_stands_in_no_log(index: Index) -> None:
    assert SECRET not in index.log.read_text("utf-8")
    index.stop_cleanly()
