"""A45, A46, A47, D31 to D34: every door, for every role, in every state of a project, against the one table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Group, GroupMember, User
from otumat_index.api import api
from otumat_index.journal.actor import NOBODY, command
from otumat_index.publish import actions, queries, rules
from otumat_index.publish.hooks.models import Webhook, WebhookDelivery
from otumat_index.publish.models import Classifier, File, Invitation, Project, Role, TrustedPublisher
from otumat_index.trust import keys
from otumat_index.trust.models import Key
from otumat_index.usage import actions as usage
from otumat_index.usage.telling.models import Alert

pytestmark = pytest.mark.django_db(databases="__all__")
WHEEL = "roundup-1.0-py3-none-any.whl"
STATES = ("active", "private", "archived", "deprecated", "quarantined")
ROLES = ("nobody", "stranger", "reader", "maintainer", "owner", "admin", "team reader", "team maintainer", "team owner")
PERSONAL = ("account", "group", "known")
ALLAUTH = ("/account/signup/", "/account/email/", "/account/password/", "/account/factors/")
"""Doors of allauth that we wrap; it knows itself whom it lets in."""


def pages() -> Iterator[str]:
    """The address of every door of ours outside the management API."""

    def walk(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
        for each in resolver.url_patterns:
            route = prefix + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each, route)
            elif isinstance(each, URLPattern) and not (each.callback.__module__ or "").startswith("allauth"):
                yield rules.address(route)

    return (page for page in walk(get_resolver()) if not page.startswith((*ALLAUTH, "/api/v1/")))


def test_A46_every_door_has_a_row_and_every_row_a_door() -> None:
    found = {
        f"{method.upper()} {path}" for path, methods in api.get_openapi_schema()["paths"].items() for method in methods
    }
    assert {door for door in rules.DOORS if " /api/v1/" in door} == found
    assert {door.partition(" ")[2] for door in rules.DOORS if " /api/v1/" not in door} == set(pages())
    assert set(rules.DOORS.values()) <= {*rules.TABLE, *rules.AUDIENCES}


def test_a_door_without_a_row_stays_shut() -> None:
    with pytest.raises(KeyError):
        rules.asked_at("POST", "manage/project/<str:name>/unheard-of")


@pytest.fixture
def project(upload: Any, wheel: Any, alice: User, bob: User, person: Any, now: datetime) -> Project:
    """Erin's project, with one of everything that has an id; Alice, Bob and Rita hold roles, by login or in a team."""
    erin = person("erin")
    assert upload(erin, wheel()).status_code == 200
    made = Project.objects.get()
    later = now + timedelta(days=3650)
    invitee = person("ivan")
    Invitation.objects.create(
        project=made, user=invitee, kind="reader", invited_by=erin, created_at=now, expires_at=later
    )
    TrustedPublisher.objects.create(
        project=made,
        created_by=erin,
        issuer="https://ids.example.org",
        kind="other",
        key="0" * 64,
        claims={},
        created_at=now,
    )
    hook = Webhook.objects.create(
        project=made, url="https://hooks.example.org/", salt="0", created_at=now, created_by="erin"
    )
    WebhookDelivery.objects.create(
        webhook=hook, serial=1, asked_by=1, action="file.publish", due_at=later, created_at=now
    )
    Role.objects.create(project=made, user=person("mallory"), kind="maintainer", granted_at=now)
    File.objects.update(has_provenance=True)
    usage.declare(made, TOLD, by=command(), at=now)
    usage.set_collecting(made, is_on=False, by=command(), at=now)
    Alert.objects.create(project=made, kind="fall", number=30, created_at=now)
    keys.add("roundup", keys.read(SIGNERS[0]), role="maintainer", note="", by="erin", at=now)
    return made


@pytest.fixture
def somebody(project: Project, person: Any, admin: User, now: datetime) -> Callable[[str], User | None]:
    """A person in this role, by login or through a team."""

    def make(role: str) -> User | None:
        if role in ("nobody", "admin"):
            return admin if role == "admin" else None
        user: User = person("peter")
        kind = role.removeprefix("team ")
        if kind == "stranger":
            return user
        if kind == role:
            Role.objects.create(project=project, user=user, kind=kind, granted_at=now)
            return user
        group = Group.objects.create(slug="crew", name="Crew", created_at=now)
        GroupMember.objects.create(group=group, user=user, asked_at=now, asked_by="erin", joined_at=now)
        Role.objects.create(project=project, group=group, kind=kind, granted_at=now)
        return user

    return make


