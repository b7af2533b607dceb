"""Which days somebody asks about, as an address says it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from otumat.errors import Invalid, Problem

DAYS, DAYS_MAX = 90, 366
PRESETS = ((7, "7 days"), (28, "28 days"), (90, "90 days"), (365, "A year"))


@dataclass(frozen=True, slots=True)
class Period:
    """Days in a row, both ends included."""

    since: date
    until: date

    @property
    def length(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def days(self) -> list[date]:
        return [self.since + timedelta(number) for number in range(self.length)]

    @property
    def before(self) -> Period:
        """As many days, which end where these begin."""
        return Period(self.since - timedelta(self.length), self.since - timedelta(1))


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What an address asks for.

    Attributes:
        preset: How many days up to today, where it said it that way.
        compares: Whether the days before are told, too.
    """

    period: Period
    preset: int = 0
    compares: bool = False

    @property
    def address(self) -> str:
        """The same as a query."""
        said = {"days": str(self.preset)} if self.preset else self.ends
        return urlencode({**said, **({"compare": "yes"} if self.compares else {})})

    @property
    def ends(self) -> dict[str, str]:
        return {"from": self.period.since.isoformat(), "to": self.period.until.isoformat()}

    @property
    def presets(self) -> list[tuple[str, str, bool]]:
        """Addresses of the usual periods: query, words, whether it is this one."""
        rest = {"compare": "yes"} if self.compares else {}
        return [(urlencode({"days": days, **rest}), words, days == self.preset) for days, words in PRESETS]


def up_to(today: date, days: int = DAYS) -> Asked:
    return Asked(Period(today - timedelta(days - 1), today), preset=days)


def read_asked(told: Mapping[str, str], *, today: date) -> Asked:
    """
    What an address asks for: `days=28`, or `from=2026-01-01&to=2026-01-31`; and `compare=yes`.

    Of `from` and `to` either may be missing: then it is the usual number of days before or after the other.

    Raises:
        Invalid: With everything that is wrong with it.

    >>> read_asked({"from": "2026-01-01", "to": "2026-01-31"}, today=date(2026, 3, 1)).period.length
    31
    """
    found: list[Problem] = []
    compares = told.get("compare", "") == "yes"
    if told.get("compare", "") not in ("", "yes", "no"):
        found.append(problem("compare", told["compare"], "is neither yes nor no."))
    since, until = (day_of(told.get(name, ""), name, found) for name in ("from", "to"))
    preset = number_of(told.get("days", ""), found)
    if preset and (told.get("from") or told.get("to")):
        found.append(problem("days", told["days"], "is not needed beside from and to.", "Leave one of them out."))
    if until and until > today:
        found.append(problem("to", told["to"], "is not over yet.", f"Today is {today.isoformat()} (UTC)."))
    if since and since > (until or today):
        end = "the end" if until else "today"
        found.append(problem("from", told["from"], f"is after {end}.", "The first day comes first."))
    for name, day in (("from", since), ("to", until)):
        if day and day.year < 2000:
            found.append(problem(name, told[name], "is before anything was counted."))
    if since and until and (until - since).days >= DAYS_MAX:
        days = (until - since).days + 1
        found.append(problem("from", told["from"], f"makes it {days} days.", f"At most {DAYS_MAX} are told at once."))
    if found:
        raise Invalid(found)
    if not (since or until):
        return Asked(up_to(today, preset or DAYS).period, preset or DAYS, compares)
    since = since or (until or today) - timedelta(DAYS - 1)
    until = until or min(today, since + timedelta(DAYS_MAX - 1))
    return Asked(Period(since, until), compares=compares)


def day_of(text: str, name: str, found: list[Problem]) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        found.append(problem(name, text, "is no day.", "Write it like 2026-01-31."))
        return None


def number_of(text: str, found: list[Problem]) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= DAYS_MAX:
        return int(text)
    found.append(problem("days", text, "is no number of days.", f"From 1 to {DAYS_MAX}."))
    return 0


def problem(name: str, value: str, what: str, hint: str = "") -> Problem:
    return Problem(f"period.{name}", name, f"{value[:40]!r} {what}", value=value[:40], hint=hint)


def weeks_before(period: Period) -> Iterator[date]:
    """The last days of the whole weeks of a period, the latest first; one at least."""
    for number in range(max(1, period.length // 7)):
        yield period.until - timedelta(7 * number)
