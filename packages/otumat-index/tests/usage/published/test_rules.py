"""U15, the pure part: what is published of a week tells of no install more than the noise lets through."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from otumat_index.usage.rules import publishing as rules
from otumat_index.usage.rules.publishing import FRESH_MOST, NOISE_MOST, SHOWN_FROM, Figures, K, Noise

WEEK = date(2026, 3, 2)
DRAWS = range(-FRESH_MOST, FRESH_MOST + 1)
WEIGHTS = {drawn: Fraction(1, 2 ** abs(drawn)) for drawn in DRAWS}
CHANCES = {drawn: weight / sum(WEIGHTS.values()) for drawn, weight in WEIGHTS.items()}
"""What `fresh` is meant to draw, exactly."""
COUNTS = st.one_of(st.integers(0, 40), st.integers(0, 10_000))
VALUES = {
    "release": ["1.0", "2.0", "", "other"],
    "python": ["3.11", "3.12", "3.13"],
    "system": ["linux", "darwin", "x"],
}
Parts = dict[str, dict[str, int]]


@st.composite
def weeks(draw: st.DrawFn) -> tuple[int, Parts]:
    """A week of any size: each install is at one value of each kind."""
    total = draw(COUNTS)
    parts: Parts = {}
    for kind, values in VALUES.items():
        cuts = sorted(draw(st.lists(st.integers(0, total), min_size=len(values) - 1, max_size=len(values) - 1)))
        sizes = [after - before for before, after in itertools.pairwise([0, *cuts, total])]
        parts[kind] = {value: size for value, size in zip(values, sizes, strict=True) if size}
    return total, parts


def keyed(secret: bytes) -> Noise:
    return lambda kind, value, count: rules.noise(secret, 7, WEEK, kind, value, count)


@settings(max_examples=400, deadline=None)
@given(weeks(), st.binary(min_size=1, max_size=8))
def test_U15_nothing_is_told_of_fewer_than_k(week: tuple[int, Parts], secret: bytes) -> None:
    total, parts = week
    found = rules.figures(total, parts, keyed(secret))
    if total < K:
        assert found == Figures()
    for kind, rows in found.parts.items():
        for value, number in rows:
            assert parts[kind][value] >= K
            assert number >= SHOWN_FROM
            assert abs(number - parts[kind][value]) <= NOISE_MOST
    assert found.installs is None or (total >= K and abs(found.installs - total) <= NOISE_MOST)


@settings(max_examples=400, deadline=None)
@given(weeks(), st.binary(min_size=1, max_size=8))
def test_U15_what_is_hidden_cannot_be_worked_out(week: tuple[int, Parts], secret: bytes) -> None:
    """For each kind, other weeks would have looked the same: with `K` and more hidden, and with none or no fewer."""
    found = rules.figures(*week, keyed(secret))
    assume(found.installs is not None and found.parts)
    assert found.installs is not None
    shown = {kind: [number for _, number in rows] for kind, rows in found.parts.items()}
    for kind in shown:
        many = found.installs + NOISE_MOST
        least = {each: [max(number - NOISE_MOST, K) for number in shown[each]] for each in shown}
        assert looks_so(many, least, found.installs, shown)
        assert many - sum(least[kind]) >= K
        few = max(found.installs - NOISE_MOST, *(sum(numbers) for numbers in least.values()))
        most = {**least, kind: filled(few, least[kind], shown[kind])}
        assert looks_so(few, most, found.installs, shown)
        rest = few - sum(most[kind])
        assert rest == 0 or rest >= K, "it would be known that somebody is there, and that they may be few"


def filled(total: int, least: list[int], shown: list[int]) -> list[int]:
    """The true numbers behind those shown that leave as little as can be of a total."""
    found = []
    room = total - sum(least)
    for low, number in zip(least, shown, strict=True):
        more = min(room, number + NOISE_MOST - low)
        found.append(low + more)
        room -= more
    return found


def looks_so(total: int, truth: Mapping[str, list[int]], told: int, shown: Mapping[str, list[int]]) -> bool:
    """Whether such a week may have been shown like that: within the noise, and parts no more than the whole."""
    pairs = [pair for kind in shown for pair in zip(truth[kind], shown[kind], strict=True)]
    near = all(abs(real - number) <= NOISE_MOST and real >= K for real, number in [*pairs, (total, told)])
    return near and all(sum(numbers) <= total for numbers in truth.values())


@pytest.mark.parametrize("others", [0, 9, 10, 25, 26, 45])
@pytest.mark.parametrize(("beside", "lasting"), [(0, (0, 0, 0)), (9, (6, -5, 4)), (36, (0, 0, 0)), (36, (6, -5, 4))])
def test_U15_who_knows_all_others_cannot_tell_from_a_week_whether_one_is_there(
    others: int, beside: int, lasting: tuple[int, ...]
) -> None:
    """
    Every outcome of every draw, with and without one install on Python 3.12, on the code that publishes.

    Two numbers have it in them, the week's and its Python's, so the odds change by 2 x 2 at most; but for outcomes that
    happen once in thousands of weeks, where noise reached its bound. That is so even for who knows what stays of it.
    """
    without = outcomes(others + beside, {"3.12": others, "3.13": beside}, lasting)
    with_it = outcomes(others + beside + 1, {"3.12": others + 1, "3.13": beside}, lasting)
    for one, other in ((without, with_it), (with_it, without)):
        beyond = sum(max(Fraction(0), chance - 4 * other.get(seen, Fraction(0))) for seen, chance in one.items())
        assert beyond <= Fraction(1, 1000)
    seen = set(without) | set(with_it)
    apart = sum(abs(without.get(each, Fraction(0)) - with_it.get(each, Fraction(0))) for each in seen) / 2
    assert apart <= Fraction(3, 5), "the best guess of all would be right in more than 80 of 100 weeks"


def outcomes(total: int, pythons: Mapping[str, int], lasting: tuple[int, ...]) -> dict[Figures, Fraction]:
    """What may be published of a week, and how likely each is, where that stays of the noise."""
    found: dict[object, Fraction] = {}
    cells = ["", *pythons]
    for draws in itertools.product(DRAWS, repeat=len(cells)):
        drawn = {cell: fresh + stays for cell, fresh, stays in zip(cells, draws, lasting, strict=True)}
        seen = rules.figures(total, {"python": pythons}, lambda kind, value, count, drawn=drawn: drawn[value])  # type: ignore[misc]
        key = (seen.installs, seen.parts.get("python"))
        chance = CHANCES[draws[0]] * CHANCES[draws[1]] * CHANCES[draws[2]]
        found[key] = found.get(key, Fraction(0)) + chance
    return found  # type: ignore[return-value]


BEFORE, NUMBERS, PROJECTS = 52, 4, 400
"""Weeks that were published before the install came, the numbers of a week that it is in, and how often it is tried."""


@pytest.mark.parametrize(("weeks", "right"), [(1, 0.64), (10, 0.72), (52, 0.75), (260, 0.78)])
def test_U15_many_weeks_of_one_install_tell_little_more_than_one(weeks: int, right: float) -> None:
    """
    Who knows all others, when the one came and which numbers it is in, weighs all weeks as well as can be.

    No sum of numbers tells two normal distributions apart better, and the noise is close to one. Blind guesses are
    right in 50 of 100; noise of the same size, drawn anew each week, would give 60, 79 and 97 after 1, 10 and 52.
    """
    assert guessed(weeks) <= right


def test_U15_an_attack_on_a_year_of_published_noise_does_no_better_than_that() -> None:
    """With noise as it is published, for these keys: in half of the trials the install is there, in half it is not."""
    weeks = 52
    weight = weighed(weeks)
    middle = NUMBERS * weight[BEFORE:].sum() / 2
    told = np.array(
        [[series(project, n, BEFORE + weeks) @ weight for n in range(NUMBERS)] for project in range(PROJECTS)]
    )
    sums = told.sum(axis=1)
    right = ((sums < middle).mean() + (sums + 2 * middle > middle).mean()) / 2
    assert abs(right - guessed(weeks)) < 0.04


def guessed(weeks: int) -> float:
    """How often the best guess is right, of noise with the variances that the rules give it."""
    return NormalDist().cdf(sqrt(NUMBERS * weighed(weeks)[BEFORE:].sum()) / 2)


def weighed(weeks: int) -> NDArray[np.float64]:
    """What each week's number counts for in the guess; the sum of those since the install came says how good it is."""
    taps = np.array(rules.WEIGHTS)
    every = BEFORE + weeks
    lasting = [4 * (taps[: max(0, len(taps) - lag)] @ taps[lag:]) for lag in range(every)]  # of 16 bits: 4
    fresh = float(sum(drawn * drawn * chance for drawn, chance in CHANCES.items()))
    lags = np.abs(np.subtract.outer(np.arange(every), np.arange(every)))
    there = np.arange(every) >= BEFORE
    return np.linalg.solve(np.array(lasting)[lags] + fresh * np.eye(every), there.astype(float))


