"""The simple API as installers read it, by way of Django."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat.spec import simple
from otumat_index.accounts.models import User
from otumat_index.discover import listing
from otumat_index.journal import queries as journal
from otumat_index.publish.models import File, Project

pytestmark = pytest.mark.django_db
Upload = Callable[..., Any]
Wheel = Callable[..., tuple[str, bytes]]
JSON = {"Accept": simple.JSON}


def page(client: Client, name: str = "roundup") -> dict[str, Any]:
    response = client.get(f"/simple/{name}/", headers=JSON)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def links(client: Client, name: str = "roundup") -> list[dict[str, str]]:
    """Attributes of each link of the HTML page."""
    text = client.get(f"/simple/{name}/", headers={"Accept": "text/html"}).content.decode()
    return [
        {key: html.unescape(value) for key, value in re.findall(r'([\w-]+)="([^"]*)"', link)}
        for link in re.findall(r"<a ([^>]*)>", text)
    ]


def api(client: Client, method: str, path: str, headers: dict[str, str], **body: Any) -> Any:
    response = client.generic(
        method, f"/api/v1/project/roundup/{path}", json(body), content_type="application/json", headers=headers
    )
    assert response.status_code == 200, response.content
    return response


def json(body: dict[str, Any]) -> str:
    import json

    return json.dumps(body)


@pytest.mark.parametrize("asked", ["RoundUp", "roundUP", "ROUNDUP"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_PEP503_other_spellings_are_redirected_to_the_normal_one(
    client: Client, upload: Upload, wheel: Wheel, alice: User, asked: str, slash: str
) -> None:
    upload(alice, wheel())
    response = client.get(f"/simple/{asked}{slash}")
    assert response.status_code == 301
    assert client.get(f"/simple/{asked}{slash}", follow=True).request["PATH_INFO"] == "/simple/roundup/"


@pytest.mark.parametrize("asked", ["foo_bar", "foo.bar", "Foo--Bar", "foo-bar"])
def test_PEP503_a_redirect_does_not_say_whether_there_is_such_a_project(client: Client, db: None, asked: str) -> None:
    assert client.get(f"/simple/{asked}").status_code == 301
    assert client.get(f"/simple/{asked}", follow=True).status_code == 404


def test_PEP503_the_list_has_a_slash(client: Client, db: None) -> None:
    response = client.get("/simple")
    assert (response.status_code, response["Location"]) == (301, "simple/")


@pytest.mark.parametrize(
    "name", ["-x-", "a%00b", "%2e%2e", "a%2fb", "..;", "x" * 200, "a b", "%ff", "javascript:alert(1)"]
)
@pytest.mark.parametrize("path", ["/simple/{}/", "/simple/{}", "/pypi/{}/json", "/files/{}", "/files/{}.metadata"])
def test_A77_names_that_are_none_are_not_found(client: Client, db: None, name: str, path: str) -> None:
    assert client.get(path.format(name)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/files/../../etc/passwd",
        "/files/%2e%2e/%2e%2e/etc/passwd",
        "/files/..%2f..%2fetc/passwd",
        "/files//etc/passwd",
        "/files/aa/../../index.sqlite3",
        "/files/aa/bb/..;/x",
        "/files/%00",
        "/files/aa%00/bb.metadata",
        "/simple/../files/",
    ],
)
def test_A77_paths_do_not_lead_out_of_the_store(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        (simple.JSON, simple.JSON),
        (simple.HTML, simple.HTML),
        ("application/vnd.pypi.simple.latest+json", simple.JSON),
        (f"{simple.JSON}, {simple.HTML}; q=0.1, text/html; q=0.01", simple.JSON),  # pip
        (f"{simple.JSON}, {simple.HTML};q=0.2, text/html;q=0.01", simple.JSON),  # uv
        (f"{simple.JSON};q=0.1, text/html", "text/html; charset=utf-8"),
        (f"{simple.JSON};q=0, */*", "text/html; charset=utf-8"),
        ("application/json", None),
        (f"{simple.JSON};q=0", None),
        ("image/png", None),
        ("application/vnd.pypi.simple.v2+json", None),
        (",".join(["a/b"] * 10_000), None),  # A71
        ("*/*;q=nan", None),
        (";;;,,,q=", None),
    ],
)
@pytest.mark.parametrize("path", ["/simple/roundup/", "/simple/"])
def test_PEP691_A71_the_form_is_negotiated(
    client: Client, upload: Upload, wheel: Wheel, alice: User, accept: str | None, kind: str | None, path: str
) -> None:
    upload(alice, wheel())
    response = client.get(path, headers={} if accept is None else {"Accept": accept})
    if kind is None:
        assert response.status_code == 406
    else:
        assert (response.status_code, response["Content-Type"]) == (200, kind)
    assert "Accept" in response["Vary"]


def test_a_page_tells_what_installers_need(client: Client, upload: Upload, wheel: Wheel, alice: User) -> None:
    name, data = wheel(metadata="Requires-Python: >=3.11,<4\n")
    upload(alice, (name, data))
    body = page(client)
    assert body["meta"]["api-version"] == "1.4"
    assert (body["name"], body["versions"]) == ("roundup", ["1.0"])
    file = body["files"][0]
    assert file["filename"] == name
    assert file["hashes"] == {"sha256": hashlib.sha256(data).hexdigest()}
    assert (file["size"], file["requires-python"], file["yanked"]) == (len(data), ">=3.11,<4", False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", file["upload-time"])  # PEP 700
    link = links(client)[0]
    assert link["href"] == f"{file['url']}#sha256={file['hashes']['sha256']}"
    assert link["data-requires-python"] == ">=3.11,<4"


def test_addresses_are_relative_and_lead_to_the_bytes(
    client: Client, upload: Upload, wheel: Wheel, alice: User
) -> None:
    name, data = wheel()
    upload(alice, (name, data))
    url = page(client)["files"][0]["url"]
    assert url.startswith("../../files/")
    response = client.get(url.removeprefix("../.."))
    assert b"".join(response.streaming_content) == data  # type: ignore[attr-defined]
    assert response["Content-Type"] == "application/zip"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["ETag"]


def test_PEP658_PEP714_metadata_is_served_beside_the_file(
    client: Client, upload: Upload, wheel: Wheel, alice: User
) -> None:
    upload(alice, wheel(metadata="Summary: x\n"))
    file = page(client)["files"][0]
    response = client.get(file["url"].removeprefix("../..") + ".metadata")
    assert response.content == bytes(File.objects.get().metadata)
    digest = hashlib.sha256(response.content).hexdigest()
    assert file["core-metadata"] == file["dist-info-metadata"] == {"sha256": digest}
    link = links(client)[0]
    assert link["data-core-metadata"] == link["data-dist-info-metadata"] == f"sha256={digest}"


def test_PEP658_an_old_sdist_offers_no_metadata(client: Client, upload: Upload, alice: User) -> None:
    import io
    import tarfile

    target, info = io.BytesIO(), b"Metadata-Version: 2.1\nName: roundup\nVersion: 1.0\n"
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        member = tarfile.TarInfo("roundup-1.0/PKG-INFO")
        member.size = len(info)
        archive.addfile(member, io.BytesIO(info))
    assert upload(alice, ("roundup-1.0.tar.gz", target.getvalue())).status_code == 200
    file = page(client)["files"][0]
    assert file["core-metadata"] is False
    assert "data-core-metadata" not in links(client)[0]
    assert client.get(file["url"].removeprefix("../..") + ".metadata").status_code == 404


def test_PEP592_a_yanked_release_says_why(client: Client, upload: Upload, wheel: Wheel, alice: User, auth: Any) -> None:
    upload(alice, wheel())
    api(client, "PUT", "1.0/yank", auth(alice), reason='broken <b>"build"</b>')
    assert page(client)["files"][0]["yanked"] == 'broken <b>"build"</b>'
    assert links(client)[0]["data-yanked"] == 'broken <b>"build"</b>'
    raw = client.get("/simple/roundup/").content
    assert b"<b>" not in raw  # A35
    api(client, "DELETE", "1.0/yank", auth(alice))
    assert page(client)["files"][0]["yanked"] is False


def test_PEP592_one_file_is_yanked_without_reason(
    client: Client, upload: Upload, wheel: Wheel, alice: User, auth: Any
) -> None:
    upload(alice, wheel())
    upload(alice, wheel(version="2.0"))
    api(client, "PUT", "file/roundup-1.0-py3-none-any.whl/yank", auth(alice))
    assert [file["yanked"] for file in page(client)["files"]] == [True, False]
    assert [link.get("data-yanked") for link in links(client)] == ["", None]
    api(client, "DELETE", "file/roundup-1.0-py3-none-any.whl/yank", auth(alice))
    assert [file["yanked"] for file in page(client)["files"]] == [False, False]


@pytest.mark.parametrize("status", ["archived", "deprecated", "quarantined"])
def test_PEP792_a_status_is_told_and_quarantine_offers_nothing(
    client: Client, upload: Upload, wheel: Wheel, alice: User, admin: User, auth: Any, status: str
) -> None:
    upload(alice, wheel())
    file = File.objects.get()
    api(client, "PUT", "status", auth(admin), status=status, reason='see <a href="javascript:x">this</a>')
    body = page(client)
    assert body["project-status"] == {"status": status, "reason": 'see <a href="javascript:x">this</a>'}
    raw = client.get("/simple/roundup/").content
    assert f'<meta name="pypi:project-status" content="{status}">'.encode() in raw
    assert b'href="javascript' not in raw
    offered = status != "quarantined"
    assert bool(body["files"]) == bool(links(client)) == offered
    for path in (f"/files/{file.key}", f"/files/{file.key}.metadata"):
        assert client.get(path).status_code == (200 if offered else 404)
    assert bool(client.get("/pypi/roundup/json").json()["urls"]) == offered


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("accept", [simple.JSON, "text/html"])
def test_ETag_and_304(client: Client, upload: Upload, wheel: Wheel, alice: User, method: str, accept: str) -> None:
    upload(alice, wheel())
    file = f"/files/{File.objects.get().key}"
    for path in ("/simple/roundup/", file, f"{file}.metadata", "/simple/"):
        ask = getattr(client, method)
        first = ask(path, headers={"Accept": accept})
        assert first.status_code == 200
        tag = first["ETag"]
        for asked in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = ask(path, headers={"Accept": accept, "If-None-Match": asked})
            assert (again.status_code, again["ETag"]) == (304, tag)
        assert ask(path, headers={"Accept": accept, "If-None-Match": '"other"'}).status_code == 200
    upload(alice, wheel(version="2.0"))
    changed = client.get("/simple/roundup/", headers={"Accept": accept})
    assert changed["ETag"] != tag


def test_A72_odd_ranges_get_the_whole_file(client: Client, upload: Upload, wheel: Wheel, alice: User) -> None:
    name, data = wheel()
    upload(alice, (name, data))
    path = f"/files/{File.objects.get().key}"
    for asked in ("bytes=0-0," * 5000, "bytes=-", "bytes=5-1", "lines=1-2", "bytes=0-1,0-1,0-1", "bytes=" + "9" * 99):
        response = client.get(path, headers={"Range": asked})
        assert response.status_code == 200
        assert b"".join(response.streaming_content) == data  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
@pytest.mark.parametrize("path", ["/simple/", "/simple/roundup/", "/files/aa/x.whl", "/pypi/roundup/json"])
def test_A78_only_get_and_head_read(client: Client, db: None, method: str, path: str) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == 405
    assert set(response["Allow"].split(", ")) == {"GET", "HEAD"}


def test_HEAD_says_what_GET_says(client: Client, upload: Upload, wheel: Wheel, alice: User) -> None:
    upload(alice, wheel())
    file = f"/files/{File.objects.get().key}"
    for path in ("/simple/", "/simple/roundup/", "/pypi/roundup/json", file, f"{file}.metadata"):
        get, head = client.get(path), client.head(path)
        assert (head.status_code, head.getvalue()) == (200, b"")
        assert {**get.headers, "Content-Length": ""} == {**head.headers, "Content-Length": ""}


def test_a_short_list_is_rendered_as_it_is_now(client: Client, upload: Upload, wheel: Wheel, alice: User) -> None:
    for name in ("zebra", "Alpha", "middle"):
        upload(alice, wheel(name))
    response = client.get("/simple/", headers=JSON)
    body = response.json()
    assert [project["name"] for project in body["projects"]] == ["alpha", "middle", "zebra"]
    assert body["meta"]["_last-serial"] == journal.last_serial() == int(response["X-PyPI-Last-Serial"])
    assert body["projects"][0]["_last-serial"] == journal.serial_of("alpha")
    text = client.get("/simple/").content.decode()
    assert re.findall(r'<a href="([^"]*)">', text) == ["alpha/", "middle/", "zebra/"]


def test_a_long_list_comes_from_the_newest_build(
    client: Client, upload: Upload, wheel: Wheel, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(alice, wheel("one"))
    made = listing.build()
    monkeypatch.setattr(listing, "LONG_PROJECTS", 1)
    upload(alice, wheel("two"))
    for accept, packed in (
        (simple.JSON, ""),
        ("text/html", "gzip"),
        (simple.JSON, "gzip;q=0"),
        ("text/html", "br, gzip;q=0.5"),
    ):
        response = client.get("/simple/", headers={"Accept": accept, "Accept-Encoding": packed})
        body = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        assert int(response["X-PyPI-Last-Serial"]) == made.serial
        assert response.get("Content-Encoding") == ("gzip" if packed and packed != "gzip;q=0" else None)
        if "Content-Encoding" in response:
            import gzip

            body = gzip.decompress(body)
        assert b"one" in body
        assert b"two" not in body  # until the next build, a moment later
        again = client.get("/simple/", headers={"Accept": accept, "If-None-Match": response["ETag"]})
        assert again.status_code == 304
    listing.build()
    body = b"".join(client.get("/simple/", headers=JSON).streaming_content)  # type: ignore[attr-defined]
    assert b"two" in body


def test_a_build_under_way_or_cut_short_disturbs_nobody(
    client: Client, upload: Upload, wheel: Wheel, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(alice, wheel())
    listing.build()
    (listing.folder() / "new.99.html.gz").write_bytes(b"half")
    monkeypatch.setattr(listing, "LONG_PROJECTS", 0)
    assert client.get("/simple/").status_code == 200
    upload(alice, wheel(version="2.0"))
    listing.build()
    upload(alice, wheel(version="3.0"))
    newest = listing.build()
    assert len(listing.finished(listing.folder())) == 2
    assert listing.newest() == newest
    assert not (listing.folder() / "new.99.html.gz").exists()


def test_the_list_of_another_database_is_not_taken_for_a_newer_one(db: None) -> None:
    for form in ("json", "html"):
        for ending in ("", ".gz"):
            listing.folder().mkdir(parents=True, exist_ok=True)
            (listing.folder() / f"5000.{form}{ending}").write_bytes(b"old")
    made = listing.build()
    assert listing.newest() == made


def test_the_json_of_a_project(client: Client, upload: Upload, wheel: Wheel, alice: User) -> None:
    upload(alice, wheel(metadata="Summary: first\nProject-URL: Docs, https://example.org/\n"))
    name, data = wheel(version="2.0", metadata="Summary: second\nKeywords: a,b\n")
    upload(alice, (name, data))
    response = client.get("/pypi/Roundup/json")
    body = response.json()
    assert (body["info"]["version"], body["info"]["summary"], body["info"]["keywords"]) == ("2.0", "second", "a,b")
    assert list(body["releases"]) == ["1.0", "2.0"]
    assert body["last_serial"] == journal.serial_of("roundup") == int(response["X-PyPI-Last-Serial"])
    file = body["urls"][0]
    assert file["url"] == f"http://localhost:8000/packages/{File.objects.get(filename=name).key}"
    assert file["digests"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert (file["packagetype"], file["python_version"], file["size"]) == ("bdist_wheel", "py3", len(data))
    old = client.get("/pypi/roundup/1.0.0/json").json()
    assert old["info"]["project_urls"] == {"Docs": "https://example.org/"}
    assert "releases" not in old
    assert client.get("/pypi/roundup/9/json").status_code == 404


def test_the_json_of_a_project_without_releases(client: Client, alice: User, now: Any) -> None:
    Project.objects.create(normalized="bare", name="Bare", confusable="bare", created_at=now, updated_at=now)
    body = client.get("/pypi/bare/json").json()
    assert (body["info"]["name"], body["info"]["version"], body["urls"]) == ("Bare", None, [])
    assert page(client, "bare")["files"] == []


def test_pages_cost_the_same_queries_whatever_the_number_of_files(
    client: Client, upload: Upload, wheel: Wheel, alice: User, django_assert_num_queries: Any
) -> None:
    upload(alice, wheel())
    counts = {}
    for path, queries in (("/simple/roundup/", 5), ("/pypi/roundup/json", 5), ("/simple/", 2)):
        with django_assert_num_queries(queries):
            client.get(path, headers={"Accept": "*/*"})
        counts[path] = queries
    for version in range(2, 9):
        upload(alice, wheel(version=f"{version}.0"))
    for path, queries in counts.items():
        with django_assert_num_queries(queries):
            client.get(path, headers={"Accept": "*/*"})
