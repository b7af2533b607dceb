from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat.errors import Invalid
from otumat.spec.event import Batch, Row, Use, Verdict, Where, add_up, read_batch, verdicts, write_batch
from otumat.spec.manifest import DeclaredEvent

HERE = Where("1.2", "3.12", "linux", "x86_64", False)
BATCH = Batch(
    install="i1",
    project="hostpkg",
    batch="5d41402abc4b2a76b9719d911017c592",
    sequence=7,
    agent="otumat 1.0",
    rows=(Row(Use("2026-11-20", "import", (), HERE), 12), Row(Use("2026-11-21", "fetch", (("b", "x"),), HERE), 3)),
    lost={"room": {"fetch": 40}},
)
DECLARED = {
    "import": DeclaredEvent("import", expires=date(2026, 11, 20)),
    "fetch": DeclaredEvent("fetch", properties=(("b", ("x", "y")),)),
}

uses = st.builds(
    Use,
    st.sampled_from(["2026-11-20", "2026-11-21"]),
    st.sampled_from(["import", "fetch"]),
    st.sampled_from([(), (("b", "x"),), (("b", "y"),)]),
    st.sampled_from([HERE, Where(), Where(ci=True)]),
)


@given(st.lists(uses, max_size=40), st.integers(0, 40))
def test_adding_up_halves_is_adding_up_the_whole(found: list[Use], cut: int) -> None:
    halves = [*add_up(found[:cut]), *add_up(found[cut:])]
    again = add_up(use for use, times in halves for _ in range(times))
    assert again == add_up(found)
    assert sum(row.times for row in again) == len(found)


@given(st.lists(uses, max_size=40))
def test_what_is_written_is_read_back(found: list[Use]) -> None:
    batch = replace(BATCH, rows=tuple(add_up(found)))
    back = read_batch(write_batch(batch))
    assert sorted(back.rows) == sorted(batch.rows)
    assert replace(back, rows=()) == replace(batch, rows=())


def test_equal_batches_are_equal_bytes() -> None:
    assert write_batch(BATCH) == write_batch(replace(BATCH, lost={"room": {"fetch": 40}}))


def test_nothing_leaves_but_what_is_named() -> None:
    value = json.loads(write_batch(BATCH))
    assert set(value) == {
        *("batch", "sequence", "install", "project", "manifest", "wording", "agent", "uses", "lost"),
    }
    assert set(value["uses"][0]) == {"release", "python", "system", "machine", "ci", "rows"}
    assert value["uses"][0]["rows"][0] == ["2026-11-20", "import", {}, 12]


def spoiled(**changes: Any) -> bytes:
    return json.dumps({**json.loads(write_batch(BATCH)), **changes}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        spoiled(batch="short"),
        spoiled(batch=7),
        spoiled(sequence=-1),
        spoiled(sequence=True),
        spoiled(install="a b"),
        spoiled(install="x" * 65),
        spoiled(uses={}),
        spoiled(uses=[{"rows": [["2026-11-20", "import", {}]]}]),
        spoiled(uses=[{"rows": [["2026-11-20", "import", {}, "3"]]}]),
        spoiled(uses=[{"rows": [["2026-11-20", "import", {"a": 1}, 3]]}]),
        spoiled(uses=[{"rows": [["2026-11-20", "import", {}, 10**10]]}]),
        spoiled(uses=[{"rows": [["2026-11-20", f"e{n}", {}, 1] for n in range(2001)]}]),
        spoiled(lost={"room": {"fetch": -1}}),
        spoiled(lost=[]),
        b" " * (1024 * 1024 + 1),
    ],
    ids=range(20),
)
def test_what_is_no_batch_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Invalid):
        read_batch(body)


def test_a_place_that_looks_like_text_is_unknown() -> None:
    body = spoiled(uses=[{"release": "1.0 <b>", "python": 3, "machine": "x" * 99, "rows": []}])
    assert read_batch(body).rows == ()
    row = [["2026-11-20", "import", {}, 1]]
    batch = read_batch(spoiled(uses=[{"release": "1.0 <b>", "system": "linux", "python": None, "rows": row}]))
    assert batch.rows[0].use.where == Where(system="linux")


@pytest.mark.parametrize(
    ("day", "name", "properties", "times", "code"),
    [
        ("2026-11-20", "import", (), 1, ""),
        ("2026-11-21", "import", (), 1, "expired"),
        ("2026-11-21", "fetch", (("b", "y"),), 1, ""),
        ("2026-11-21", "fetch", (("b", "z"),), 1, "undeclared"),
        ("2026-11-21", "fetch", (("c", "x"),), 1, "undeclared"),
        ("2026-11-21", "delete", (), 1, "undeclared"),
        ("2026-11-18", "fetch", (), 1, "before_consent"),
        ("2026-11-23", "fetch", (), 1, ""),
        ("2026-11-24", "fetch", (), 1, "future"),
        ("yesterday", "fetch", (), 1, "malformed"),
        ("2026-11-21", "fetch", (), 0, "malformed"),
        ("2026-11-21", "<script>", (), 1, "malformed"),
    ],
)
def test_every_row_is_judged_by_itself(
    day: str, name: str, properties: tuple[tuple[str, str], ...], times: int, code: str
) -> None:
    good = Row(Use("2026-11-21", "fetch"), 1)
    batch = replace(BATCH, rows=(good, Row(Use(day, name, properties, HERE), times)))
    found = verdicts(batch, DECLARED, consented=date(2026, 11, 19), today=date(2026, 11, 22))
    assert found == ([Verdict(1, code)] if code else [])


def test_a_very_old_row_is_refused() -> None:
    batch = replace(BATCH, rows=(Row(Use("2025-01-01", "fetch"), 1),))
    assert verdicts(batch, DECLARED, consented=date(2024, 1, 1), today=date(2026, 11, 22)) == [Verdict(0, "too_old")]


def test_without_a_manifest_any_bare_name_will_do_and_no_property() -> None:
    rows = (Row(Use("2026-11-21", "anything"), 1), Row(Use("2026-11-21", "fetch", (("b", "x"),)), 1))
    found = verdicts(replace(BATCH, rows=rows), None, consented=date(2026, 1, 1), today=date(2026, 11, 22))
    assert found == [Verdict(1, "undeclared")]


def test_U16_a_thousand_uses_no_two_alike_take_at_most_four_bytes_each_on_the_wire() -> None:
    """With 600 bytes left for the head of the request; uses that are alike are one row, and take less."""
    uses = [Use("2026-11-20", f"feature-{n % 20}", (("way", f"v{n // 20}"),), HERE) for n in range(1000)]
    batch = replace(BATCH, install="Zk3" + "x" * 29, manifest=f"sha256:{'0a1b' * 16}", rows=tuple(add_up(uses)))
    assert len(batch.rows) == 1000
    assert len(gzip.compress(write_batch(batch))) <= 4 * 1000 - 600
