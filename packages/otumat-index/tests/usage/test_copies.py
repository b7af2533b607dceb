"""U17: an image with a yes in it is one install, however often it is started; its copies are counted beside."""

from __future__ import annotations

import gzip
import itertools
import json
import secrets
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otumat_index.usage import actions, queries
from otumat_index.usage.actions import copies
from otumat_index.usage.models import CopiesOnDay, ImageCopy, Install
from otumat_index.usage.stores.orm import STORE

pytestmark = pytest.mark.django_db(databases="__all__")


class Started:
    """A copy of an image that an install is in: its proof is all that it uses of what it found."""

    def __init__(self, built: Any) -> None:
        self.built, self.name = built, secrets.token_hex(16)

    def batch(self, *rows: list[Any], **more: Any) -> dict[str, Any]:
        return {**self.built.batch(*rows), "batch": secrets.token_hex(16), "sequence": 1, "copy": self.name, **more}

    def send(self, batch: dict[str, Any]) -> Any:
        return self.built.send(batch, Authorization=f"Bearer {self.built.told['proof']}")


def in_use(built: Any) -> dict[str, Any]:
    """Everything that a store says of installs."""
    project, long = built.row.project_id, (date.min, date.max)
    return {
        "active": STORE.active(project, *long),
        "users": STORE.users(project, date.min),
        "places": [STORE.places(project, date.min, kind) for kind in ("release", "python", "system", "ci")],
        "kept": STORE.kept(project, *long),
        "gaps": STORE.losses(project, *long),
    }


def test_U17_an_image_started_a_thousand_times_is_one_install_and_a_thousand_copies(
    copy: Any, counted: Any, today: str
) -> None:
    built = copy()
    built.send(built.batch([today, "import", {}, 1]))
    before = in_use(built)
    row, now = built.row, timezone.now()
    for number in range(1000):
        batch = Started(built).batch([today, "import", {}, 2])
        packed = gzip.compress(json.dumps(batch).encode())
        for again in (False, True)[: 2 if number % 20 == 0 else 1]:  # some answers get lost
            told = actions.accept_events(row, packed, key=batch["batch"], is_copy=True, at=now)
            assert (told.counted, told.replayed) == (2, again)
    assert Install.objects.count() == 1
    assert queries.copies(built.row.project, date.min, date.max) == {timezone.now().date(): 1000}
    assert counted() == {"import": 2001}
    assert in_use(built) == before
    assert built.refresh(built.told["refresh_token"]).status_code == 200
    assert built.own("GET").json()["copies"] == 1000


def test_U17_a_copy_counts_once_however_often_it_tells(copy: Any, counted: Any, today: str) -> None:
    started = Started(copy())
    for _ in range(3):
        started.send(started.batch([today, "import", {}, 1]))
    actions.note_copy(started.built.row, started.name, on=timezone.now().date() + timedelta(1))
    assert list(CopiesOnDay.objects.values_list("copies", flat=True)) == [1]
    assert counted() == {"import": 3}


def test_U17_owners_see_copies_beside_installs(copy: Any, alice: Any, client: Any, auth: Any, today: str) -> None:
    built = copy()
    for _ in range(3):
        started = Started(built)
        started.send(started.batch([today, "import", {}, 1]))
    answer = client.get("/api/v1/project/roundup/usage", headers={"Accept": "application/json", **auth(alice)}).json()
    assert (answer["installs"], answer["image_copies"], answer["times"]) == (1, 3, 3)
    assert [row["copies"] for row in answer["copies"] if row["copies"]] == [3]
    assert [row["monthly"] for row in answer["active"] if row["monthly"]] == []
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get("/manage/project/roundup/usage/").content.decode()
    assert '<section class="section" aria-labelledby="copies">' in page
    assert "What 1 install tell" in page


