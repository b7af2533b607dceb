"""Who may add, see and remove publishers; pending ones; and when a publisher stops (A45 to A47, A58)."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.issuer import GITHUB, GITHUB_RUN, Issuer
from otumat.errors import Conflict, Invalid, NotFound, OtumatError
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Token, User
from otumat_index.journal.actor import Actor, command
from otumat_index.journal.models import Entry
from otumat_index.publish.actions import Upload, assign_role, publish_file, remove_role, submit_release
from otumat_index.publish.models import Project, Role, TrustedPublisher
from otumat_index.publish.trusted import actions, minting

pytestmark = pytest.mark.django_db
Run = Callable[..., str]
Pend = Callable[..., TrustedPublisher]


def upload(file: tuple[str, bytes], by: Actor, at: datetime) -> Any:
    name, version = file[0].split("-")[:2]
    return publish_file(Upload([("name", name), ("version", version)], file[0], io.BytesIO(file[1])), by=by, at=at)


def failing(call: Callable[[], object]) -> OtumatError:
    with pytest.raises(OtumatError) as failure:
        call()
    return failure.value


# Adding and removing.


def test_an_owner_adds_and_removes_a_publisher(
    rocket: Project, alice: User, github: Issuer, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    by = of_user(alice, "session")
    added = actions.add_publisher(rocket, issuer=github.url, claims=GITHUB, by=by, at=now)
    token = minted()
    assert upload(wheel("rocket", "1.0"), token, now).action == "created"
    actions.remove_publisher(rocket, added.pk, by=by, at=now)
    assert failing(lambda: upload(wheel("rocket", "1.1"), token, now)).code == "token_scope"
    found = Entry.objects.filter(topic="rocket", action__startswith="publisher.").order_by("serial")
    assert [row.action for row in found] == ["publisher.add", "publisher.mint", "publisher.remove"]


@pytest.mark.parametrize("who", ["maintainer", "reader", "stranger", "admin"])
def test_A46_only_owners_add_publishers(
    who: str, rocket: Project, bob: User, admin: User, github: Issuer, now: datetime
) -> None:
    if who in ("maintainer", "reader"):
        assign_role(rocket, bob, who, by=command(), at=now)
    by = of_user(admin if who == "admin" else bob, "session")
    failure = failing(lambda: actions.add_publisher(rocket, issuer=github.url, claims=GITHUB, by=by, at=now))
    assert failure.code == "role"
    assert not TrustedPublisher.objects.exists()


def test_an_admin_may_remove_one(publisher: TrustedPublisher, rocket: Project, admin: User, now: datetime) -> None:
    actions.remove_publisher(rocket, publisher.pk, by=of_user(admin, "session"), at=now)
    assert not TrustedPublisher.objects.exists()


@pytest.mark.parametrize("limits", [{"actions": frozenset({"manage", "upload"})}, {"projects": frozenset({"rocket"})}])
def test_a_limited_token_cannot_make_itself_a_lasting_door(
    limits: dict[str, Any], rocket: Project, alice: User, github: Issuer, now: datetime
) -> None:
    by = dataclasses.replace(of_user(alice, "token:1"), **limits)
    claims: dict[str, Any] = {"issuer": github.url, "claims": GITHUB, "by": by, "at": now}
    assert failing(lambda: actions.add_publisher(rocket, **claims)).code == "token_scope"
    assert failing(lambda: actions.add_pending("comet", **claims)).code == "token_scope"


def test_what_is_wrong_is_told_and_nothing_written(rocket: Project, alice: User, github: Issuer, now: datetime) -> None:
    by = of_user(alice, "session")
    failure = failing(lambda: actions.add_publisher(rocket, issuer=github.url, claims={}, by=by, at=now))
    assert isinstance(failure, Invalid)
    assert [problem.field for problem in failure.problems] == ["repository", "workflow"]
    failure = failing(lambda: actions.add_publisher(rocket, issuer="https://x", claims=GITHUB, by=by, at=now))
    assert isinstance(failure, Invalid)
    assert github.url in failure.problems[0].hint
    assert not TrustedPublisher.objects.exists()


def test_the_same_publisher_twice_is_a_conflict(
    publisher: TrustedPublisher, rocket: Project, alice: User, github: Issuer, now: datetime
) -> None:
    by = of_user(alice, "session")
    again = failing(lambda: actions.add_publisher(rocket, issuer=github.url, claims=GITHUB, by=by, at=now))
    assert again.code == "publisher_exists"


def test_there_is_a_most_of_publishers(
    rocket: Project, alice: User, github: Issuer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "PUBLISHERS_MAX", 2)
    by = of_user(alice, "session")
    for name in ("a.yml", "b.yml"):
        actions.add_publisher(rocket, issuer=github.url, claims={**GITHUB, "workflow": name}, by=by, at=now)
    with pytest.raises(Conflict):
        actions.add_publisher(rocket, issuer=github.url, claims=GITHUB, by=by, at=now)


def test_A45_publishers_of_others_cannot_be_removed(
    publisher: TrustedPublisher, bob: User, pend: Pend, alice: User, now: datetime
) -> None:
    by = of_user(bob, "session")
    submit_release([("name", "comet"), ("version", "1.0")], by=by, at=now)
    comet = Project.objects.get(normalized="comet")
    waiting = pend(alice, "asteroid")
    with pytest.raises(NotFound):
        actions.remove_publisher(comet, publisher.pk, by=by, at=now)
    for other in (publisher.pk, waiting.pk):
        with pytest.raises(NotFound):
            actions.remove_pending(other, by=by, at=now)
    assert TrustedPublisher.objects.count() == 2


# When a publisher stops.


@pytest.mark.parametrize("how", ["role", "reader", "account", "publisher", "token"])
def test_A47_a_minted_token_stops_at_once(
    how: str,
    publisher: TrustedPublisher,
    rocket: Project,
    alice: User,
    bob: User,
    minted: Callable[..., Actor],
    wheel: Any,
    now: datetime,
) -> None:
    token = minted()
    assign_role(rocket, bob, "owner", by=command(), at=now)
    assert upload(wheel("rocket", "1.0"), token, now).action == "created"
    by = of_user(bob, "session")
    if how == "role":
        remove_role(rocket, alice, by=by, at=now)
    elif how == "reader":
        assign_role(rocket, alice, "reader", by=by, at=now)
    elif how == "account":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    elif how == "publisher":
        actions.remove_publisher(rocket, publisher.pk, by=by, at=now)
    elif how == "token":
        Token.objects.all().delete()
        assert not Token.objects.exists()
        return
    failure = failing(lambda: upload(wheel("rocket", "1.1"), token, now))
    assert failure.code == "token_scope"
    failure = failing(lambda: submit_release([("name", "rocket"), ("version", "2.0")], by=token, at=now))
    assert failure.code == "token_scope"


def test_A47_a_deleted_account_takes_its_publishers_along(
    publisher: TrustedPublisher, alice: User, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    token = minted()
    alice.delete()
    assert not TrustedPublisher.objects.exists()
    assert failing(lambda: upload(wheel("rocket", "1.1"), token, now)).code == "token_scope"


@pytest.mark.parametrize("name", ["", "rocket\0", "x" * 1000, "-", "rocket/../comet"])
def test_names_that_are_none_are_refused(
    name: str, publisher: TrustedPublisher, minted: Callable[..., Actor], now: datetime
) -> None:
    fields = [("name", name), ("version", "1.0")]
    token = minted()
    assert failing(lambda: submit_release(fields, by=token, at=now)).code == "token_scope"
    wheel = Upload(fields, "rocket-1.0-py3-none-any.whl", io.BytesIO(b""))
    assert failing(lambda: publish_file(wheel, by=token, at=now)).code == "token_scope"


def test_an_admins_publisher_has_no_admins_powers(
    rocket: Project, admin: User, github: Issuer, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    assign_role(rocket, admin, "owner", by=command(), at=now)
    by = of_user(admin, "session")
    actions.add_publisher(rocket, issuer=github.url, claims=GITHUB, by=by, at=now)
    token = minted()
    assert not token.is_admin
    assert upload(wheel("rocket", "1.0"), token, now).action == "created"
    submit_release([("name", "comet"), ("version", "1.0")], by=by, at=now)
    assert failing(lambda: upload(wheel("comet", "1.1"), token, now)).code == "token_scope"


# Pending ones.


def test_a_pending_publisher_makes_the_project_for_who_added_it(
    pend: Pend, alice: User, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    waiting = pend(alice, "Comet", repository="acme/comet")
    assert upload(wheel("comet", "1.0"), minted("acme/comet"), now).action == "created"
    project = Project.objects.get(normalized="comet")
    assert Role.objects.get(project=project).user == alice
    waiting.refresh_from_db()
    assert (waiting.project, waiting.pending_name, waiting.expires_at) == (project, "", None)
    assert upload(wheel("comet", "1.1"), minted("acme/comet"), now).action == "created"
    assert Entry.objects.get(action="file.publish", data__version="1.0").credential == f"publisher:{waiting.pk}"


def test_A58_the_first_upload_wins_and_the_others_die(
    pend: Pend, alice: User, bob: User, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    pend(alice, "comet", repository="acme/comet")
    pend(bob, "comet", repository="other/comet")
    first, second = minted("acme/comet"), minted("other/comet", repository_owner="other")
    assert upload(wheel("comet", "1.0"), second, now).action == "created"
    assert failing(lambda: upload(wheel("comet", "1.0"), first, now)).code == "token_scope"
    assert Role.objects.get().user == bob
    assert TrustedPublisher.objects.get().created_by == bob


def test_A58_a_claim_by_hand_ends_pending_publishers(
    pend: Pend, alice: User, bob: User, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    pend(alice, "comet", repository="acme/comet")
    token = minted("acme/comet")
    submit_release([("name", "comet"), ("version", "1.0")], by=of_user(bob, "session"), at=now)
    assert not TrustedPublisher.objects.exists()
    assert failing(lambda: upload(wheel("comet", "1.1"), token, now)).code == "token_scope"


def test_A58_a_stranger_cannot_foretell_somebody_elses_claim(
    pend: Pend, alice: User, charlie: User, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    pend(charlie, "comet", repository="acme/comet")  # Charlie has nothing to do with that repository
    pend(alice, "comet", repository="acme/comet")
    failure = failing(lambda: upload(wheel("comet", "1.0"), minted("acme/comet"), now))
    assert failure.code == "pending_ambiguous"
    assert not Project.objects.exists()


def test_A58_a_strangers_publisher_does_not_hinder_mine(
    publisher: TrustedPublisher, pend: Pend, charlie: User, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    pend(charlie, "comet")
    token = minted()
    assert upload(wheel("rocket", "1.0"), token, now).action == "created"
    row = Entry.objects.get(action="file.publish")
    assert (row.actor, row.credential) == ("alice", f"publisher:{publisher.pk}")


def test_A58_pending_publishers_end(
    pend: Pend, alice: User, github: Issuer, minted: Callable[..., Actor], wheel: Any, now: datetime
) -> None:
    pend(alice, "comet", repository="acme/comet")
    token = minted("acme/comet")
    later = now + timedelta(days=30)
    assert failing(lambda: upload(wheel("comet", "1.0"), token, later)).code == "token_scope"
    refs = dict.fromkeys(("workflow_ref", "job_workflow_ref"), "acme/comet/.github/workflows/release.yml@refs/tags/v1")
    late = github.sign({**GITHUB_RUN, **github.times(later), "repository": "acme/comet", **refs})
    assert failing(lambda: minting.mint(late, at=later)).code == "no_publisher"
    by = of_user(alice, "session")
    actions.add_pending("asteroid", issuer=github.url, claims=GITHUB, by=by, at=later)
    assert TrustedPublisher.objects.get().pending_name == "asteroid"


@pytest.mark.parametrize(
    ("name", "code"),
    [("rocket", "project_exists"), ("r0cket", "invalid"), ("json", "invalid"), ("-x", "invalid"), ("", "invalid")],
)
def test_names_that_cannot_be_claimed_cannot_wait(name: str, code: str, rocket: Project, pend: Pend, bob: User) -> None:
    assert failing(lambda: pend(bob, name)).code == code


def test_A86_a_hidden_project_is_not_told_to_who_waits_for_its_name(
    rocket: Project, alice: User, pend: Pend, bob: User
) -> None:
    Project.objects.update(is_private=True)
    failure = failing(lambda: pend(bob, "rocket"))
    assert failure.code == "name_unavailable"


def test_where_admins_assign_names_nobody_waits_for_one(
    pend: Pend, alice: User, admin: User, settings: Any, github: Issuer
) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, name_claims="admin")
    for person in (alice, admin):
        assert failing(lambda who=person: pend(who, "comet")).code == "claim_needs_admin"  # type: ignore[misc]


def test_there_is_a_most_of_pending_publishers(
    pend: Pend, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "PENDING_MAX", 2)
    pend(alice, "comet")
    pend(alice, "asteroid")
    with pytest.raises(Conflict):
        pend(alice, "meteor")
    pend(bob, "meteor")
