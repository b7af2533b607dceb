from __future__ import annotations

from itertools import product

import pytest

from otumat.spec.consent import (
    LEVELS,
    LOCAL,
    MANUAL,
    NOTICE,
    OFF,
    ON,
    PROMPT,
    UNSET,
    decide,
    is_denied,
    may_ask,
    may_record,
    may_send,
    spoken,
)

STORED = (UNSET, *LEVELS)
VARIABLES = ("", "off", "local", "on", "nonsense")
TRACKS = ("", "0", "1", "yes")
SWITCHES = (False, True)


@pytest.mark.parametrize("stored", STORED)
def test_U7_any_deny_wins_over_any_yes(stored: str) -> None:
    """Every combination: with a denial nothing is recorded; without one, exactly what was said is."""
    for variable, track, in_ci, site, dependant in product(VARIABLES, TRACKS, SWITCHES, SWITCHES, SWITCHES):
        level, _ = decide(
            stored,
            variable=variable,
            do_not_track=track,
            in_ci=in_ci,
            site_denies=site,
            disabled_by_dependant=dependant,
        )
        says_no = variable in ("off", "nonsense")
        denied = dependant or site or track in ("1", "yes") or says_no or stored == OFF or (in_ci and not variable)
        if denied:
            assert level == OFF
        elif variable == "local":
            assert level == (LOCAL if in_ci or stored in (ON, LOCAL) else UNSET)
        elif in_ci and stored == UNSET:
            assert level == ON
        else:
            assert level == stored


def test_U7_outside_ci_a_variable_never_says_yes() -> None:
    assert {decide(UNSET, variable=variable)[0] for variable in VARIABLES} == {UNSET, OFF}


@pytest.mark.parametrize(
    ("arguments", "source"),
    [
        ({"disabled_by_dependant": True, "do_not_track": "1"}, "DISABLE_USAGE_TRACKING_PACKAGES"),
        ({"site_denies": True}, "site policy"),
        ({"do_not_track": "1"}, "DO_NOT_TRACK"),
        ({"variable": "off"}, "OTUMAT_USAGE"),
        ({"in_ci": True}, "CI"),
        ({}, "user"),
    ],
)
def test_whoever_decided_is_named(arguments: dict[str, object], source: str) -> None:
    assert decide(ON, **arguments)[1] == source  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "denies"), [("1", True), ("true", True), ("no", True), ("false", True), ("0", False), ("", False)]
)
def test_do_not_track_set_to_anything_but_nothing_and_0_denies(value: str, denies: bool) -> None:
    assert is_denied(value) is denies


@pytest.mark.parametrize(("word", "level"), [("ON", ON), (" yes ", ON), ("0", OFF), ("no", OFF), ("x", OFF), ("", "")])
def test_the_variable_is_read_leniently_and_its_doubts_are_a_no(word: str, level: str) -> None:
    assert spoken(word) == level


def test_only_local_and_on_record_and_only_on_sends() -> None:
    assert [level for level in STORED if may_record(level)] == [LOCAL, ON]
    assert [level for level in STORED if may_send(level)] == [ON]


def test_U7_a_question_needs_everything_at_once() -> None:
    """Of all combinations exactly those are asked in which nobody has answered and somebody can."""
    names = ("has_terminal", "in_notebook", "in_child", "in_main_thread", "in_ci", "asked_today")
    good = {"has_terminal": True, "in_main_thread": True}
    for values in product(SWITCHES, repeat=len(names)):
        where = dict(zip(names, values, strict=True))
        fits = all(where[name] is good.get(name, False) for name in names)
        for level, enrolment in product(STORED, (PROMPT, NOTICE, MANUAL)):
            assert may_ask(level, enrolment, **where) is (fits and level == UNSET and enrolment != MANUAL)
