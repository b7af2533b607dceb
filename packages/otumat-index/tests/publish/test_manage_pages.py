"""The pages to publish and manage by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from otumat.spec.metadata import FIELDS
from otumat_index.accounts.models import User
from otumat_index.journal.models import Entry
from otumat_index.publish import manage_forms as forms
from otumat_index.publish.models import File, Project, Release, Role

pytestmark = pytest.mark.django_db
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def roundup(submit: Any, alice: User, bob: User) -> Project:
    """Alice's project with two releases; Bob maintains it."""
    for version in ("1.0", "2.0"):
        submit(alice, version=version, summary="An issue tracker")
    project = Project.objects.get()
    Role.objects.create(project=project, user=bob, kind="maintainer", granted_at=project.created_at)
    return project


def test_D19_a_form_registers_a_release(client: Client, alice: User) -> None:
    client.force_login(alice)
    typed = {
        "name": "Roundup",
        "version": "1.0",
        "summary": "An issue tracker",
        "keywords": "bugs, issues",
        "classifiers": "Topic :: Internet\r\nTyping :: Typed\r\n",
        "project_urls": "Docs, https://docs.example.org/\r\n",
        "description": "One\r\n\r\ntwo",
        "requires_dist": "attrs>=20\r\n\r\nrich; extra == 'x'",
        "provides_extra": "x",
    }
    response = client.post("/manage/submit/", typed)
    assert (response.status_code, response["Location"]) == (302, "/project/roundup/")
    release = Release.objects.get()
    assert release.classifiers == ["Topic :: Internet", "Typing :: Typed"]
    assert release.project_urls == [["Docs", "https://docs.example.org/"]]
    assert release.keywords == ["bugs", "issues"]
    assert release.description == "One\n\ntwo"
    assert len(release.requires_dist) == 2
    assert "Roundup 1.0 is registered." in client.get("/project/roundup/").content.decode()
    assert Entry.objects.filter(action="release.create", credential="session").count() == 1


def test_all_problems_stand_beside_their_fields_and_nothing_typed_is_lost(client: Client, alice: User) -> None:
    client.force_login(alice)
    typed = {
        "name": "",
        "version": "not a version",
        "summary": "Kept <b>as typed</b>",
        "classifiers": "Environment :: Console (Text Based)",
        "home_page": "javascript:alert(1)",
        "requires_python": "three",
    }
    response = client.post("/manage/submit/", typed)
    page = response.content.decode()
    assert response.status_code == 400
    for field in ("name", "version", "classifiers", "home_page", "requires_python"):
        assert f'id="{field}-problems"' in page
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page)
    assert "Environment :: Console" in page
    assert "Kept &lt;b&gt;as typed&lt;/b&gt;" in page
    assert 'value="not a version"' in page
    assert not Project.objects.exists()


def test_D43_verify_only_writes_nothing(client: Client, alice: User) -> None:
    client.force_login(alice)
    before = Entry.objects.count()
    page = client.post("/manage/submit/", {"name": "roundup", "version": "1.0", "verify": "1"}).content.decode()
    assert "This would be accepted." in page
    assert 'value="roundup"' in page
    assert not Project.objects.exists()
    assert Entry.objects.count() == before