TOLD = {"project": "roundup", "purpose": "To learn.", "event": [{"name": "import", "purpose": "Whether at all."}]}
SIGNERS = [
    Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for _ in range(2)
]
BODIES: dict[str, dict[str, Any]] = {
    "/status": {"status": "{status}"},
    "/visibility": {"is_private": True, "visibility": "private"},
    "/second-factor": {"required": False, "requires_second_factor": False},
    "/yank": {"reason": "broken", "version": "1.0"},
    "/roles/{holder}": {"role": "reader"},
    "/role": {"role": "reader", "user": "mallory"},
    "/role/remove": {"user": "mallory"},
    "/invitations": {"role": "reader", "email": "new@example.org"},
    "/invite": {"role": "reader", "whom": "new@example.org"},
    "/transfer": {"email": "new@example.org", "whom": "new@example.org"},
    "/publishers": {"issuer": "https://ids.example.org", "claims": {}},
    "/keys": {"key": SIGNERS[1]},
    "/signatures": {"policy": "mark"},
    "/webhooks": {"url": "http://nowhere.invalid/"},
    "/notifications": {"level": "none"},
    "/usage": {"collect": True},
    "/survey": {"questions": []},
    "/usage/public": {"publish": False},
    "/usage/alerts": {"kind": "yanked", "number": 9},
    "/usage/alerts/": {"kind": "yanked", "number": "9"},
    "/usage/mail": {"digest": "week", "alerts": True},
    "/usage/manifests": {"manifest": TOLD},
    "/file/remove": {"filename": WHEEL, "again": WHEEL},
}
IDS = {
    "alert_id": Alert,
    "invitation_id": Invitation,
    "publisher_id": TrustedPublisher,
    "webhook_id": Webhook,
    "number": Webhook,
}


def body_of(path: str, status: str) -> dict[str, Any]:
    ending = max((end for end in BODIES if path.endswith(end)), key=len, default="")
    return {key: status if value == "{status}" else value for key, value in BODIES.get(ending, {}).items()}


def filled(path: str, *, own: str) -> str:
    """An address of the project, with things that are there."""
    values = {"name": "roundup", "version": "1.0", "filename": WHEEL}
    values["holder"] = own if own and "roles/" in path else "mallory"
    for name, model in IDS.items():
        values[name] = str(model._default_manager.values_list("pk", flat=True).get())
    key = File.objects.get(filename=WHEEL).key
    values |= {"key": key, "kind": "atom", "table": "losses", "event": "import"}
    values["key_id"] = Key.objects.get().key_id
    values["delivery"] = str(WebhookDelivery.objects.get().pk)
    return re.sub(r"{(\w+)}", lambda found: values[found[1]], path)


def expected(user: User | None, deed: str) -> str:
    """What the table says: `hidden`, `refused` or `let in`."""
    by = of_user(user, "session") if user else NOBODY
    standing = queries.standing_of(by, "roundup")
    if rules.is_hidden(by, standing):
        return "hidden"
    allowed = rules.may(by, deed, standing) and not rules.is_closed(by, deed, standing)
    return "let in" if allowed else "refused"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", ROLES)
def test_A46_every_door_for_every_role_in_every_state(
    client: Client, project: Project, somebody: Any, auth: Any, now: datetime, role: str, state: str
) -> None:
    user = somebody(role)
    if state == "private":
        actions.set_visibility(project, is_private=True, by=command(), at=now)
    else:
        actions.set_status(project, state, reason="", by=command(), at=now)
    project.refresh_from_db()
    headers = {"Accept": "application/json", **(auth(user) if user else {})}
    browser = Client()
    if user is not None:
        browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    # Reading first: what is removed is rolled back, but a file's bytes are gone.
    for door, deed in sorted(rules.DOORS.items(), key=lambda row: not row[0].startswith("GET")):
        method, path = door.split(" ")
        if deed in rules.AUDIENCES:
            continue
        status = project.status
        own = user.username if user and Role.objects.filter(user=user).exists() else ""
        address = filled(path, own=own if deed == "leave" else "")
        # Taking somebody else's role away is managing; one's own alone is leaving.
        wanted = expected(user, "manage" if deed == "leave" and "/roles/" in path and not own else deed)
        if state == "quarantined" and path.startswith("/files/"):
            wanted = "hidden"  # from everybody: nothing in quarantine is handed out
        with transaction.atomic():
            mark = transaction.savepoint()
            if path.startswith("/api/"):
                sent = json.dumps(body_of(path, status))
                answer = client.generic(method, address, sent, content_type="application/json", headers=headers)
            else:
                ask = browser.post if method == "POST" else browser.get
                answer = ask(address, body_of(path, status))
            if answer.streaming:
                b"".join(
                    cast(Any, answer).streaming_content
                )  # to its end, as every server does, so that the file is closed
            transaction.savepoint_rollback(mark)
        check(answer, wanted, user, door)


def check(answer: Any, wanted: str, user: User | None, door: str) -> None:
    told = (door, answer.status_code, b"" if answer.streaming else answer.content[:500])
    if (user is None and rules.DOORS[door] != "read") or (user is None and "notifications" in door):
        assert answer.status_code in (401, 302), told
    elif wanted == "hidden":
        assert answer.status_code == 404, told
    elif wanted == "refused":
        assert answer.status_code == 403, told
    elif answer.status_code == 403:
        # Let in by the table; but this index trusts no issuer yet.
        assert "publish" in door, told
    else:
        assert answer.status_code not in (401, 404), told


