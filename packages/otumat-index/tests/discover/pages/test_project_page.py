"""The page of a project: everything said of it, as text that does nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from otumat.spec.metadata import FIELDS
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover.pages import project as pages
from otumat_index.journal.actor import Actor, command
from otumat_index.publish import actions
from otumat_index.publish.models import File, Project, Release

pytestmark = pytest.mark.django_db
Register = Callable[..., Project]


@pytest.fixture
def by(alice: User) -> Actor:
    return of_user(alice, "session")


def page_of(client: Client, path: str = "/project/roundup/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


EVERYTHING = {
    "metadata_version": "2.5",
    "summary": "An issue tracker",
    "description": "Long words",
    "description_content_type": "text/plain",
    "keywords": "bugs,issues",
    "home_page": "https://example.org/home",
    "download_url": "https://example.org/get",
    "author": "Ada Author",
    "author_email": "ada@example.org",
    "maintainer": "Max Maintainer",
    "maintainer_email": "max@example.org",
    "license_expression": "MIT",
    "license_file": ["LICENCE.rare"],
    "classifiers": ["Topic :: Internet"],
    "platform": ["BeOS"],
    "supported_platform": ["rare-platform"],
    "requires_dist": ["attrs>=20"],
    "requires_python": ">=3.11",
    "requires_external": ["rarelib (>=2)"],
    "project_urls": ["Docs, https://docs.example.org/"],
    "provides_extra": ["rare-extra"],
    "provides_dist": ["rare-provided"],
    "obsoletes_dist": ["rare-obsolete"],
    "import_name": ["rare_import"],
    "import_namespace": ["rare_namespace"],
}


def test_D16_every_field_is_shown(client: Client, register: Register) -> None:
    register("roundup", "1.0", **EVERYTHING)
    text = text_of(page_of(client))
    headers = {field.header for field in FIELDS} - {"Name", "Version", "Summary", "Description", "Classifier"}
    for field in FIELDS:
        if field.form in EVERYTHING and field.header in headers:
            assert field.header in text
    for shown in (
        "An issue tracker",
        "Long words",
        "bugs, issues",
        "Ada Author",
        "max@example.org",
        "MIT",
        "LICENCE.rare",
    ):
        assert shown in text
    for shown in ("BeOS", "rare-platform", "attrs&gt;=20", "rarelib", "rare-extra", "rare-provided", "rare-obsolete"):
        assert shown in text
    assert "rare_import" in text
    assert "rare_namespace" in text


def test_D17_A31_markup_in_any_field_is_text(client: Client, register: Register) -> None:
    hostile = '"><script>alert(1)</script>'
    project = register("roundup")
    values: dict[str, Any] = {}
    for field in FIELDS:
        if field.attribute in ("name", "version", "metadata_version"):
            continue
        value: Any = [[hostile, hostile]] if field.kind == "urls" else [hostile] if field.multiple else hostile
        values[field.attribute] = value
    Release.objects.filter(project=project).update(**values, yank_reason=hostile, is_yanked=True)
    Project.objects.filter(pk=project.pk).update(status="archived", status_reason=hostile)
    page = page_of(client)
    assert "<script>alert" not in page
    assert '""><' not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= len(values)


@pytest.mark.parametrize(
    ("url", "is_linked"),
    [
        ("https://example.org/", True),
        ("http://example.org/", True),
        ("ftp://example.org/x", True),
        ("mailto:ada@example.org", True),
        ("HTTPS://example.org/", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\tscript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org", False),
        ("/account/logout/", False),
        ("http:", False),
        ("http://[", False),
        ("https://example.org/\u202egpj.exe", False),
        ("", False),
    ],
)
def test_D18_only_web_and_mail_addresses_are_links(url: str, is_linked: bool) -> None:
    assert bool(pages.safe_href(url)) is is_linked


def test_D18_links_to_strangers_are_marked(client: Client, register: Register) -> None:
    register("roundup", home_page="https://example.org/home", project_urls=["Docs, https://docs.example.org/"])
    for url in ("https://example.org/home", "https://docs.example.org/"):
        tags = re.findall(rf'<a href="{re.escape(url)}"[^>]*>', page_of(client))
        assert tags
        assert all('rel="nofollow noopener"' in tag for tag in tags)


def test_install_commands_name_this_index(client: Client, upload: Any, alice: User, wheel: Any) -> None:
    for version in ("1.0", "2.0"):
        assert upload(alice, wheel("roundup", version)).status_code == 200
    newest, older = text_of(page_of(client)), text_of(page_of(client, "/project/roundup/1.0/"))
    assert "pip install --index-url http://localhost:8000/simple/ roundup Copy" in newest
    assert "uv pip install --default-index http://localhost:8000/simple/ roundup Copy" in newest
    assert "pip install --index-url http://localhost:8000/simple/ roundup==1.0 Copy" in older
    assert "The current release is roundup 2.0" in older
    assert "The current release is" not in newest


def test_D02_metadata_alone_says_so(client: Client, register: Register, alice: User) -> None:
    register("roundup")
    page = text_of(page_of(client))
    assert "No files: registered information only." in page
    assert "pip install" not in page
    client.force_login(alice)
    assert "otumat publish dist/* --index http://localhost:8000" in text_of(page_of(client))


def test_where_the_newest_release_has_no_files_the_page_says_what_installers_get(
    client: Client, upload: Any, alice: User, wheel: Any, register: Register
) -> None:
    upload(alice, wheel("roundup", "1.0"))
    register("roundup", "2.0")
    text = text_of(page_of(client))
    assert "Installers get 1.0 , the newest release with files." in text
    assert "/simple/ roundup Copy" in text


def test_files_are_listed_with_what_one_needs_to_check_them(
    client: Client, upload: Any, alice: User, wheel: Any
) -> None:
    upload(alice, wheel(metadata="Requires-Python: >=3.9\n"))
    file, page = File.objects.get(), page_of(client)
    for shown in (file.filename, file.sha256, "&gt;=3.9", "by alice", "bytes"):
        assert shown in page
    link = re.search(r'<a class="name" href="(/files/[^"]+)"', page)
    assert link is not None
    response = client.get(link[1])
    assert response.status_code == 200
    assert b"".join(response.streaming_content).startswith(b"PK")  # type: ignore[attr-defined]


def test_where_entry_and_file_differ_both_are_shown(
    client: Client, upload: Any, alice: User, wheel: Any, register: Register
) -> None:
    upload(alice, wheel(metadata="Summary: As built\nRequires-Python: >=3.9\nAuthor: Ada\n"))
    assert "The file says" not in page_of(client)
    register("roundup", "1.0", summary="As told", requires_python=">=3.12", author="Ada")
    text = text_of(page_of(client))
    assert "&gt;=3.12 The file says: &gt;=3.9" in text
    assert "As told The file says: As built" in text
    assert text.count("The file says") == 2


def test_A35_a_yanked_release_says_why(client: Client, register: Register, by: Actor, now: datetime) -> None:
    project = register("roundup", "1.0")
    register("roundup", "2.0")
    actions.yank_release(project, "2.0", reason="<b>Broken</b>", by=by, at=now)
    page = page_of(client, "/project/roundup/2.0/")
    assert "This release was yanked." in page
    assert "&lt;b&gt;Broken&lt;/b&gt;" in page
    assert '<span class="number">1.0</span>' in page_of(client)


@pytest.mark.parametrize("status", ["archived", "deprecated", "quarantined"])
def test_a_status_is_told_with_its_reason(client: Client, register: Register, status: str) -> None:
    project = register("roundup")
    Project.objects.filter(pk=project.pk).update(status=status, status_reason="For a reason")
    page = text_of(page_of(client))
    assert status in page or "quarantine" in page
    assert "Reason: For a reason" in page


def test_files_in_quarantine_have_no_link(client: Client, upload: Any, alice: User, wheel: Any) -> None:
    upload(alice, wheel())
    Project.objects.update(status="quarantined")
    page = page_of(client)
    assert 'href="/files/' not in page
    assert "pip install" not in text_of(page)


def test_the_history_lists_releases_newest_first(client: Client, register: Register) -> None:
    for version in ("1.9", "1.10", "2.0rc1"):
        register("roundup", version)
    page = page_of(client)
    order = [page.index(f'<a href="/project/roundup/{version}/">') for version in ("2.0rc1", "1.10", "1.9")]
    assert order == sorted(order)
    assert "pre-release" in page


def test_people_who_may_publish_and_their_changes_are_named(
    client: Client, register: Register, bob: User, charlie: User, by: Actor, now: datetime
) -> None:
    project = register("roundup")
    actions.assign_role(project, bob, "maintainer", by=command(), at=now)
    actions.assign_role(project, charlie, "reader", by=command(), at=now)
    text = text_of(page_of(client))
    assert "alice owner bob maintainer" in text
    assert "an operator made bob maintainer" in text
    assert "alice registered roundup 1.0" in text
    assert "charlie" not in text


def test_the_description_is_one_click_away_as_written(client: Client, register: Register) -> None:
    register("roundup", description="<b>*as written*</b>", description_content_type="text/markdown")
    assert "<em>as written</em>" in page_of(client)
    response = client.get("/project/roundup/1.0/description.txt")
    assert response.content.decode() == "<b>*as written*</b>"
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_other_spellings_lead_to_the_same_page(client: Client, register: Register) -> None:
    register("Foo.Bar", "1.0")
    response = client.get("/project/Foo_Bar/")
    assert (response.status_code, response["Location"]) == (301, "/project/foo-bar/")
    assert client.get("/project/foo-bar/1.0.0/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/project/nobody/", "/project/roundup/9/", "/project/%0d%0ax/", "/project/roundup/9/description.txt"]
)
def test_what_is_not_there_is_not_found(client: Client, register: Register, path: str) -> None:
    register("roundup")
    assert client.get(path).status_code == 404


def test_A86_a_private_project_shows_to_holders_of_a_role_alone(
    client: Client, register: Register, auth: Any, alice: User, bob: User, charlie: User, by: Actor, now: datetime
) -> None:
    project = register("roundup", is_private=True)
    actions.assign_role(project, bob, "reader", by=command(), at=now)
    browser = {"Accept": "text/html"}
    for path in ("/project/roundup/", "/project/roundup/1.0/", "/project/roundup/1.0/description.txt"):
        hidden = client.get(path, headers=browser)
        assert hidden.status_code == 404
        missing = client.get(path.replace("roundup", "nothing"), headers=browser)
        assert hidden.content.replace(b"roundup", b"nothing") == missing.content
        assert client.get(path, headers={**browser, **auth(charlie)}).status_code == 404
        shown = client.get(path, headers=auth(bob))
        assert shown.status_code == 200
        assert shown["Cache-Control"] == "private, no-store"
    client.force_login(alice)
    assert client.get("/project/roundup/")["Cache-Control"] == "private, no-store"


def test_the_page_asks_at_most_twelve_questions(
    client: Client, upload: Any, alice: User, wheel: Any, django_assert_max_num_queries: Any
) -> None:
    for version in ("1.0", "2.0"):
        upload(alice, wheel("roundup", version))
    client.force_login(alice)
    with django_assert_max_num_queries(12):
        page_of(client, "/project/roundup/1.0/")


def test_a_project_with_a_thousand_of_everything_shows_the_first_and_a_way_to_all(
    client: Client, register: Register, now: datetime, django_assert_max_num_queries: Any
) -> None:
    project = register("roundup", "1.0")
    release = project.releases.get()
    stamps = {"created_at": now, "updated_at": now}
    Release.objects.bulk_create(
        Release(project=project, version=f"0.{n}", canonical=f"0.{n}", sort_key=f"{n:04}", **stamps)
        for n in range(1000)
    )
    File.objects.bulk_create(
        File(
            release=release,
            filename=f"roundup-1.0-{n}-py3-none-any.whl",
            kind="wheel",
            size_bytes=n,
            sha256=f"{n:064}",
            key=f"key/{n}",
            uploaded_at=now + timedelta(seconds=n),
            uploaded_by="alice",
        )
        for n in range(1000)
    )
    with django_assert_max_num_queries(12):
        page = page_of(client)
    assert page.count('class="name"') == pages.FILES_SHOWN
    assert page.count("/project/roundup/0.") == pages.RELEASES_SHOWN - 1  # and 1.0 itself
    everything = page_of(client, "/project/roundup/1.0/?files=all&releases=all")
    assert everything.count('class="name"') == 1000
    assert everything.count("/project/roundup/0.") == 1000


def test_versions_of_any_spelling_have_an_address() -> None:
    assert pages.url_of(Project(normalized="x"), "1/2 ?#") == "/project/x/1%2F2%20%3F%23/"
