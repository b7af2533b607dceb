"""Route 3 for copies of Otumat 0.3: what they post is counted once."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otumat_index.accounts.models import FamilyToken
from otumat_index.journal.actor import command
from otumat_index.usage import actions
from otumat_index.usage.actions import legacy
from otumat_index.usage.legacy import uses
from otumat_index.usage.models import Install, LegacyPost
from otumat_index.usage.sealing import unseal
from otumat_index.usage.stores.orm import STORE

pytestmark = pytest.mark.django_db(databases="__all__")


def test_an_expired_token_is_told_in_exactly_the_words(old: Any, moment: Any) -> None:
    FamilyToken.objects.filter(is_refresh=False).update(expires_at=timezone.now())
    response = old.post((moment(), "import"))
    assert response.status_code == 401
    assert response.json()["error_msg"] == "Authorization Failed"
    assert "TokenExpiredError" in response.json()["error_desc"]


def test_K13_an_unknown_token_is_not_called_expired(old: Any, moment: Any) -> None:
    old.told["accessToken"] = "unknown"
    response = old.post((moment(), "import"))
    assert (response.status_code, response.json()["error_desc"]) == (401, "invalid_token")


def test_uses_are_counted_by_day_and_name(old: Any, moment: Any, counted: Any, project: Any) -> None:
    assert old.post((moment(), "import"), (moment(1), "fetch"), (moment(2), "fetch")).status_code == 200
    assert counted() == {"import": 1, "fetch": 2}
    where = STORE.places(project.pk, (timezone.now() - timedelta(days=2)).date(), "python")
    assert [each[0] for each in where] == ["3.11"]


def test_K17_after_a_lost_answer_the_same_uses_among_newer_ones_count_once(old: Any, moment: Any, counted: Any) -> None:
    rows = [(moment(n), "fetch") for n in range(5)]
    for much in (2, 2, 4, 5, 5):
        assert old.post(*rows[:much]).status_code == 200
    assert counted() == {"fetch": 5}


def test_K17_two_processes_that_post_the_same_uses_count_once_in_either_order(
    old: Any, moment: Any, counted: Any
) -> None:
    rows = [(moment(n), "fetch") for n in range(4)]
    for sent in (rows[:3], rows[:2], rows[1:], rows):
        assert old.post(*sent).status_code == 200
    assert counted() == {"fetch": 4}


def test_K17_uses_of_one_moment_are_as_many_as_came_together(old: Any, moment: Any, counted: Any) -> None:
    alike = (moment(), "fetch")
    assert old.post(alike, alike, (moment(), "import")).status_code == 200
    assert old.post(alike, alike, (moment(), "import"), alike).status_code == 200
    assert counted() == {"fetch": 3, "import": 1}


def test_K17_a_crash_between_noting_and_counting_loses_and_doubles_nothing(old: Any, moment: Any, counted: Any) -> None:
    rows: list[tuple[str, str]] = [(moment(), "import"), (moment(1), "fetch")]
    legacy.note(old.row, rows, at=timezone.now())
    assert counted() == {}
    assert old.post(*rows, (moment(2), "fetch")).status_code == 200
    assert counted() == {"import": 1, "fetch": 2}
    post = LegacyPost.objects.order_by("pk").last()
    assert post is not None
    assert not LegacyPost.objects.filter(waiting__isnull=False).exists()


def test_K17_a_crash_between_counting_and_noting_that_counts_once(old: Any, moment: Any, counted: Any) -> None:
    row: tuple[str, str] = (moment(), "import")
    legacy.note(old.row, [row], at=timezone.now())
    post = LegacyPost.objects.get()
    legacy.carry_over(old.row, post, at=timezone.now())  # this process ends before it wrote that it is done
    LegacyPost.objects.update(waiting=post.waiting)
    assert old.post(row).status_code == 200
    assert counted() == {"import": 1}


def test_marks_go_after_a_week_but_for_the_newest(old: Any, moment: Any) -> None:
    old.post((moment(), "import"))
    old.post((moment(1), "import"))
    LegacyPost.objects.update(received_at=timezone.now() - timedelta(days=8))
    old.post((moment(1), "import"))
    assert LegacyPost.objects.count() == 1


def test_marks_have_room_for_so_many_and_the_newest_stay(
    old: Any, moment: Any, counted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legacy, "MARKS_MAX_BYTES", 5 * uses.MARK_BYTES)
    for number in range(10):
        old.post((moment(number), "import"), (moment(number), "fetch"))
    assert [len(marks) for marks in LegacyPost.objects.values_list("marks", flat=True)] == [16, 16, 16]
    old.post((moment(9), "import"), (moment(9), "fetch"))
    assert counted() == {"import": 10, "fetch": 10}


def test_no_moment_is_kept(old: Any, moment: Any) -> None:
    at = moment()
    old.post((at, "import"))
    (told,) = STORE.batches(old.row.pk)
    body = gzip.decompress(unseal(old.row.body_key, STORE.body(old.row.pk, told.batch)))
    assert at[:10].encode() in body
    assert at[11:19].encode() not in body
    assert at[11:19].encode() not in bytes(LegacyPost.objects.get().marks)


def test_what_is_not_well_formed_is_refused_row_by_row(old: Any, moment: Any, counted: Any, project: Any) -> None:
    rows: list[Any] = [
        (moment(), "import"),
        (moment(), None),
        (5, "import"),
        ("yesterday", "import"),
        (moment(), "a/b"),
        ("", ""),
    ]
    rows += [(moment(), ["import"]), ({}, "import")]
    assert old.post(*rows).status_code == 200
    assert old.post((moment(), "x" * 100_000), (moment(), "undeclared")).status_code == 200
    assert counted() == {"import": 1}
    day = timezone.now().date()
    lost = {reason: times for reason, _, times in STORE.losses(project.pk, day, day)}
    assert lost == {"malformed": 8, "undeclared": 1}


@pytest.mark.parametrize("why", ["withdrawn", "stopped"])
def test_what_is_not_taken_any_more_is_not_noted_either(old: Any, moment: Any, project: Any, why: str) -> None:
    if why == "stopped":
        actions.set_collecting(project, is_on=False, by=command(), at=timezone.now())
    else:
        Install.objects.update(withdrawn_at=timezone.now())
    assert old.post((moment(), "import")).status_code == 410
    assert not LegacyPost.objects.exists()


def test_uses_before_the_consent_and_after_tomorrow_are_refused(old: Any, moment: Any, counted: Any) -> None:
    assert old.post((moment(-3 * 86400), "import"), (moment(3 * 86400), "import")).status_code == 200
    assert counted() == {}


def test_K34_a_large_buffer_is_taken_in_parts_a_larger_one_is_refused_in_json(
    old: Any, moment: Any, counted: Any
) -> None:
    Install.objects.update(consented_on="2026-01-01")
    start = datetime.fromisoformat(moment())
    rows = [
        ((start - timedelta(minutes=n)).strftime("%Y-%m-%d %H:%M:%S.%f"), ("import", "fetch")[n % 2])
        for n in range(20_000)
    ]
    assert old.post(*rows).status_code == 200
    assert counted() == {"import": 10_000, "fetch": 10_000}
    response = old.send(b" " * (uses.POST_MAX_BYTES + 1))
    assert (response.status_code, response.json()["error_desc"]) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [b" ", b"[]", b"{", b"null", b'{"rows": []}', b"[" * 100_000, '{"rows": [["é"]]}'.encode("latin-1")],
)
def test_K14_what_is_no_post_is_refused_in_json(old: Any, body: bytes) -> None:
    response = old.send(body)
    assert response.status_code == 400
    assert set(response.json()) == {"ok", "error_msg", "error_desc"}


@pytest.mark.parametrize(
    "more",
    [{"headers": ["event_date"]}, {"rows": "ab"}, {"rows": [[1]]}, {"rows": {"a": 1}}, {"rows": [{"a": 1, "b": 2}, 3]}],
)
def test_another_shape_is_refused(old: Any, more: dict[str, Any]) -> None:
    assert old.post(**more).status_code == 400


def test_a_withdrawn_install_is_refused_and_an_erased_one_is_gone(old: Any, moment: Any, counted: Any) -> None:
    old.post((moment(), "import"))
    row = old.row
    actions.withdraw_install(row, at=timezone.now())
    assert old.post((moment(1), "import")).status_code == 401
    actions.erase_install(row, at=timezone.now())
    assert not LegacyPost.objects.exists()
    assert old.post((moment(1), "import")).status_code == 401
    assert counted() == {"import": 1}
