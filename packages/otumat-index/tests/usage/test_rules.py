"""What is declared, and what a batch adds up to."""

from __future__ import annotations

from datetime import date

import pytest

from otumat.spec.event import Row, Use, Verdict, Where
from otumat.spec.manifest import from_table
from otumat_index.usage import rules
from otumat_index.usage.stores.protocol import Key

DAY = date(2026, 3, 1)


def manifest(*events: dict[str, object], **more: object) -> object:
    return from_table({"project": "roundup", "purpose": "x", "event": list(events), **more})


def event(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "purpose": "x", **more}


def test_a_project_without_manifests_declared_nothing() -> None:
    assert rules.merged([]) is None


def test_releases_of_all_ages_may_tell_what_theirs_declared() -> None:
    old = manifest(event("fetch", properties={"backend": ["mysql"]}), event("gone"))
    new = manifest(event("fetch", properties={"backend": ["sqlite"], "size": ["big"]}))
    found = rules.merged([old, new])  # type: ignore[list-item]
    assert found is not None
    assert found["fetch"].properties == (("backend", ("mysql", "sqlite")), ("size", ("big",)))
    assert "gone" in found


def test_the_newest_manifest_says_how_long() -> None:
    old, new = manifest(event("fetch"), expires="2027-01-01"), manifest(event("fetch", expires="2028-01-01"))
    for given, last in (([old], date(2027, 1, 1)), ([old, new], date(2028, 1, 1)), ([new, old], date(2027, 1, 1))):
        found = rules.merged(given)  # type: ignore[arg-type]
        assert found is not None
        assert found["fetch"].expires == last


def test_equal_rows_add_up_and_refused_ones_do_not() -> None:
    use = Use("2026-03-01", "fetch", (("backend", "mysql"), ("size", "big")), Where("1.0.0"))
    rows = [Row(use, 2), Row(use, 3), Row(use, 100)]
    found = rules.counts(rows, [Verdict(2, "expired")], {"1.0.0": "1.0"})
    assert found == {Key(DAY, "fetch", "backend=mysql,size=big", "1.0"): 5}


def test_the_name_of_an_undeclared_event_is_not_kept() -> None:
    rows = [Row(Use("2026-03-01", "home of alice"), 3), Row(Use("2020-03-01", "fetch"), 2)]
    lost = {"room": {"fetch": 4, "home of alice": 5}}
    found = rules.losses(rows, [Verdict(0, "undeclared"), Verdict(1, "too_old")], lost, {"fetch"})
    assert found == {("undeclared", ""): 3, ("too_old", "fetch"): 2, ("room", "fetch"): 4, ("room", ""): 5}


@pytest.mark.parametrize("code", ["before_consent", "future", "too_old"])
def test_A90_whatever_a_row_is_refused_for_a_name_that_nobody_knows_is_not_kept(code: str) -> None:
    rows = [Row(Use("2026-03-01", "home of alice"), 3), Row(Use("2026-03-01", "fetch"), 2)]
    found = rules.losses(rows, [Verdict(0, code), Verdict(1, code)], {}, {"fetch"})
    assert found == {(code, ""): 3, (code, "fetch"): 2}
