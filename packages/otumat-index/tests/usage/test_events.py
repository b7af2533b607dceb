"""Route 3: what is taken, what is refused, and that each batch counts once (U12, A90)."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from otumat.spec.event import BATCH_MAX_BYTES
from otumat.spec.manifest import MAX_EVENTS
from otumat_index.accounts.models import FamilyToken
from otumat_index.journal.actor import command
from otumat_index.publish.models import File, Project
from otumat_index.usage import actions
from otumat_index.usage.models import Manifest
from otumat_index.usage.stores.models import Loss

pytestmark = pytest.mark.django_db(databases="__all__")


def test_a_batch_is_counted_row_by_row(copy: Any, counted: Any, today: str) -> None:
    one = copy()
    answer = one.send(one.batch([today, "import", {}, 12], [today, "fetch", {"backend": "mysql"}, 3]))
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["counted"], told["refused"], told["replayed"]) == (15, [], False)
    assert counted() == {"fetch": 3, "import": 12}


def test_U12_the_same_batch_again_counts_nothing_and_tells_the_same(copy: Any, counted: Any, today: str) -> None:
    one = copy()
    batch = one.batch([today, "import", {}, 12], [today, "unheard", {}, 1])
    first, second = one.send(batch).json(), one.send(batch).json()
    assert second == {**first, "replayed": True}
    assert first["refused"] == [{"row": 1, "code": "undeclared"}]
    assert counted() == {"import": 12}


def test_U12_the_id_of_a_batch_with_other_bytes_is_a_conflict(copy: Any, counted: Any, today: str) -> None:
    one = copy()
    batch = one.batch([today, "import", {}, 1])
    one.send(batch)
    answer = one.send({**batch, "sequence": 9})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "batch_differs")
    assert counted() == {"import": 1}


def test_two_copies_may_have_chosen_one_id(copy: Any, counted: Any, today: str) -> None:
    for one in (copy(), copy()):
        assert one.send(one.batch([today, "import", {}, 1], batch="a" * 32)).json()["replayed"] is False
    assert counted() == {"import": 2}


def test_A90_each_refused_row_has_its_reason(copy: Any, counted: Any, today: str) -> None:
    one = copy()
    now = timezone.now().date()
    rows = {
        "malformed": ["yesterday", "import", {}, 1],
        "undeclared": [today, "fetch", {"backend": "alice"}, 1],
        "before_consent": [(now - timedelta(1)).isoformat(), "import", {}, 1],
        "future": [(now + timedelta(2)).isoformat(), "import", {}, 1],
    }
    told = one.send(one.batch(*rows.values(), [today, "import", {}, 5])).json()
    assert [each["code"] for each in told["refused"]] == list(rows)
    assert counted() == {"import": 5}
    assert dict(Loss.objects.values_list("reason", "times")) == dict.fromkeys(rows, 1)


def test_A90_without_a_manifest_copies_make_up_as_many_names_as_one_could_declare(
    project: Project, copy: Any, counted: Any, today: str
) -> None:
    one, two = copy(), copy()
    Manifest.objects.all().delete()
    File.objects.update(is_yanked=True)  # nor is there a wheel to find one in
    first = one.send(one.batch(*([today, f"made-{number:03}", {}, 1] for number in range(MAX_EVENTS - 1)))).json()
    assert (first["counted"], first["refused"]) == (MAX_EVENTS - 1, [])
    rows = [today, "old", {"a": "b"}, 1], [today, "new-b", {}, 1], [today, "made-007", {}, 2], [today, "new-a", {}, 4]
    second = two.send(two.batch(*rows, lost={"room": {"made-008": 5, "new-b": 6}})).json()
    assert second["refused"] == [{"row": 0, "code": "undeclared"}, {"row": 1, "code": "undeclared"}]
    assert (len(counted()), counted()["made-007"], counted()["new-a"]) == (MAX_EVENTS, 3, 4)
    assert set(Loss.objects.values_list("reason", "event", "times")) == {
        ("undeclared", "", 2), ("room", "made-008", 5), ("room", "", 6)
    }  # fmt: skip


def test_A90_without_a_manifest_refused_rows_leave_no_names(copy: Any, today: str) -> None:
    """Else days that are none would let a copy make up as many as it likes."""
    one = copy()
    Manifest.objects.all().delete()
    File.objects.update(is_yanked=True)
    late = (timezone.now().date() + timedelta(2)).isoformat()
    rows = [[late, f"made-{number}", {}, 1] for number in range(5)]
    assert one.send(one.batch([today, "import", {}, 1], [late, "import", {}, 7], *rows)).json()["counted"] == 1
    assert set(Loss.objects.values_list("event", "times")) == {("import", 7), ("", 5)}


def test_what_a_client_lost_is_kept_beside_the_counts(copy: Any, today: str) -> None:
    one = copy()
    one.send(one.batch([today, "import", {}, 1], lost={"room": {"fetch": 40}}))
    assert Loss.objects.get().times == 40


def test_A90_a_token_tells_for_its_own_install_only(copy: Any, counted: Any, today: str) -> None:
    one, two = copy(), copy()
    for wrong in ({"install": two.told["install"]}, {"project": "another"}):
        answer = one.send(one.batch([today, "import", {}, 1], **wrong))
        assert (answer.status_code, answer.json()["ok"]) == (400, False)
    answer = one.send(one.batch([today, "import", {}, 1]), **{"Idempotency-Key": "f" * 32})
    assert answer.status_code == 400
    assert counted() == {}


@pytest.mark.parametrize(
    ("packed", "status"),
    [
        (b"no gzip", 400),
        (gzip.compress(b"no json"), 400),
        (gzip.compress(b"{}"), 400),
        (gzip.compress(b"[" * 100_000), 400),
        (gzip.compress(b"{}") + b"more", 400),
        (gzip.compress(b"{}")[:-4], 400),
        (gzip.compress(b" " * (BATCH_MAX_BYTES + 1)), 413),
        (b"x" * (BATCH_MAX_BYTES + 1), 413),
    ],
    ids=["plain", "text", "empty", "deep", "more behind", "cut off", "A90 bomb", "A90 oversized"],
)
def test_what_is_no_batch_is_put_aside_by_the_client(copy: Any, packed: bytes, status: int) -> None:
    answer = copy().send_bytes(packed, "0" * 32)
    assert (answer.status_code, answer.json()["ok"]) == (status, False)


def test_other_forms_are_not_taken(copy: Any, today: str) -> None:
    one = copy()
    assert one.send(one.batch([today, "import", {}, 1]), **{"Content-Encoding": "identity"}).status_code == 415


def test_A90_no_token_or_an_expired_one_tells_nothing(copy: Any, counted: Any, today: str) -> None:
    one = copy()
    batch = one.batch([today, "import", {}, 1])
    assert one.send(batch, Authorization="Bearer unknown").status_code == 401
    assert one.send(batch, Authorization=f"Bearer {one.told['refresh_token']}").status_code == 401
    FamilyToken.objects.update(expires_at=timezone.now())
    assert one.send(batch).json()["error"]["code"] == "invalid_token"
    assert counted() == {}


def test_A90_the_token_of_an_install_opens_nothing_else(copy: Any) -> None:
    one = copy()
    for path in ("/api/v1/whoami", "/api/v1/tokens", "/api/v1/project/roundup/journal"):
        assert one.client.get(path, headers=one.bearer).status_code == 401


def test_A90_a_persons_token_tells_nothing(copy: Any, alice: Any, token_of: Any, today: str) -> None:
    one = copy()
    answer = one.send(one.batch([today, "import", {}, 1]), Authorization=f"Bearer {token_of(alice)}")
    assert answer.status_code == 401


def test_a_project_that_stopped_says_so(copy: Any, project: Any, ask: Any, counted: Any, today: str) -> None:
    one = copy()
    actions.set_collecting(project, is_on=False, by=command(), at=timezone.now())
    answer = one.send(one.batch([today, "import", {}, 1]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "stopped")
    assert (ask("e" * 32).status_code, counted()) == (410, {})


def test_uses_of_a_release_that_the_index_does_not_know_are_other(copy: Any, project: Any, today: str) -> None:
    from otumat_index.usage.stores.models import Count

    one = copy()
    batch = one.batch([today, "import", {}, 1])
    batch["uses"] += [
        {"release": "1.0.0", "rows": [[today, "import", {}, 2]]},
        {"release": "66.6", "rows": [[today, "import", {}, 4]]},
        {"rows": [[today, "import", {}, 8]]},
    ]
    assert one.send(batch).json()["counted"] == 15
    assert dict(Count.objects.values_list("release", "times")) == {"1.0": 3, "other": 4, "": 8}


def test_a_batch_costs_few_queries(copy: Any, today: str, django_assert_max_num_queries: Any) -> None:
    one = copy()
    one.send(one.batch([today, "import", {}, 1]))
    rows = [[today, "fetch", {"backend": backend}, 1] for backend in ("mysql", "other")] * 200
    with django_assert_max_num_queries(12):
        assert json.loads(one.send(one.batch(*rows)).content)["counted"] == 400
