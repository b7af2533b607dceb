"""A86, A87, A79: a private project is invisible, and nobody can tell it from a missing one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.publish import actions
from otumat_index.publish.models import File, Project
from otumat_index.web.lane import Store

pytestmark = pytest.mark.django_db
Wheel = Callable[..., tuple[str, bytes]]
HIDDEN, MISSING = "veiled-thing", "absent-thing"


@pytest.fixture
def hidden(upload: Any, wheel: Wheel, alice: User, hide: Any) -> File:
    """A file of a private project, yanked, with every field that might be listed somewhere."""
    metadata = "Summary: veiled-thing summary\nKeywords: veiled-word\nClassifier: Topic :: Office/Business\n"
    assert upload(alice, wheel("veiled-thing", metadata=metadata)).status_code == 200
    hide("veiled-thing", alice)
    return File.objects.get()


def routes() -> list[str]:
    """Every route of the index as a pattern, for reading requests."""

    def walk(resolver: URLResolver, prefix: str = "") -> list[str]:
        found = []
        for each in resolver.url_patterns:
            path = prefix + str(each.pattern)
            found += (
                walk(each, path) if isinstance(each, URLResolver) else [path] if isinstance(each, URLPattern) else []
            )
        return found

    return sorted(set(walk(get_resolver())))


def filled(route: str, name: str, key: str) -> str:
    import re

    values = {"name": name, "version": "1.0", "key": key, "filename": key.rpartition("/")[2], "token_id": "1"}
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values.get(found[1], "x"), route)


READERS = {"nobody": None, "charlie": "charlie", "wrong": "wrong"}


@pytest.mark.parametrize("who", READERS)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*", "application/vnd.pypi.simple.v1+json"])
def test_A86_A87_every_route_answers_for_hidden_as_for_missing(
    client: Client, hidden: File, charlie: User, auth: Any, who: str, accept: str, settings: Any
) -> None:
    settings.AXES_FAILURE_LIMIT = 10_000
    headers = {"Accept": accept}
    headers |= auth(charlie) if who == "charlie" else {"Authorization": "Basic Ym9iOm5v"} if who == "wrong" else {}
    other_key = hidden.key.replace("veiled_thing", "absent_thing")
    for route in routes():
        if not any(part in route for part in ("name>", "key>")):  # has nothing to do with one project
            continue
        for method in ("get", "head", "put", "delete", "post"):
            if "api/" in route and method in ("put", "delete", "post"):
                continue  # the table of roles and routes has these
            ask = getattr(client, method)
            seen = ask(filled(route, HIDDEN, hidden.key), headers=headers)
            missed = ask(filled(route, MISSING, other_key), headers=headers)
            assert seen.status_code == missed.status_code, route
            if not seen.streaming:
                told = seen.content.replace(b"veiled", b"absent")
                # Each page has a token of its own against forged forms.
                assert len(told) == len(missed.content), route
                if b"csrf" not in told:
                    assert told == missed.content, route
            same = {"ETag", "Vary", "Cache-Control", "WWW-Authenticate", "Allow", "Content-Type"}
            assert {key: seen.get(key) for key in same} == {key: missed.get(key) for key in same}, route


@pytest.mark.parametrize("path", ["/", "/simple/", "/projects/", "/search?q=veiled", "/index", "/browse/?c=Topic"])
@pytest.mark.parametrize("accept", ["text/html", "application/vnd.pypi.simple.v1+json"])
def test_A86_no_list_shows_it(client: Client, hidden: File, path: str, accept: str) -> None:
    response = client.get(path, headers={"Accept": accept})
    body = b"" if response.status_code == 406 else response.getvalue()
    assert b"veiled-thing" not in body
    assert b"veiled-word" not in body


def test_A86_hidden_and_missing_take_the_same_queries(client: Client, hidden: File, charlie: User, auth: Any) -> None:
    people: list[dict[str, str]] = [{}, auth(charlie)]
    for headers in people:
        pairs = [
            (f"/simple/{HIDDEN}/", f"/simple/{MISSING}/"),
            (f"/pypi/{HIDDEN}/json", f"/pypi/{MISSING}/json"),
            (f"/files/{hidden.key}", f"/files/{hidden.key}x"),
            (f"/files/{hidden.key}.metadata", f"/files/{hidden.key}x.metadata"),
            (f"/api/v1/project/{HIDDEN}/1.0/metadata", f"/api/v1/project/{MISSING}/1.0/metadata"),
        ]
        client.get(pairs[0][0], headers=headers)  # the token's use is noted once a minute
        for pair in pairs:
            shapes = []
            for path in pair:
                with CaptureQueriesContext(
                    connection,
                ) as captured:
                    client.get(path, headers=headers)
                shapes.append([query["sql"].partition("WHERE")[0] for query in captured])
            assert shapes[0] == shapes[1], pair


@pytest.mark.parametrize("kind", ["owner", "maintainer", "reader"])
def test_holders_of_a_role_see_it_by_token_password_and_session(
    client: Client, hidden: File, alice: User, bob: User, auth: Any, now: Any, kind: str
) -> None:
    actions.assign_role(Project.objects.get(), bob, kind, by=command(), at=now)
    paths = [f"/simple/{HIDDEN}/", f"/files/{hidden.key}", f"/files/{hidden.key}.metadata", f"/pypi/{HIDDEN}/json"]
    import base64

    basic = base64.b64encode(b"bob:correct horse battery").decode()
    session = type(client)()
    session.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    for path in paths:
        for asking, headers in ((client, auth(bob)), (client, {"Authorization": f"Basic {basic}"}), (session, {})):
            response = asking.get(path, headers=headers)
            assert response.status_code == 200
            # A79: neither a shared cache nor the browser's keeps it.
            assert response["Cache-Control"] == "private, no-store"
            if "/pypi/" not in path:
                assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))


def test_a_token_without_reading_sees_nothing(client: Client, hidden: File, alice: User, auth: Any) -> None:
    for limits in ({"actions": ["upload"]}, {"projects": ["another"]}):
        assert client.get(f"/simple/{HIDDEN}/", headers=auth(alice, **limits)).status_code == 404
    assert client.get(f"/simple/{HIDDEN}/", headers=auth(alice, actions=["read"])).status_code == 200


def test_a_token_for_uploads_alone_publishes_to_a_private_project(
    client: Client, hidden: File, alice: User, auth: Any
) -> None:
    headers = {"Accept": "application/json", **auth(alice, actions=["submit"], projects=["veiled-thing"])}
    response = client.post("/submit", {"name": "veiled-thing", "version": "2.0"}, headers=headers)
    assert response.status_code == 200, response.content


def test_A47_A87_who_lost_the_role_lost_the_file(
    client: Client, hidden: File, alice: User, bob: User, auth: Any, now: Any
) -> None:
    owner, project = of_user(alice, "session"), Project.objects.get()
    actions.assign_role(project, bob, "reader", by=command(), at=now)
    headers = auth(bob)
    assert client.get(f"/files/{hidden.key}", headers=headers).status_code == 200
    actions.remove_role(project, bob, by=owner, at=now)
    assert client.get(f"/files/{hidden.key}", headers=headers).status_code == 404


def test_A79_what_is_private_never_enters_the_lane(
    client: Client, hidden: File, alice: User, auth: Any, store: Store
) -> None:
    for path in (f"/simple/{HIDDEN}/", f"/files/{hidden.key}", f"/files/{hidden.key}.metadata"):
        assert client.get(path, headers=auth(alice)).status_code == 200
        assert store.find(path) == []


def test_A79_public_pages_name_what_they_vary_by(client: Client, upload: Any, wheel: Wheel, alice: User) -> None:
    upload(alice, wheel())
    for headers in ({"Accept": "text/html"}, {"Accept": "image/png"}, {"Accept": "text/html", "If-None-Match": "*"}):
        assert "Accept" in client.get("/simple/roundup/", headers=headers)["Vary"]
