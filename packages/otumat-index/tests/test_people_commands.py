"""The operator's `role`, `user list`, `user disable` and `user enable`."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from otumat.errors import Conflict, NotFound
from otumat_index import cli, commands
from otumat_index.accounts.models import User
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Role

pytestmark = pytest.mark.django_db


def test_D31_an_operator_gives_changes_and_takes_roles(alice: User, bob: User) -> None:
    assert commands.set_role("Brand.New", "alice", "owner") == "'alice' owns 'Brand.New' now."
    assert commands.set_role("brand-new", "bob", "maintainer") == "'bob' is maintainer of 'Brand.New' now."
    assert commands.set_role("brand-new", "bob", "none") == "'bob' has no role in 'Brand.New' any more."
    assert [(role.holder, role.kind) for role in Role.objects.all()] == [("alice", "owner")]
    assert set(Entry.objects.filter(topic="brand-new").values_list("credential", flat=True)) == {"cli"}
    with pytest.raises(Conflict):
        commands.set_role("brand-new", "alice", "none")
    for project, login in (("nothing", "alice"), ("brand-new", "nobody"), ("brand-new", "group:nobody")):
        with pytest.raises(NotFound):
            commands.set_role(project, login, "reader")


def test_A48_an_operator_disables_and_enables(alice: User, bob: User) -> None:
    commands.set_role("brand-new", "alice", "owner")
    with pytest.raises(Conflict):
        commands.disable_user("alice", anyway=False)
    assert "disabled" in commands.disable_user("ALICE", anyway=True)
    assert commands.list_users("alice") == ["alice  alice@example.org  disabled"]
    assert commands.enable_user("alice") == "'alice' may sign in again."
    assert len(commands.list_users("")) == 2


def test_an_operator_helps_who_lost_a_factor(alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Conflict):
        commands.reset_factors("alice")
    Authenticator.objects.bulk_create(
        [Authenticator(user=alice, type=type, data={}) for type in ("totp", "recovery_codes")]
    )
    assert cli.main(["user", "reset-factors", "alice"]) == 2, "nobody can be asked in a test"
    assert "add --yes" in capsys.readouterr().err
    assert "no second factor any more" in commands.reset_factors("ALICE")
    assert not Authenticator.objects.exists()
    row = Entry.objects.latest("serial")
    assert (row.action, row.subject, row.credential, row.data) == ("user.factors", "alice", "cli", {"count": 1})


@pytest.mark.parametrize(
    "words",
    [
        ["user", "reset-factors", "a", "--yes"],
        ["role", "x", "alice", "owner"],
        ["user", "list"],
        ["user", "disable", "a"],
        ["user", "enable", "a"],
    ],
)
def test_the_commands_are_there(words: list[str]) -> None:
    args: Any = cli.parser().parse_args(words)
    assert callable(args.run)
