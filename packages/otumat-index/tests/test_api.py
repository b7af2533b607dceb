"""The management API: every route for every role, its document, and no request that makes it fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Token, User
from otumat_index.api import api
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions
from otumat_index.publish.models import Project

pytestmark = pytest.mark.django_db
SNAPSHOT = Path(__file__).parents[3] / "docs" / "protocol" / "openapi.json"
WHEEL = "roundup-1.0-py3-none-any.whl"

ROLES = ("nobody", "charlie", "reader", "maintainer", "owner", "admin", "read-token", "other-project", "manage-token")

# What each role gets on a *private* project: a project that is not one's own does not exist (404); what one may see but
# not do is refused (403); nobody is asked to sign in.
YANK = dict(zip(ROLES, (401, 404, 403, 200, 200, 200, 403, 404, 404), strict=True))
MANAGE = dict(zip(ROLES, (401, 404, 403, 403, 200, 200, 403, 404, 404), strict=True))
READ = dict(zip(ROLES, (404, 404, 200, 200, 200, 200, 200, 404, 404), strict=True))
SELF = dict(zip(ROLES, (401, 200, 200, 200, 200, 200, 200, 200, 200), strict=True))
OWN_ACCOUNT = dict(zip(ROLES, (401, 200, 200, 200, 200, 200, 403, 403, 403), strict=True))
OWN_TOKEN = {**OWN_ACCOUNT, "charlie": 404, "reader": 404, "maintainer": 404, "admin": 404}  # it is the owner's

TABLE: dict[tuple[str, str], tuple[dict[str, int], dict[str, Any] | None]] = {
    ("GET", "/api/v1/whoami"): (SELF, None),
    ("GET", "/api/v1/tokens"): (OWN_ACCOUNT, None),
    ("POST", "/api/v1/tokens"): (OWN_ACCOUNT, {"name": "ci"}),
    ("DELETE", "/api/v1/tokens/{token_id}"): (OWN_TOKEN, None),
    ("GET", "/api/v1/project/{name}/{version}/metadata"): (READ, None),
    ("PUT", "/api/v1/project/{name}/{version}/yank"): (YANK, {"reason": "broken"}),
    ("DELETE", "/api/v1/project/{name}/{version}/yank"): (YANK, None),
    ("PUT", "/api/v1/project/{name}/file/{filename}/yank"): (YANK, {"reason": "broken"}),
    ("DELETE", "/api/v1/project/{name}/file/{filename}/yank"): (YANK, None),
    ("DELETE", "/api/v1/project/{name}/file/{filename}"): (MANAGE, None),
    ("PUT", "/api/v1/project/{name}/status"): (MANAGE, {"status": "archived", "reason": "done"}),
    ("PUT", "/api/v1/project/{name}/visibility"): (MANAGE, {"is_private": True}),
}
JOURNALLED = {"PUT", "POST", "DELETE"}


@pytest.fixture
def people(
    upload: Any, wheel: Any, alice: User, bob: User, charlie: User, admin: User, person: Any, now: Any
) -> dict[str, User | None]:
    """Alice's private project with a file, and everybody by role."""
    assert upload(alice, wheel()).status_code == 200
    owner, project = of_user(alice, "session"), Project.objects.get()
    reader = person("rita")
    actions.assign_role(project, bob, "maintainer", by=command(), at=now)
    actions.assign_role(project, reader, "reader", by=command(), at=now)
    actions.set_visibility(project, is_private=True, by=owner, at=now)
    limited = dict.fromkeys(("read-token", "other-project", "manage-token"), alice)
    named = {"charlie": charlie, "reader": reader, "maintainer": bob, "owner": alice, "admin": admin}
    return {"nobody": None, **named, **limited}


LIMITS: dict[str, dict[str, Any]] = {
    "read-token": {"actions": ["read"]},
    "other-project": {"projects": ["another"]},
    "manage-token": {"actions": ["manage", "yank"]},  # without read, a private project is not there
}


