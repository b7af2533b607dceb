"""Attacks by names and fields: A24 to A29, A62, and what a refusal may tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.publish import actions, queries
from otumat_index.publish.models import Project, Release

pytestmark = pytest.mark.django_db
Submit = Callable[..., Any]
Upload = Callable[..., Any]
Wheel = Callable[..., tuple[str, bytes]]


def codes(response: Any) -> set[str]:
    return {problem["code"] for problem in response.json()["problems"]} | {response.json()["error"]["code"]}


def make_private(name: str, by: User, now: Any) -> None:
    from otumat_index.accounts.credentials import of_user

    actor = of_user(by, "session")
    actions.set_visibility(queries.project(name, by=actor), is_private=True, by=actor, at=now)


@pytest.mark.parametrize("other", ["Foo.Bar", "foo-bar", "foo__bar", "FOO.-_bar"])
def test_A25_spellings_of_one_name_are_one_project(submit: Submit, alice: User, charlie: User, other: str) -> None:
    submit(alice, name="foo_bar")
    response = submit(charlie, name=other)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "role")
    assert submit(alice, name=other).json()["action"] == "updated"
    assert Project.objects.count() == 1


@pytest.mark.parametrize("other", ["p1llow", "pi1low", "PIIIow", "pil-low", "p.i.l.l.o.w", "pill0w"])
def test_A25_names_that_look_alike_cannot_both_be_claimed(
    submit: Submit, alice: User, charlie: User, other: str
) -> None:
    submit(alice, name="Pillow")
    response = submit(charlie, name=other)
    assert response.status_code == 400
    assert "name.confusable" in codes(response)
    assert "'Pillow'" in response.json()["problems"][0]["message"]
    assert Project.objects.count() == 1


@pytest.mark.parametrize("other", ["p1llow", "pi1low"])
def test_A25_uploads_are_held_to_the_same(upload: Upload, wheel: Wheel, alice: User, charlie: User, other: str) -> None:
    upload(alice, wheel("pillow"))
    response = upload(charlie, wheel(other))
    assert "name.confusable" in codes(response)


def test_A25_homoglyphs_of_other_scripts_are_told_from_ascii(submit: Submit, alice: User) -> None:
    response = submit(alice, name="rоundup")  # the o is Cyrillic
    assert response.status_code == 400
    assert "CYRILLIC SMALL LETTER O" in response.json()["problems"][0]["message"]
    assert not Project.objects.exists()


@pytest.mark.parametrize("name", ["json", "Asyncio", "distutils", "requirements.txt", "python", "con"])
def test_A25_standard_library_and_prohibited_names_cannot_be_claimed(submit: Submit, alice: User, name: str) -> None:
    assert codes(submit(alice, name=name)) & {"name.standard_library", "name.prohibited"}
    assert not Project.objects.exists()


def test_A86_a_confusable_private_project_is_not_named(submit: Submit, alice: User, charlie: User, now: Any) -> None:
    submit(alice, name="secret1plan")
    make_private("secret1plan", alice, now)
    response = submit(charlie, name="secretlplan")
    assert response.status_code == 400
    assert b"secret1plan" not in response.content
    assert "name.unavailable" in codes(response)
    # Its owner may be told.
    assert b"secret1plan" in submit(alice, name="secretlplan").content


def test_A86_claiming_a_private_name_does_not_say_that_it_exists(
    submit: Submit, upload: Upload, wheel: Wheel, alice: User, charlie: User, now: Any
) -> None:
    submit(alice, name="hidden")
    make_private("hidden", alice, now)
    for response in (submit(charlie, name="hidden"), upload(charlie, wheel("hidden"))):
        assert (response.status_code, response.json()["error"]["code"]) == (403, "name_unavailable")
        assert "cannot be claimed" in response.json()["error"]["message"]
        assert "owner" not in response.content.decode()


def test_A86_where_admins_assign_names_hidden_and_free_ones_get_one_answer(
    submit: Submit, alice: User, charlie: User, now: Any, settings: Any
) -> None:
    import dataclasses

    submit(alice, name="hidden")
    make_private("hidden", alice, now)
    settings.CONFIG = dataclasses.replace(settings.CONFIG, name_claims="admin")
    hidden, free = submit(charlie, name="hidden"), submit(charlie, name="absent")
    assert hidden.status_code == free.status_code == 403
    assert hidden.content.replace(b"hidden", b"absent") == free.content


def test_NAME_CLAIMS_admin_lets_only_admins_claim(
    submit: Submit, upload: Upload, wheel: Wheel, alice: User, admin: User, settings: Any
) -> None:
    import dataclasses

    settings.CONFIG = dataclasses.replace(settings.CONFIG, name_claims="admin")
    for response in (submit(alice), upload(alice, wheel())):
        assert (response.status_code, response.json()["error"]["code"]) == (403, "claim_needs_admin")
    assert not Project.objects.exists()
    assert submit(admin).json()["action"] == "created"


def test_A26_a_requirement_by_address_is_refused(submit: Submit, upload: Upload, wheel: Wheel, alice: User) -> None:
    assert "requires_dist.direct_url" in codes(submit(alice, requires_dist="evil @ https://example.org/evil.whl"))
    response = upload(alice, wheel(metadata="Requires-Dist: evil @ https://example.org/evil.whl\n"))
    assert "requires_dist.direct_url" in codes(response)


def test_A28_classifiers_deprecated_unknown_private(submit: Submit, alice: User) -> None:
    response = submit(alice, classifiers=["Topic :: Nothing", "Natural Language :: Ukranian"])
    told = {problem["value"]: problem for problem in response.json()["problems"]}
    assert told["Topic :: Nothing"]["severity"] == "error"
    assert told["Natural Language :: Ukranian"]["suggestions"] == ["Natural Language :: Ukrainian"]
    response = submit(alice, classifiers=["Private :: Do Not Upload"])
    assert response.status_code == 200
    assert [problem["severity"] for problem in response.json()["problems"]] == ["warning"]


@pytest.mark.parametrize("field", ["name", "version", "summary", "requires_python"])
def test_A29_a_single_field_sent_twice_is_refused(submit: Submit, alice: User, field: str) -> None:
    response = submit(alice, **{field: ["1.0", "2.0"]})
    assert response.status_code == 400
    assert field in {problem["field"] for problem in response.json()["problems"]}
    assert not Project.objects.exists()


FIELDS = ["name", "version", "summary", "author", "keywords", "home_page", "requires_dist", "license", "platform"]


@pytest.mark.parametrize("field", [*FIELDS, "description", "classifiers", "project_urls", "description_content_type"])
@pytest.mark.parametrize("value", ["nul\0nul", "x\r\nSet-Cookie: a=b", "\x1b[31mred"])
def test_A29_control_characters_are_refused_everywhere(submit: Submit, alice: User, field: str, value: str) -> None:
    response = submit(alice, **{field: value})
    allowed = {"description": "\0" not in value, "author": "\r\n" in value, "license": "\r\n" in value}
    if not allowed.get(field, False):
        assert response.status_code == 400
        assert not Project.objects.exists()
    assert "Set-Cookie" not in response.headers
    assert "\r" not in response.reason_phrase
    assert "\n" not in response.reason_phrase


def test_A29_a_huge_description_is_refused(submit: Submit, alice: User) -> None:
    assert "description.too_long" in codes(submit(alice, description="x" * 3_000_000))
    # Past what a request may hold in memory, before anything is parsed.
    response = submit(alice, description="x" * 10_000_000)
    assert response.status_code == 400
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "1." + "0" * 230 + "1"),
        ("description_content_type", "text/markdown; note=" + "x" * 400),
        ("classifiers", "Private :: " + "x" * 400),
        ("summary", "x" * 2000),
        ("metadata_version", "2.4" + "0" * 40),
        ("name", "x" * 300),
        ("requires_python", ">=3." + "1" * 5000),
    ],
)
def test_A29_values_too_long_for_their_columns_are_refused_on_every_database(
    submit: Submit, alice: User, field: str, value: str
) -> None:
    response = submit(alice, **{field: value})
    assert response.status_code == 400, response.content
    assert field in {problem["field"] for problem in response.json()["problems"]}
    assert not Project.objects.exists()


def test_A29_fields_unknown_to_us_are_no_error(submit: Submit, alice: User) -> None:
    assert submit(alice, something_else="x", _="y").status_code == 200


@pytest.mark.parametrize("value", ["%", "_", "%%__", "' OR 1=1 --", '"', "\\", "roundup*", "NEAR(a b)"])
def test_A73_patterns_and_query_syntax_are_plain_text(client: Client, submit: Submit, alice: User, value: str) -> None:
    submit(alice)
    for path in (f"/simple/{value}/", f"/pypi/{value}/json", f"/api/v1/project/{value}/1.0/metadata"):
        assert client.get(path).status_code == 404
    assert submit(alice, summary=value).status_code == 200
    assert Release.objects.get().summary == value
