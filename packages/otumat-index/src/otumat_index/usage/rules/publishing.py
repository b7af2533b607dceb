"""
What everybody may know of a week of a project's uses; pure.

Noise is added to every number first, and everything after that looks at noisy numbers alone: which are shown, which
are hidden to protect others. So what is published tells of no install more than the noise lets through, whatever
somebody does with it. Part of the noise is drawn anew each week, and part stays for years, so that weeks do not
average it out. docs/decisions/0018-public-usage.md says what that amounts to.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from otumat_index.usage.rules.activity import monday

K = 10
"""No number of fewer installs than this is shown, ever."""
NOISE_MOST = 16
"""Noise is between this and its negative: four times as far from 0 as it is on average."""
FRESH_MOST = 10
"""The part of it that is drawn anew each week is between this and its negative."""
REMEMBERED_WEEKS = 260
WEIGHTS = tuple(
    itertools.accumulate(
        range(1, REMEMBERED_WEEKS), lambda weight, age: weight * (2 * age - 1) / (2 * age), initial=1.0
    )
)
"""What is left of a week's step in each week since: for what weeks tell together, hardly any noise is smaller."""
SHOWN_FROM = K + NOISE_MOST
"""A noisy number below this may be one of fewer than `K`."""
WAIT_DAYS = 7
"""So long after a week's end it is told of: copies may be late. What comes later than that never counts there."""
BACK_WEEKS = 12
"""Weeks before the owners' yes that are told of, too."""
KINDS = ("release", "python", "system")
SYSTEMS = ("linux", "darwin", "win32", "cygwin", "freebsd", "openbsd", "netbsd", "aix", "android", "ios", "emscripten")
_PYTHON = re.compile(r"[23]\.\d{1,2}", re.ASCII)
_HALF = 128
_WEEKS_A_BLOCK = 16
"""So many weeks' steps are in 256 bits: each is how many of 16 bits are set, less 8."""

Shown = dict[str, int]
Noise = Callable[[str, str, int], int]
"""Kind, value and count to the noise of that number."""


@dataclass(frozen=True, slots=True)
class Figures:
    """
    A week, as it is published.

    Attributes:
        installs: Used in that week; None: too few to say, and then nothing else is said either.
        parts: By kind, values and how many installs, most first; what is hidden is not named.
    """

    installs: int | None = None
    parts: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)


def noise(secret: bytes, project: int, week: date, kind: str, value: str, count: int) -> int:
    """
    The noise of one number: the same whenever, wherever and however often it is asked for.

    >>> noise(b"secret", 7, date(2026, 3, 2), "release", "1.0", 25) == noise(
    ...     b"secret", 7, date(2026, 3, 2), "release", "1.0", 25
    ... )
    True
    """
    drawn = fresh(secret, project, week, kind, value, count) + lasting(secret, project, week, kind, value)
    return max(-NOISE_MOST, min(NOISE_MOST, drawn))


def fresh(secret: bytes, project: int, week: date, kind: str, value: str, count: int) -> int:
    """
    The part of it that is a week's own: whatever else is known, one install changes no odds by more than two.

    Twice as likely by each step nearer to 0 (a two-sided geometric distribution, cut at `FRESH_MOST`): the difference
    of two runs of noughts in an HMAC. The count goes in as well, so that two weeks' worth of numbers, should they ever
    differ (a backup that was put back), differ in their noise, too, and subtracting them does not take it away.
    """
    for tries in range(1000):
        bits = drawn_bits(secret, project, week.isoformat(), kind, value, count, tries)
        high, low = bits >> _HALF, bits & ((1 << _HALF) - 1)
        drawn = low.bit_length() - high.bit_length()
        if abs(drawn) <= FRESH_MOST:
            return drawn
    raise AssertionError("one of 1,500 draws is beyond the bound; a thousand in a row are not")


