"""Route 2 and the install's own door: made, looked at, withdrawn, erased."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connections
from django.utils import timezone

from otumat_index.accounts.models import InstallSecret, User
from otumat_index.accounts.rules import digest
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions as publish
from otumat_index.usage import actions
from otumat_index.usage.models import Erasure, Install
from otumat_index.usage.stores import routing
from otumat_index.usage.stores.models import Activity, Batch
from otumat_index.usage.stores.orm import STORE

pytestmark = pytest.mark.django_db(databases="__all__")


def test_an_anonymous_install_gets_tokens_and_a_random_id(copy: Any) -> None:
    told = copy().told
    assert (told["token_type"], told["scope"], told["expires_in"]) == ("Bearer", "usage", 3600)
    assert len({told["access_token"], told["refresh_token"], told["install"]}) == 3
    kept = every_row()
    assert not any(text in kept or digest(text) in kept for text in (told["access_token"], told["refresh_token"]))
    assert told["install"] not in kept


def test_the_first_manifest_in_a_wheel_turns_the_collection_on(project: Any, ask: Any) -> None:
    assert ask().status_code == 201
    assert Entry.objects.filter(action="usage.collect", topic="roundup").count() == 1


def test_a_project_without_a_manifest_collects_only_if_its_owner_says_so(
    upload: Any, wheel: Any, alice: User, ask: Any, now: Any
) -> None:
    from otumat_index.publish.models import Project

    upload(alice, wheel())
    assert ask().status_code == 404
    actions.set_collecting(Project.objects.get(), is_on=True, by=command(), at=now)
    assert ask().status_code == 201


def test_a_private_project_is_not_there_for_strangers(project: Any, ask: Any, now: Any) -> None:
    assert ask("1" * 32).status_code == 201
    publish.set_visibility(project, is_private=True, by=command(), at=now)
    hidden, missing = ask("2" * 32), ask("3" * 32, project="missing")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["error"]["message"].replace("roundup", "missing") == missing.json()["error"]["message"]


def test_a_project_that_wants_a_person_takes_no_anonymous_install(
    upload: Any, wheel: Any, alice: User, ask: Any
) -> None:
    manifest = b'project = "roundup"\npurpose = "x"\naccount = "required"\n'
    upload(alice, wheel(members={"roundup/otumat-usage.toml": manifest}))
    answer = ask()
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "account_required")


@pytest.mark.parametrize(
    "wrong",
    [
        *({"project": ""}, {"project": 7}, {"release": "a b"}, {"manifest": "sha256:x"}, {"since": "x"}),
        *({"wording": "x"}, {"wording": "9" * 5000}),
    ],
)
def test_a_malformed_request_makes_nothing(project: Any, ask: Any, wrong: dict[str, Any]) -> None:
    assert ask(**wrong).status_code == 400
    assert ask("no key").status_code == 400
    assert not Install.objects.exists()


def test_the_same_key_again_ends_the_install_that_was_never_heard_of(copy: Any, ask: Any, today: str) -> None:
    first, second = ask("a" * 32).json(), ask("a" * 32).json()
    assert first["install"] != second["install"]
    assert [each.name for each in Install.objects.all()] == [second["install"]]


def test_the_same_key_again_leaves_an_install_that_has_sent(copy: Any, ask: Any, today: str) -> None:
    one = copy()
    assert one.send(one.batch([today, "import", {}, 1])).status_code == 200
    assert ask(f"{1:032x}").status_code == 403
    assert one.send(one.batch([today, "import", {}, 1])).status_code == 200


def test_an_install_sees_all_that_is_kept_of_it(copy: Any, today: str) -> None:
    one = copy()
    batch = one.batch([today, "import", {}, 1])
    sha256 = one.send(batch).json()["sha256"]
    told = one.own("GET").json()
    assert (told["project"], told["consent"]["since"]) == ("roundup", today)
    assert [(each["batch"], each["sha256"]) for each in told["batches"]] == [(batch["batch"], sha256)]
    assert one.own("GET", f"?batch={batch['batch']}").content == json.dumps(batch).encode()


def test_A90_another_install_is_not_there(copy: Any, today: str) -> None:
    one, two = copy(), copy()
    for method, query in (("GET", ""), ("DELETE", ""), ("DELETE", "?erase=1")):
        assert one.own(method, query, of=two.told["install"]).status_code == 404
    assert two.send(two.batch([today, "import", {}, 1])).status_code == 200


def test_A90_nothing_is_taken_after_withdrawal(copy: Any, counted: Any, today: str) -> None:
    one = copy()
    one.send(one.batch([today, "import", {}, 1]))
    assert one.own("DELETE").status_code == 200
    answer = one.send(one.batch([today, "import", {}, 1]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "withdrawn")
    assert one.refresh(one.told["refresh_token"]).json()["error"] == "invalid_grant"
    assert (counted(), one.own("DELETE").status_code) == ({"import": 1}, 200)
    assert Entry.objects.filter(action="install.withdraw").count() == 1


def test_U14_erasing_leaves_the_counts_and_nothing_of_the_install(copy: Any, counted: Any, today: str) -> None:
    one, other = copy(), copy()
    for each in (one, other):
        each.send(each.batch([today, "import", {}, 2]))
    told = one.own("DELETE", "?erase=1").json()
    assert (told["receipt"]["install"], told["receipt"]["batches"]) == (one.told["install"], 1)
    text = json.dumps(told["receipt"], sort_keys=True, separators=(",", ":")).encode()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(told["key"]))
    key.verify(base64.b64decode(told["signature"]), text)
    assert counted() == {"import": 4}
    assert (Batch.objects.count(), Activity.objects.count(), Install.objects.count()) == (1, 1, 1)
    assert set(InstallSecret.objects.values_list("family__pk", "secret")) == {
        (None, bytes(32)),
        (other.row.family_id, bytes(other.row.family.secret.secret)),
    }
    assert one.send(one.batch([today, "import", {}, 1])).status_code == 401


def every_row() -> str:
    """All of both databases, as text."""
    found = []
    for alias in {"default", routing.alias()}:
        with connections[alias].cursor() as cursor:
            for table in connections[alias].introspection.table_names(cursor):
                cursor.execute(f'SELECT * FROM "{table}"')
                found += [bytes(each) if isinstance(each, memoryview) else each for row in cursor for each in row]
    return repr(found)


def test_an_erasure_that_was_cut_short_is_finished_later(copy: Any, today: str) -> None:
    one = copy()
    one.send(one.batch([today, "import", {}, 1]))
    number = one.row.pk
    Erasure.objects.create(install=number, asked_at="2026-03-01T00:00:00Z")
    actions.finish_erasures(at=timezone.now())
    assert (Batch.objects.exists(), Erasure.objects.get().is_done) == (False, True)


def test_A90_a_batch_that_was_under_way_at_an_erasure_is_not_taken(copy: Any, counted: Any, today: str) -> None:
    one = copy()
    STORE.close(one.row.pk)  # what erasing does first, while the request has passed its check of the catalogue
    assert one.send(one.batch([today, "import", {}, 1])).status_code == 410
    assert counted() == {}


def test_the_journal_names_the_project_and_never_the_install(copy: Any) -> None:
    one = copy()
    one.own("DELETE", "?erase=1")
    rows = Entry.objects.filter(action__startswith="install.")
    assert [(row.action, row.subject, row.topic) for row in rows.order_by("serial")] == [
        ("install.create", "roundup", ""),
        ("install.erase", "roundup", ""),
    ]
    assert one.told["install"] not in repr([(row.subject, row.data, row.actor, row.credential) for row in rows])


def test_a_consent_that_was_given_offline_counts_from_its_day(project: Any, ask: Any, client: Any) -> None:
    day = (timezone.now() - timedelta(days=3)).date()
    assert ask(since=day.isoformat()).status_code == 201
    assert Install.objects.get().consented_on == day
