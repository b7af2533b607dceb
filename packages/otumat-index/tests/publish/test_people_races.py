"""A48, A47: at once, two owners remove each other, leave, are closed, or take the same invitation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from django.db import connections

from otumat.errors import OtumatError
from otumat_index.accounts import administration, ownership
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.groups import actions as groups
from otumat_index.accounts.models import User
from otumat_index.journal.actor import Actor, command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions
from otumat_index.publish.models import Invitation, Project, Role

pytestmark = pytest.mark.django_db(transaction=True)


def by(user: User) -> Actor:
    return of_user(user, "session")


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run them in threads that start together; what each returned or raised."""
    results: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(n: int) -> None:
        try:
            barrier.wait()
            results[n] = calls[n]() or "done"
        except OtumatError as exc:
            results[n] = exc
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def project(submit: Any, alice: User, bob: User, now: datetime) -> Project:
    """Alice's and Bob's."""
    submit(alice)
    made = Project.objects.get()
    actions.assign_role(made, bob, "owner", by=command(), at=now)
    return made


WAYS: dict[str, Callable[[Project, User, User, datetime], Callable[[], Any]]] = {
    "leave": lambda project, user, other, now: lambda: actions.remove_role(project, user, by=by(user), at=now),
    "remove the other": lambda project, user, other, now: (
        lambda: actions.remove_role(project, other, by=by(user), at=now)
    ),
    "step down": lambda project, user, other, now: (
        lambda: actions.assign_role(project, user, "reader", by=by(user), at=now)
    ),
    "close the account": lambda project, user, other, now: (
        lambda: administration.close_account(user, by=by(user), at=now)
    ),
    "be deactivated": lambda project, user, other, now: lambda: administration.deactivate(user, by=command(), at=now),
}


@pytest.mark.parametrize("mine", WAYS)
@pytest.mark.parametrize("theirs", WAYS)
def test_A48_somebody_owns_it_whoever_goes_at_once(
    project: Project, alice: User, bob: User, now: datetime, mine: str, theirs: str
) -> None:
    rows = Entry.objects.count()
    results = at_once([WAYS[mine](project, alice, bob, now), WAYS[theirs](project, bob, alice, now)])
    assert not ownership.without_owner().exists()
    assert all(result is not None for result in results)
    assert Entry.objects.count() - rows == sum(not isinstance(each, OtumatError) for each in results)  # A88


def test_A48_the_last_two_of_a_group_that_owns_it_do_not_both_leave(
    project: Project, alice: User, bob: User, now: datetime
) -> None:
    crew = groups.create_group("crew", "Crew", by=by(alice), at=now)
    groups.add_member(crew, bob, is_manager=True, by=by(alice), at=now)
    groups.join_group(crew, by=by(bob), at=now)
    actions.assign_role(project, crew, "owner", by=by(alice), at=now)
    at_once(
        [
            lambda: actions.remove_role(project, alice, by=by(alice), at=now),
            lambda: actions.remove_role(project, bob, by=by(bob), at=now),
            lambda: groups.remove_member(crew, alice, by=by(alice), at=now),
            lambda: groups.remove_member(crew, bob, by=by(bob), at=now),
            lambda: administration.deactivate(bob, by=command(), at=now),
        ]
    )
    assert not ownership.without_owner().exists()


def test_A40_an_invitation_is_taken_once(project: Project, alice: User, charlie: User, now: datetime) -> None:
    made = actions.invite(project, "maintainer", user=charlie, by=by(alice), at=now)
    results = at_once(
        [lambda: actions.accept(made.pk, by=by(charlie), at=now)] * 3
        + [lambda: actions.withdraw(project, made.pk, by=by(alice), at=now)]
    )
    assert sum(not isinstance(each, OtumatError) for each in results) == 1
    assert not Invitation.objects.exists()
    assert Entry.objects.filter(action__in=("role.accept", "invitation.withdraw")).count() == 1


def test_A47_who_is_removed_while_accepted_brings_nobody_in(
    project: Project, alice: User, bob: User, charlie: User, now: datetime
) -> None:
    made = actions.invite(project, "owner", user=charlie, by=by(alice), at=now)
    at_once(
        [
            lambda: actions.accept(made.pk, by=by(charlie), at=now),
            lambda: actions.remove_role(project, alice, by=by(bob), at=now),
        ]
    )
    serials = dict(Entry.objects.filter(action__in=("role.accept", "role.remove")).values_list("action", "serial"))
    assert "role.remove" in serials
    if Role.objects.filter(user=charlie).exists():
        assert serials["role.accept"] < serials["role.remove"]