@pytest.mark.parametrize("door", [door for door, asked in rules.DOORS.items() if asked == "admin"])
@pytest.mark.parametrize("role", ["nobody", "owner", "read token of an admin", "admin"])
def test_A46_what_is_for_admins_is_not_there_for_others(
    client: Client, project: Project, somebody: Any, admin: User, auth: Any, role: str, door: str
) -> None:
    method, path = door.split(" ")
    user = admin if "admin" in role else somebody(role)
    limits = {"actions": ["read"]} if "token" in role else {}
    address = re.sub(
        r"{(\w+)}", lambda found: {"act": "make-admin", "name": "mallory", "user": "mallory"}[found[1]], path
    )
    body = {"admin": True, "user": "mallory", "name": "free-name", "classifiers": "Acme :: x"}
    Classifier.objects.create(text="Acme :: own", is_own=True)
    mallory = User.objects.get(username="mallory")
    Authenticator.objects.bulk_create([Authenticator(user=mallory, type="totp", data={})])
    if path.startswith("/api/"):
        sent: dict[str, Any] = {"user": "mallory"} if "names" in path else {"admin": True}
        sent |= {"classifiers": ["Acme :: x"]} if "classifiers" in path else {}
        headers = {"Accept": "application/json", **(auth(user, **limits) if user else {})}
        address = address.replace("names/mallory", "names/free-name")
        address += "?classifier=Acme+::+own" if method == "DELETE" else ""
        answer = client.generic(method, address, json.dumps(sent), content_type="application/json", headers=headers)
        assert answer.status_code == {"nobody": 401, "admin": 200}.get(role, 404), answer.content
        return
    if user is not None and not limits:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post(address, body) if method == "POST" else client.get(address)
    signed_out = user is None or bool(limits)
    allowed = 302 if method == "POST" else 200
    assert answer.status_code == (302 if signed_out else allowed if role == "admin" else 404), answer.content
    if signed_out:
        assert "/account/login/" in answer["Location"]


def test_A45_ids_of_other_projects_are_out_of_reach(
    client: Client, project: Project, upload: Any, wheel: Any, charlie: User, auth: Any
) -> None:
    assert upload(charlie, wheel("another")).status_code == 200
    headers = {"Accept": "application/json", **auth(charlie)}
    before = {model: model._default_manager.count() for model in (Invitation, TrustedPublisher, Webhook, Key)}
    for door, asked in rules.DOORS.items():
        method, path = door.split(" ")
        if "/api/" in path and asked in rules.TABLE and ("_id}" in path or "{holder}" in path):
            address = filled(path, own="").replace("/roundup/", "/another/")
            sent = json.dumps({"role": "reader"})
            answer = client.generic(method, address, sent, content_type="application/json", headers=headers)
            assert answer.status_code in (403, 404), (door, answer.content)
    assert before == {model: model._default_manager.count() for model in before}
    invitation = Invitation.objects.get()
    for act in ("accept", "decline"):
        answer = client.post(f"/api/v1/invitations/{invitation.pk}/{act}", headers=headers)
        assert answer.status_code == 404
    assert Invitation.objects.filter(pk=invitation.pk).exists()


@pytest.mark.parametrize("action", rules.TABLE)
def test_A44_a_token_reaches_as_far_as_its_scope(action: str) -> None:
    standing = rules.Standing("roundup", True, "owner", is_private=True)
    by = replace(NOBODY, name="alice", user_id=1, credential="token:1", is_admin=True)
    assert rules.may(by, action, standing)
    for limited in (replace(by, actions=frozenset()), replace(by, projects=frozenset({"another"}))):
        assert not rules.may(limited, action, standing)
    assert rules.may(replace(by, actions=frozenset({rules.TABLE[action].scope})), action, standing)


@pytest.mark.parametrize(
    "door", [door for door, asked in rules.DOORS.items() if asked in ("account", "group", "known")]
)
def test_D36_doors_of_people_ask_who_is_there(client: Client, db: None, door: str) -> None:
    method, path = door.split(" ")
    answer = client.generic(method, re.sub(r"{(\w+)}", "1", path), "{}", content_type="application/json")
    if path.startswith("/api/"):
        assert answer.status_code == 401
    else:
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/")


@pytest.mark.parametrize("door", [door for door, asked in rules.DOORS.items() if asked == "install"])
@pytest.mark.parametrize("role", ["nobody", "owner", "admin"])
def test_A90_doors_of_installs_take_no_person(
    client: Client, project: Project, somebody: Any, auth: Any, role: str, door: str
) -> None:
    method, path = door.split(" ")
    user = somebody(role)
    if user is not None:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    headers = auth(user) if user else {}
    answer = client.generic(method, path.replace("{install}", "x"), "{}", headers=headers)
    assert answer.status_code == 401, answer.content