def test_U17_whoever_makes_copies_up_is_bounded(copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "COPIES_A_DAY", 3)
    built, day = copy().row, timezone.now().date()
    for name, on in itertools.product(range(5), (day, day + timedelta(1))):
        actions.note_copy(built, f"{name:032x}{on}", on=on)
    assert list(CopiesOnDay.objects.order_by("day").values_list("copies", flat=True)) == [3, 3]


def test_U17_what_a_copy_says_needs_the_proof_and_the_proof_tells_of_copies_only(
    copy: Any, counted: Any, today: str
) -> None:
    built, other = copy(), copy()
    started = Started(built)
    wrong = [
        built.send(started.batch([today, "import", {}, 1])),
        started.send(started.batch([today, "import", {}, 1], copy="")),
        started.send(started.batch([today, "import", {}, 1], copy="alice")),
        started.send(started.batch([today, "import", {}, 1], install=other.told["install"])),
    ]
    assert [answer.status_code for answer in wrong] == [400] * 4
    proof = built.told["proof"]
    for forged in (proof[:-1], proof.replace(".proof.", "."), f"9{proof}", other.told["proof"]):
        answer = built.send(started.batch([today, "import", {}, 1]), Authorization=f"Bearer {forged}")
        assert answer.status_code == (400 if forged == other.told["proof"] else 401)
    assert counted() == {}
    assert not ImageCopy.objects.exists()


def test_U17_copies_hear_that_the_install_was_withdrawn(copy: Any, today: str) -> None:
    started = Started(copy())
    started.built.own("DELETE")
    answer = started.send(started.batch([today, "import", {}, 1]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "withdrawn")


def test_U17_whoever_built_the_image_sees_what_copies_told_by_the_proof_alone(copy: Any, today: str) -> None:
    built = copy()
    started = Started(built)
    started.send(started.batch([today, "import", {}, 7]))
    built.own("DELETE")
    built.refresh(built.told["refresh_token"])
    door, proof = f"/api/usage-install/{built.told['install']}", {"Authorization": f"Bearer {built.told['proof']}"}
    link = built.client.post(f"{door}/visits", headers=proof).json()["url"]
    built.client.post("/usage/visit/" + link.split("/visit/")[1])
    page = built.client.get("/usage/mine/").content.decode()
    assert "<dd>1 told in the last 90 days" in page
    assert "<dd>7 uses, in 1 request</dd>" in page


def test_U14_U17_erasing_the_install_erases_what_its_copies_told(copy: Any, counted: Any, today: str) -> None:
    built = copy()
    number = built.row.pk
    for _ in range(3):
        started = Started(built)
        started.send(started.batch([today, "import", {}, 1]))
    assert built.own("DELETE", "?erase=1").json()["receipt"]["batches"] == 3
    assert (STORE.batches(number), ImageCopy.objects.count()) == ([], 0)
    assert started.send(started.batch([today, "import", {}, 1])).status_code == 401
    assert counted() == {"import": 3}
    assert list(CopiesOnDay.objects.values_list("copies", flat=True)) == [3]


def test_U17_copies_that_fell_silent_are_forgotten_and_their_number_stays(copy: Any) -> None:
    built, day = copy().row, timezone.now().date()
    actions.note_copy(built, "a" * 32, on=day - timedelta(copies.KEPT_DAYS + 1))
    actions.note_copy(built, "b" * 32, on=day - timedelta(copies.KEPT_DAYS))
    actions.forget_copies(today=day)
    assert (ImageCopy.objects.count(), sum(queries.copies(built.project, date.min, day).values())) == (1, 2)


def test_an_install_from_before_there_were_proofs_gets_one_at_its_next_refresh(copy: Any) -> None:
    built = copy()
    built.row.family.__class__.objects.update(proof_digest="")
    told = built.refresh(built.told["refresh_token"]).json()
    assert "proof" not in built.refresh(told["refresh_token"]).json()
    answer = built.client.delete(
        f"/api/usage-install/{told['install']}", headers={"Authorization": f"Bearer {told['proof']}"}
    )
    assert answer.status_code == 200