def lasting(secret: bytes, project: int, week: date, kind: str, value: str) -> int:
    """
    The part of it that stays: what is left of the steps of the last `REMEMBERED_WEEKS` weeks.

    An install that comes and stays moves a number once, as a step of this does; so a year of weeks tells little more of
    it than the first. The count is not in it: what stays is the same with the install and without.
    """
    newest = week.toordinal() // 7
    oldest = newest - REMEMBERED_WEEKS + 1
    blocks = range(oldest // _WEEKS_A_BLOCK, newest // _WEEKS_A_BLOCK + 1)
    steps = [step for block in blocks for step in steps_in(secret, project, kind, value, block)]
    latest_first = steps[newest - blocks[0] * _WEEKS_A_BLOCK :: -1]
    return round(math.fsum(map(operator.mul, WEIGHTS, latest_first)))


def steps_in(secret: bytes, project: int, kind: str, value: str, block: int) -> list[int]:
    """The steps of sixteen weeks in a row; weeks are numbered from the year 1 on."""
    bits = drawn_bits(secret, "steps", project, kind, value, block)
    return [(bits >> 16 * number & 0xFFFF).bit_count() - 8 for number in range(_WEEKS_A_BLOCK)]


def drawn_bits(secret: bytes, *of: str | int) -> int:
    """256 bits that nobody knows without the key."""
    return int.from_bytes(hmac.digest(secret, json.dumps(of).encode(), hashlib.sha256))


def figures(installs: int, parts: Mapping[str, Mapping[str, int]], noise: Noise) -> Figures:
    """
    What is published of a week.

    Args:
        installs: Used in it.
        parts: By kind, each install at one value of it.

    >>> figures(30, {"python": {"3.12": 26, "3.13": 4}}, lambda kind, value, count: 0)
    Figures(installs=30, parts={'python': (('3.12', 26),)})
    """
    total = noisy("installs", "", installs, noise)
    if total is None:
        return Figures()
    shown = {kind: enough(kind, values, noise) for kind, values in parts.items()}
    safe = protected(total, shown)
    return Figures(total, {kind: ranked(values) for kind, values in safe.items() if values})


def enough(kind: str, values: Mapping[str, int], noise: Noise) -> Shown:
    """The values that may be named and whose noisy numbers are large enough."""
    found = {value: noisy(kind, value, n, noise) for value, n in values.items() if is_nameable(kind, value)}
    return {value: number for value, number in found.items() if number is not None}


def noisy(kind: str, value: str, count: int, noise: Noise) -> int | None:
    """A number as it may be shown; None for too small a one. No noise makes fewer than `K` large enough."""
    number = count + noise(kind, value, count) if count >= K else 0
    return number if number >= SHOWN_FROM else None


def is_nameable(kind: str, value: str) -> bool:
    """
    Whether a value may stand on a public page: copies say what they like, so only what is known is repeated.

    >>> is_nameable("python", "3.12"), is_nameable("system", "buy-this"), is_nameable("release", "other")
    (True, False, False)
    """
    if kind == "python":
        return bool(_PYTHON.fullmatch(value))
    if kind == "system":
        return value in SYSTEMS
    return value not in ("", "other")  # the store knows releases of the index, and those two


def protected(total: int, shown: Mapping[str, Shown]) -> dict[str, Shown]:
    """
    Hide as many more numbers as it takes that what is hidden cannot be worked out (complementary suppression).

    Whoever knows how much noise there is at most can say between which bounds the hidden rest of a kind lies. Nobody
    may be in it, or `K` and more must be: a rest that is surely there, or surely fewer than `K`, is not left.

    >>> protected(120, {"system": {"linux": 40, "darwin": 28}})
    {'system': {'linux': 40}}
    """
    left = {kind: dict(values) for kind, values in shown.items()}
    while unsafe := next((kind for kind in left if left[kind] and not is_safe(rest(total, left, kind))), None):
        values = left[unsafe]
        del values[min(values, key=lambda value: (values[value], value))]
    return left


def rest(total: int, shown: Mapping[str, Shown], kind: str) -> tuple[int, int]:
    """
    The bounds of what is hidden of a kind, as tight as they can be drawn from everything that is shown of the week.

    Each number is off by `NOISE_MOST` at most and no fewer than `K`; all kinds are parts of the same installs.
    """
    least_shown = max((sum(map(least, values.values())) for values in shown.values()), default=0)
    low, high = max(least(total), least_shown), total + NOISE_MOST
    mine = shown[kind].values()
    return max(0, low - sum(number + NOISE_MOST for number in mine)), high - sum(map(least, mine))


def least(number: int) -> int:
    return max(number - NOISE_MOST, K)


def is_safe(bounds: tuple[int, int]) -> bool:
    low, high = bounds
    return (low == 0 or low >= K) and high >= K


def ranked(values: Shown) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(values.items(), key=lambda item: (-item[1], item[0])))


def first_week(today: date) -> date:
    """The first week (its Monday) of those that are told of when owners say yes today; no use of theirs decides it."""
    return monday(today) - timedelta(7 * BACK_WEEKS)


def weeks_over(first: date, *, today: date) -> list[date]:
    """
    The weeks (Mondays) from `first` on that may be told of today, in order.

    >>> weeks_over(date(2026, 3, 2), today=date(2026, 3, 15)), weeks_over(date(2026, 3, 2), today=date(2026, 3, 16))
    ([], [datetime.date(2026, 3, 2)])
    """
    count = max(0, ((today - first).days - WAIT_DAYS) // 7)
    return [first + timedelta(7 * number) for number in range(count)]


def few(number: int | None) -> str:
    """
    A number on a badge: two digits are enough.

    >>> [few(number) for number in (None, 23, 123, 999, 1234, 15_600, 2_345_678)]
    ['too few to tell', '23', '120', '1k', '1.2k', '16k', '2.3M']
    """
    if number is None:
        return "too few to tell"
    rounded = float(f"{number:.1e}")
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if rounded >= size:
            return f"{rounded / size:g}{letter}"
    return f"{rounded:g}"