def test_an_entry_is_edited_without_losing_a_field(client: Client, roundup: Project, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/manage/submit/?name=roundup&version=1.0").content.decode()
    assert 'value="An issue tracker"' in page
    assert 'value="1.0"' in page


def test_what_is_stored_comes_back_from_the_form_unchanged(submit: Any, alice: User) -> None:
    submit(
        alice,
        metadata_version="2.5",
        description="Two\n\nlines",
        keywords="a,b",
        project_urls=["Docs, https://docs.example.org/", "Code, https://code.example.org/"],
        classifiers=["Topic :: Internet"],
        requires_dist=["attrs>=20"],
        import_name=["roundup"],
    )
    release = Release.objects.get()
    texts = forms.stored(release)
    from otumat.spec import metadata as spec

    again, problems = spec.from_form(forms.pairs(texts))
    assert problems == []
    for field in FIELDS:
        if field.attribute not in ("name", "version"):
            stored = getattr(release, field.attribute)
            sent = getattr(again, field.attribute)
            assert [list(each) if isinstance(each, tuple) else each for each in sent] == list(stored)


def test_every_field_has_an_input() -> None:
    shown = [*forms.FIRST, *forms.SECOND, *forms.others()]
    assert sorted([*shown, *forms.NOT_ASKED]) == sorted(field.attribute for field in FIELDS)


def test_D34_the_form_refuses_the_project_of_another(client: Client, roundup: Project, charlie: User) -> None:
    client.force_login(charlie)
    response = client.post("/manage/submit/", {"name": "roundup", "version": "3.0"})
    assert response.status_code == 403
    assert "may not submit information" in response.content.decode()
    assert Release.objects.count() == 2


PAGES = ["/manage/submit/", "/manage/project/roundup/", "/manage/project/roundup/file/x.whl/remove"]
ACTS = ["yank", "status", "visibility", "role", "role/remove", "file/remove"]


@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_asked_to_sign_in(client: Client, roundup: Project, path: str) -> None:
    assert client.get(path)["Location"].startswith("/account/login/?next=/manage/")


@pytest.mark.parametrize("act", ACTS)
def test_A46_acts_need_a_post_a_login_and_a_role(client: Client, roundup: Project, charlie: User, act: str) -> None:
    path, form = (
        f"/manage/project/roundup/{act}",
        {"version": "1.0", "status": "archived", "user": "bob", "role": "owner"},
    )
    before = Entry.objects.count()
    assert client.post(path, form)["Location"].startswith("/account/login/")
    client.force_login(charlie)
    assert client.get(path).status_code == 405
    assert client.post(path, form, headers=BROWSER).status_code == 403
    assert Entry.objects.count() == before


@pytest.mark.parametrize("act", ["status", "visibility", "role", "role/remove", "file/remove"])
def test_D33_a_maintainer_may_yank_but_not_manage(client: Client, roundup: Project, bob: User, act: str) -> None:
    client.force_login(bob)
    page = client.get("/manage/project/roundup/").content.decode()
    assert "Roles" not in page
    form = {"status": "archived", "user": "alice", "role": "reader", "filename": "x", "again": "x"}
    assert client.post(f"/manage/project/roundup/{act}", form).status_code == 403
    yanked = client.post("/manage/project/roundup/yank", {"version": "1.0", "reason": "Broken"})
    assert yanked.status_code == 302
    assert Release.objects.get(version="1.0").yank_reason == "Broken"


@pytest.mark.parametrize("act", ACTS)
def test_A49_acts_need_the_forms_secret(roundup: Project, alice: User, act: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(f"/manage/project/roundup/{act}", {"version": "1.0"}).status_code == 403


def test_an_owner_yanks_and_takes_it_back(client: Client, roundup: Project, alice: User) -> None:
    client.force_login(alice)
    client.post("/manage/project/roundup/yank", {"version": "2.0", "reason": "<b>"})
    assert "&lt;b&gt;" in client.get("/manage/project/roundup/").content.decode()
    client.post("/manage/project/roundup/yank", {"version": "2.0", "undo": "1"})
    assert not Release.objects.filter(is_yanked=True).exists()


def test_what_goes_wrong_is_told_on_the_page(client: Client, roundup: Project, alice: User) -> None:
    client.force_login(alice)
    told = {
        ("role", "user=nobody&role=owner"): (404, "There is no account"),
        ("role", "user=bob&role=king"): (400, "is no role"),
        ("role/remove", "user=alice"): (409, "last owner"),
        ("yank", "version=9"): (404, "has no release"),
        ("yank", "version=1.0&reason=" + "x" * 501): (400, "500 are kept"),
        ("status", "status=lost"): (400, "is no project status"),
        ("status", "status=quarantined"): (403, "Only an admin"),
    }
    for (act, query), (status, words) in told.items():
        response = client.post(
            f"/manage/project/roundup/{act}", query, content_type="application/x-www-form-urlencoded"
        )
        assert response.status_code == status, act
        assert words in response.content.decode(), act


def test_D32_an_owner_changes_and_removes_roles(client: Client, roundup: Project, alice: User, bob: User) -> None:
    client.force_login(alice)
    client.post("/manage/project/roundup/role", {"user": "Bob", "role": "reader"})
    assert Role.objects.get(user=bob).kind == "reader"
    client.post("/manage/project/roundup/role/remove", {"user": "bob"})
    assert not Role.objects.filter(user=bob).exists()


def test_visibility_and_status_are_set(client: Client, roundup: Project, alice: User) -> None:
    client.force_login(alice)
    client.post("/manage/project/roundup/visibility", {"visibility": "private"})
    client.post("/manage/project/roundup/status", {"status": "archived", "reason": "Done"})
    roundup.refresh_from_db()
    assert (roundup.is_private, roundup.status, roundup.status_reason) == (True, "archived", "Done")


def test_a_file_goes_only_after_its_name_was_typed(client: Client, upload: Any, wheel: Any, alice: User) -> None:
    upload(alice, wheel())
    filename = File.objects.get().filename
    client.force_login(alice)
    assert filename in client.get(f"/manage/project/roundup/file/{filename}/remove").content.decode()
    refused = client.post("/manage/project/roundup/file/remove", {"filename": filename, "again": "oops"})
    assert refused.status_code == 400
    assert File.objects.exists()
    client.post("/manage/project/roundup/file/remove", {"filename": filename, "again": filename})
    assert not File.objects.exists()


def test_A86_a_private_project_is_not_there_for_strangers(client: Client, roundup: Project, charlie: User) -> None:
    Project.objects.update(is_private=True)
    client.force_login(charlie)
    for path in ("/manage/project/roundup/", "/manage/project/nothing/"):
        assert client.get(path, headers=BROWSER).status_code == 404
    page = client.get("/manage/submit/?name=roundup&version=1.0").content.decode()
    assert "An issue tracker" not in page


def test_the_page_asks_few_questions(
    client: Client, roundup: Project, alice: User, django_assert_max_num_queries: Any
) -> None:
    client.force_login(alice)
    with django_assert_max_num_queries(12):
        client.get("/manage/project/roundup/")