def routes() -> set[tuple[str, str]]:
    """Every method and path that the API answers, by its own document."""
    paths = api.get_openapi_schema()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_the_table_names_routes_that_are_there() -> None:
    assert set(TABLE) <= routes()  # test_doors.py tries all of them; here it is about limited tokens and exact answers


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", TABLE, ids=lambda route: " ".join(route))
def test_A46_every_route_for_every_role(
    client: Client, people: dict[str, User | None], auth: Any, token_of: Any, role: str, route: tuple[str, str]
) -> None:
    method, path = route
    expected, body = TABLE[route]
    user = people[role]
    headers = auth(user, **LIMITS.get(role, {})) if user else {}
    token_of(people["owner"])
    token_id = Token.objects.filter(user=people["owner"]).latest("pk").pk
    address = path.format(name="roundup", version="1.0", filename=WHEEL, token_id=token_id)
    before = Entry.objects.count()
    response = client.generic(method, address, json.dumps(body or {}), content_type="application/json", headers=headers)
    assert response.status_code == expected[role], response.content
    rows = Entry.objects.count() - before
    assert rows == (1 if response.status_code == 200 and method in JOURNALLED else 0)  # A88
    if response.status_code != 200:
        assert response.json()["ok"] is False
        assert response["Cache-Control"] == "no-store"
    if response.status_code == 401:
        assert "WWW-Authenticate" in response


@pytest.mark.parametrize("route", [route for route in TABLE if "{name}" in route[1]], ids=lambda route: " ".join(route))
def test_A86_a_stranger_gets_the_same_for_hidden_and_missing(
    client: Client, people: dict[str, User | None], auth: Any, route: tuple[str, str]
) -> None:
    method, path = route
    body = json.dumps(TABLE[route][1] or {})
    answers = []
    for name in ("roundup", "nothing"):
        address = path.format(name=name, version="1.0", filename=f"{name}-1.0-py3-none-any.whl", token_id=1)
        headers = auth(people["charlie"])
        response = client.generic(method, address, body, content_type="application/json", headers=headers)
        answers.append((response.status_code, response.content.replace(name.encode(), b"...")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', "{}", "nul\0", '{"is_private": "perhaps"}', "[" * 100_000]
)
def test_a_body_that_cannot_be_read_is_a_bad_request(
    client: Client, people: dict[str, User | None], auth: Any, body: str
) -> None:
    headers = auth(people["owner"])
    response = client.generic(
        "PUT", "/api/v1/project/roundup/visibility", body, content_type="application/json", headers=headers
    )
    assert response.status_code == 400
    assert response.json()["ok"] is False


@pytest.mark.parametrize(
    ("ends", "status"),
    [("2114-04-28T03:16:09-16:44", 200), ("9999-12-31T23:59:59-23:59", 400), ("2114-04-28T03:16:09", 200)],
)
def test_a_token_ends_at_a_moment_in_any_zone(
    client: Client, people: dict[str, User | None], auth: Any, ends: str, status: int
) -> None:
    body = {"name": "ci", "expires_at": ends}
    answer = client.post("/api/v1/tokens", body, "application/json", headers=auth(people["owner"]))
    assert answer.status_code == status, answer.content


def test_D5_the_metadata_of_a_release_is_whole(client: Client, people: dict[str, User | None], auth: Any) -> None:
    response = client.get(
        "/api/v1/project/Round_Up/1.0.0/metadata".replace("Round_Up", "ROUNDUP"), headers=auth(people["owner"])
    )
    assert response.json() == {
        "name": "roundup",
        "version": "1.0",
        "metadata": {"metadata_version": "2.4", "name": "roundup", "version": "1.0"},
    }


def test_the_document_is_the_one_that_is_published(client: Client) -> None:
    found = client.get("/api/v1/openapi.json").json()
    found["info"]["version"] = "*"
    told = json.dumps(found, indent=2, sort_keys=True) + "\n"
    assert told == SNAPSHOT.read_text("utf-8"), f"Look at the change, then write it to {SNAPSHOT.name}."


def test_every_operation_says_what_it_is_for() -> None:
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"].strip(), (method, path)


def test_no_request_that_the_document_allows_makes_it_fail(
    people: dict[str, User | None], auth: Any, client: Client
) -> None:
    """Schemathesis makes requests of all kinds from the document, right and wrong, as the owner."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings

    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema())))
    headers = auth(people["owner"])
    asked: list[int] = []
    for operation in schema.get_all_operations():
        found = operation.ok()  # type: ignore[union-attr]

        @settings(
            max_examples=25,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=found.as_strategy())
        def attempt(case: Any) -> None:
            from urllib.parse import quote

            path = case.path
            for name, value in (case.path_parameters or {}).items():
                path = path.replace("{" + name + "}", quote(str(value), safe=""))
            body = case.body if case.body is not schemathesis.core.NOT_SET else {}
            response = client.generic(
                case.method, path, json.dumps(body, default=str), content_type="application/json", headers=headers
            )
            asked.append(response.status_code)
            assert response.status_code < 500, (case.method, path, body, response.content)

        attempt()
    assert len(asked) > 100