def series(project: int, number: int, weeks: int) -> NDArray[np.float64]:
    """The noise of one number in some weeks."""
    first, value = WEEK.toordinal() // 7, str(number)
    oldest = (first - rules.REMEMBERED_WEEKS + 1) // 16
    blocks = range(oldest, (first + weeks) // 16 + 1)
    steps = [step for block in blocks for step in rules.steps_in(b"secret", project, "python", value, block)]
    lasting = np.rint(np.convolve(steps, rules.WEIGHTS)[first - 16 * oldest :][:weeks])
    days = [WEEK + timedelta(7 * number) for number in range(weeks)]
    fresh = [rules.fresh(b"secret", project, day, "python", value, 50) for day in days]
    found: NDArray[np.float64] = np.clip(lasting + fresh, -NOISE_MOST, NOISE_MOST)
    for sample in (0, weeks - 1):
        assert found[sample] == rules.noise(b"secret", project, days[sample], "python", value, 50)
    return found


def test_U15_noise_is_seldom_at_its_bound() -> None:
    """There, what is seen may tell all: for these keys, in one of some thousands of numbers."""
    drawn = np.concatenate([series(project, 0, 104) for project in range(300)])
    assert abs(drawn.std() - 3.9) < 0.1
    assert (np.abs(drawn) == NOISE_MOST).mean() < 1 / 2000
    assert (np.abs(drawn) <= 4).mean() > 0.7


def test_U15_noise_is_what_it_is_said_to_be() -> None:
    """The chance of each draw, to within three parts of a thousand; for these keys, so that it says so every time."""
    drawn = Counter(rules.fresh(b"secret", project, WEEK, "python", "3.12", 25) for project in range(30_000))
    assert set(drawn) <= set(DRAWS)
    for number in DRAWS:
        assert abs(drawn[number] / 30_000 - float(CHANCES[number])) < 0.006, number


def cells() -> Iterator[tuple[bytes, tuple[int, date, str, str, int]]]:
    yield b"secret", (7, WEEK, "python", "3.12", 25)
    yield b"other", (7, WEEK, "python", "3.12", 25)
    yield b"secret", (8, WEEK, "python", "3.12", 25)
    yield b"secret", (7, WEEK + timedelta(7), "python", "3.12", 25)
    yield b"secret", (7, WEEK, "release", "3.12", 25)
    yield b"secret", (7, WEEK, "python", "3.13", 25)
    yield b"secret", (7, WEEK, "python", "3.12", 26)


def test_U15_noise_of_one_number_says_nothing_of_another() -> None:
    """Each part of the question changes the draw, the count too: subtracting leaves noise, never nothing."""
    draws = [[rules.noise(key + bytes([more]), *cell) for more in range(40)] for key, cell in cells()]
    assert len({tuple(each) for each in draws}) == len(draws)


def test_U15_noise_is_the_same_in_another_process() -> None:
    ask = "from datetime import date\nfrom otumat_index.usage.rules import publishing as p\n"
    ask += "print([p.noise(b's', n, date(2026, 3, 2), 'python', '3.12', n) for n in range(200)])"
    said = {
        subprocess.run(
            [sys.executable, "-c", ask], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    here = [rules.noise(b"s", n, WEEK, "python", "3.12", n) for n in range(200)]
    assert said == {f"{here}\n"}


def test_copies_put_no_words_on_a_public_page() -> None:
    said = {"python": {"buy-this": 500, "3.12": 500}, "system": {"visit.example": 1000}, "release": {"other": 1000}}
    found = rules.figures(1000, said, lambda kind, value, count: 0)
    assert found.parts == {"python": (("3.12", 500),)}


def test_a_week_is_told_of_once_it_is_over_and_the_late_had_their_time() -> None:
    monday = date(2026, 3, 2)
    assert rules.weeks_over(monday, today=monday + timedelta(13)) == []
    assert rules.weeks_over(monday, today=monday + timedelta(14)) == [monday]
    assert rules.weeks_over(monday, today=monday - timedelta(100)) == []
    first = rules.first_week(date(2026, 5, 31))
    assert (first.weekday(), date(2026, 5, 31) - first) == (0, timedelta(7 * rules.BACK_WEEKS + 6))
