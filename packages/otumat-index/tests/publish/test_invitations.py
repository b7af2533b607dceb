"""D32, A45, A47, A48: roles are offered and accepted; handing a project over ends every other grant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from otumat.errors import Conflict, Invalid, NotFound, Refused
from otumat_index.accounts import actions as accounts
from otumat_index.accounts import administration
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Token, User
from otumat_index.journal.actor import Actor, command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions, invited
from otumat_index.publish.hooks.models import Webhook
from otumat_index.publish.models import Invitation, Project, Role, TrustedPublisher

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(submit: Any, alice: User) -> Project:
    submit(alice)
    return Project.objects.get()


def by(user: User) -> Actor:
    user.refresh_from_db()
    return of_user(user, "session")


@pytest.fixture
def offer(project: Project, alice: User, now: datetime) -> Callable[..., Invitation]:
    def make(kind: str = "maintainer", **words: Any) -> Invitation:
        return actions.invite(project, kind, by=by(alice), at=now, **words)

    return make


def roles() -> set[tuple[str, str]]:
    return {(role.holder, role.kind) for role in Role.objects.all()}


def test_D32_a_role_is_held_once_it_was_accepted(offer: Any, bob: User, now: datetime) -> None:
    made = offer(user=bob)
    assert roles() == {("alice", "owner")}
    actions.accept(made.pk, by=by(bob), at=now)
    assert roles() == {("alice", "owner"), ("bob", "maintainer")}
    row = Entry.objects.get(action="role.accept")
    assert (row.actor, row.subject, row.topic, row.data) == (
        "bob",
        "bob",
        "roundup",
        {"role": "maintainer", "invited_by": "alice"},
    )


def test_an_invitation_works_once(offer: Any, bob: User, alice: User, project: Project, now: datetime) -> None:
    made = offer(user=bob)
    actions.accept(made.pk, by=by(bob), at=now)
    actions.remove_role(project, bob, by=by(alice), at=now)
    for act in (actions.accept, actions.decline):
        with pytest.raises(NotFound):
            act(made.pk, by=by(bob), at=now)
    assert roles() == {("alice", "owner")}


@pytest.mark.parametrize("act", [actions.accept, actions.decline])
def test_A45_an_invitation_is_its_invitees_alone(
    offer: Any, bob: User, charlie: User, admin: User, alice: User, now: datetime, act: Any
) -> None:
    made = offer(user=bob)
    for other in (charlie, admin, alice):
        with pytest.raises(NotFound):
            act(made.pk, by=by(other), at=now)
    assert Invitation.objects.exists()


def test_an_invitation_ends_after_two_weeks(offer: Any, bob: User, now: datetime) -> None:
    made = offer(user=bob)
    with pytest.raises(NotFound):
        actions.accept(made.pk, by=by(bob), at=now + timedelta(days=14))
    actions.accept(made.pk, by=by(bob), at=now + timedelta(days=14) - timedelta(seconds=1))


def test_declined_and_withdrawn_ones_are_gone(
    offer: Any, project: Project, alice: User, bob: User, now: datetime
) -> None:
    actions.decline(offer(user=bob).pk, by=by(bob), at=now)
    made = offer(user=bob)
    actions.withdraw(project, made.pk, by=by(alice), at=now)
    with pytest.raises(NotFound):
        actions.accept(made.pk, by=by(bob), at=now)
    assert roles() == {("alice", "owner")}


def test_A40_one_for_an_address_is_for_whoever_confirmed_it(
    offer: Any, bob: User, charlie: User, now: datetime
) -> None:
    made = offer(email="Bob@Example.ORG")
    EmailAddress.objects.create(user=charlie, email="bob@example.org", verified=False)
    with pytest.raises(NotFound):
        actions.accept(made.pk, by=by(charlie), at=now)
    actions.accept(made.pk, by=by(bob), at=now)
    assert ("bob", "maintainer") in roles()


def test_A38_A89_an_address_is_told_to_nobody_and_its_link_not_kept(
    offer: Any, client: Any, alice: User, auth: Any
) -> None:
    known, unknown = offer(email="bob@example.org"), offer(email="nobody@example.org")
    assert known.user is None
    assert unknown.user is None
    secret = invited.secret_of(known)
    assert secret not in str(Invitation.objects.values())
    rows = str(list(Entry.objects.filter(action="invitation.create").values()))
    assert secret not in rows
    assert "example.org" not in rows
    headers = {"Accept": "application/json", **auth(alice)}
    answers = []
    for email in ("alice@example.org", "stranger@example.org"):
        sent = {"email": email, "role": "reader"}
        answer = client.post("/api/v1/project/roundup/invitations", sent, "application/json", headers=headers).json()
        answers.append({key: value for key, value in answer.items() if key not in ("id", "expires_at", "email")})
    assert answers[0] == answers[1]
    assert secret not in str(answers)


def test_A40_the_mailed_link_shows_one_invitation_to_whoever_is_signed_in(
    offer: Any, client: Any, bob: User, charlie: User
) -> None:
    from django.utils import timezone

    made = offer(email="bob@example.org")
    Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
    link = invited.link_of(made)
    path = "/" + link.partition("://")[2].partition("/")[2]
    assert client.get(path).status_code == 302  # sign in, or up, first
    client.force_login(bob)
    assert "Accept" in client.get(path).content.decode()
    client.force_login(charlie)
    page = client.get(path).content.decode()
    assert "has not confirmed that address" in page
    assert "bob@" not in page
    assert client.get(path[:-2] + "x/").status_code == 404
    Invitation.objects.all().delete()
    assert client.get(path).status_code == 404


def test_A47_what_a_removed_owner_offered_is_void(
    offer: Any, project: Project, alice: User, bob: User, charlie: User, now: datetime
) -> None:
    made = offer("owner", user=charlie)
    actions.assign_role(project, bob, "owner", by=command(), at=now)
    actions.remove_role(project, alice, by=by(bob), at=now)
    with pytest.raises(Conflict) as told:
        actions.accept(made.pk, by=by(charlie), at=now)
    assert told.value.code == "invitation_void"
    assert roles() == {("bob", "owner")}


@pytest.mark.parametrize("kind", ["maintainer", "reader"])
def test_D34_only_owners_and_admins_invite(
    project: Project, bob: User, charlie: User, admin: User, now: datetime, kind: str
) -> None:
    actions.assign_role(project, bob, kind, by=command(), at=now)
    for each in (bob, charlie):
        with pytest.raises(Refused):
            actions.invite(project, "reader", user=charlie, by=by(each), at=now)
    actions.invite(project, "reader", user=charlie, by=by(admin), at=now)


def test_nobody_is_offered_what_they_have_or_what_is_no_role(offer: Any, alice: User, bob: User, now: datetime) -> None:
    with pytest.raises(Conflict):
        offer(user=alice)
    for words in (
        {"kind": "emperor", "user": bob},
        {"email": "no address"},
        {"email": ""},
        {"email": "a@b\r\nBcc: c@d"},
    ):
        with pytest.raises(Invalid):
            offer(**words)
    bob.is_active = False
    bob.save()
    with pytest.raises(Conflict):
        offer(user=bob)
    assert not Invitation.objects.exists()


def test_strangers_are_not_flooded_with_mail(offer: Any, now: datetime) -> None:
    for n in range(50):
        offer(email=f"somebody{n}@example.org")
    with pytest.raises(Refused) as told:
        offer(email="one-more@example.org")
    assert told.value.code == "too_many"


def test_accepting_never_lowers_a_role(offer: Any, project: Project, bob: User, now: datetime) -> None:
    made = offer("reader", user=bob)
    actions.assign_role(project, bob, "owner", by=command(), at=now)
    actions.accept(made.pk, by=by(bob), at=now)
    assert ("bob", "owner") in roles()


def test_A47_a_transfer_ends_every_other_grant(
    offer: Any, project: Project, alice: User, bob: User, charlie: User, now: datetime
) -> None:
    actions.assign_role(project, charlie, "maintainer", by=command(), at=now)
    for user, projects in ((alice, ["roundup"]), (charlie, ["Round_Up2", "roundup"]), (charlie, None)):
        accounts.create_token(user, name="ci", projects=projects, by=by(user), at=now)
    TrustedPublisher.objects.create(
        project=project,
        created_by=alice,
        issuer="https://ids.example.org",
        kind="other",
        key="0",
        claims={},
        created_at=now,
    )
    Webhook.objects.create(project=project, url="https://h.example.org/", salt="", created_at=now, created_by="alice")
    offer("reader", email="other@example.org")
    made = offer("owner", user=bob, is_transfer=True)
    assert roles() == {("alice", "owner"), ("charlie", "maintainer")}
    before = Entry.objects.count()
    actions.accept(made.pk, by=by(bob), at=now)
    assert roles() == {("bob", "owner")}
    assert [model.objects.count() for model in (Invitation, TrustedPublisher, Webhook)] == [0, 0, 0]
    assert sorted(str(token.projects) for token in Token.objects.filter(name="ci")) == ["None", "['round-up2']"]
    assert Entry.objects.count() == before + 1
    row = Entry.objects.get(action="project.transfer")
    assert sorted(row.data.pop("roles")) == ["alice (owner)", "charlie (maintainer)"]
    assert row.data == {"role": "owner", "invitations": 1, "publishers": 1, "webhooks": 1, "tokens": 2, "keys": 0}


def test_a_project_in_quarantine_is_not_handed_over(
    offer: Any, project: Project, bob: User, admin: User, now: datetime
) -> None:
    made = offer("owner", user=bob, is_transfer=True)
    actions.set_status(project, "quarantined", reason="", by=by(admin), at=now)
    with pytest.raises(Conflict):
        actions.accept(made.pk, by=by(bob), at=now)
    with pytest.raises(Refused):
        offer("owner", user=bob, is_transfer=True)


def test_A44_a_limited_token_answers_no_invitation(offer: Any, client: Any, bob: User, auth: Any) -> None:
    made = offer(user=bob)
    for limits in ({"actions": ["manage"]}, {"projects": ["roundup"]}):
        answer = client.post(f"/api/v1/invitations/{made.pk}/accept", headers=auth(bob, **limits))
        assert answer.status_code == 403
    assert Invitation.objects.exists()


def test_D31_an_admin_assigns_free_and_ownerless_names_only(
    project: Project, alice: User, bob: User, admin: User, now: datetime
) -> None:
    made = actions.assign_name("Brand.New", bob, by=by(admin), at=now)
    assert (made.name, made.normalized) == ("Brand.New", "brand-new")
    assert Entry.objects.filter(action="project.assign", subject="bob", topic="brand-new").count() == 1
    with pytest.raises(Conflict):
        actions.assign_name("roundup", bob, by=by(admin), at=now)
    for who in (alice, bob):
        with pytest.raises(Refused):
            actions.assign_name("another-new", who, by=by(who), at=now)
    for name in ("json", "not a name", "r0undup", ""):
        with pytest.raises(Invalid):
            actions.assign_name(name, bob, by=by(admin), at=now)
    administration.deactivate(alice, anyway=True, by=by(admin), at=now)
    actions.assign_name("roundup", bob, by=by(admin), at=now)
    assert ("bob", "owner") in roles()


def test_A48_people_leave_by_themselves_unless_they_are_the_last_owner(
    project: Project, alice: User, bob: User, client: Any, auth: Any, now: datetime
) -> None:
    actions.assign_role(project, bob, "reader", by=command(), at=now)
    actions.set_visibility(project, is_private=True, by=by(alice), at=now)
    assert client.delete("/api/v1/project/roundup/roles/alice", headers=auth(bob)).status_code == 403
    assert client.delete("/api/v1/project/roundup/roles/bob", headers=auth(bob)).status_code == 200
    assert client.delete("/api/v1/project/roundup/roles/bob", headers=auth(bob)).status_code == 404
    assert client.delete("/api/v1/project/roundup/roles/alice", headers=auth(alice)).status_code == 409
