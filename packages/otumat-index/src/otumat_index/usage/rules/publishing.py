"""
What everybody may know of a week of a project's uses; pure.

Noise is added to every number first, and everything after that looks at noisy numbers alone: which are shown, which
are hidden to protect others. So what is published tells of no install more than the noise lets through, whatever
somebody does with it. docs/decisions/0018-public-usage.md says what that amounts to.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from otumat_index.usage.rules.activity import monday

K = 10
"""No number of fewer installs than this is shown, ever."""
NOISE_MOST = 10
"""Noise is between this and its negative."""
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

    Twice as likely by each step nearer to 0 (a two-sided geometric distribution, cut at `NOISE_MOST`): the difference
    of two runs of noughts in an HMAC. The count goes in as well, so that two weeks' worth of numbers, should they ever
    differ (a backup that was put back), differ in their noise, too, and subtracting them does not take it away.

    >>> noise(b"secret", 7, date(2026, 3, 2), "release", "1.0", 25) == noise(
    ...     b"secret", 7, date(2026, 3, 2), "release", "1.0", 25
    ... )
    True
    """
    for tries in range(1000):
        cell = json.dumps([project, week.isoformat(), kind, value, count, tries]).encode()
        bits = int.from_bytes(hmac.digest(secret, cell, hashlib.sha256))
        high, low = bits >> _HALF, bits & ((1 << _HALF) - 1)
        drawn = low.bit_length() - high.bit_length()
        if abs(drawn) <= NOISE_MOST:
            return drawn
    raise AssertionError("one of 340 draws is beyond the bound; a thousand in a row are not")


def figures(installs: int, parts: Mapping[str, Mapping[str, int]], noise: Noise) -> Figures:
    """
    What is published of a week.

    Args:
        installs: Used in it.
        parts: By kind, each install at one value of it.

    >>> figures(30, {"python": {"3.12": 26, "3.13": 4}}, lambda kind, value, count: 0)
    Figures(installs=30, parts={'python': (('3.12', 26),)})
    """
    total = installs + noise("installs", "", installs)
    if total < SHOWN_FROM:
        return Figures()
    shown = {kind: enough(kind, values, noise) for kind, values in parts.items()}
    safe = protected(total, shown)
    return Figures(total, {kind: ranked(values) for kind, values in safe.items() if values})


def enough(kind: str, values: Mapping[str, int], noise: Noise) -> Shown:
    """The values that may be named and whose noisy numbers are large enough."""
    noisy = {value: count + noise(kind, value, count) for value, count in values.items() if is_nameable(kind, value)}
    return {value: number for value, number in noisy.items() if number >= SHOWN_FROM}


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

    >>> protected(100, {"system": {"linux": 40, "darwin": 25}})
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
