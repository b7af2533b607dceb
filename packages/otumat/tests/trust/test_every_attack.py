"""
Every attack of the list has a test that carries its number; a missing one is named here.

T64 has two halves: thresholds, revocation and expiry are a client's; versions, roots, logs and checkpoints of what an
index serves are tested with the index.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent


def numbers(text: str) -> set[str]:
    """Numbers in the names of tests and in the ids of their cases: a comment that names one proves nothing."""
    names = re.findall(r"def (test_\w+)|^\s+\(?\"((?:T\d\d ?)+)", text, re.MULTILINE)
    return {number for each in names for number in re.findall(r"T\d\d", "".join(each))}


def test_all_of_T01_to_T67_have_tests() -> None:
    found = {
        number for path in HERE.rglob("test_*.py") if path != Path(__file__) for number in numbers(path.read_text())
    }
    missing = {f"T{number:02d}" for number in range(1, 68)} - found
    assert not missing, f"no test carries {sorted(missing)}"


def test_attacks_on_loading_are_tested_on_a_host() -> None:
    """Those that concern what is executed, and not how wheels, keys and envelopes are written."""
    on_loading = {
        f"T{number:02d}" for number in (*range(1, 22), 24, 28, 30, 31, *range(34, 40), *range(42, 49), 50, 51)
    }
    on_loading |= {"T55", "T58", "T59", "T60", "T61", "T62", "T63", "T64", "T67"}
    found = {number for path in (HERE / "enforce").glob("test_*.py") for number in numbers(path.read_text())}
    assert not on_loading - found, f"no test of a host carries {sorted(on_loading - found)}"
