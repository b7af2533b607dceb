"""Every number on the dashboard is that of a recount, by hand, of the rows that copies sent."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.utils import timezone

from otumat_index.accounts.models import User
from otumat_index.usage.models import Install
from otumat_index.usage.report import reading

pytestmark = pytest.mark.django_db(databases="__all__")
PAGE = "/manage/project/roundup/usage/"
DAYS = 33
"""So far back copies tell here: every day counts as one of activity, whatever came before it."""
RELEASES, PYTHONS, SYSTEMS = ("1.0", "2.0", "66.6", ""), ("3.12", "3.13"), ("linux", "darwin")


class Use(NamedTuple):
    """A row that was sent, and by which copy, in which of its batches."""

    copy: int
    batch: int
    day: date
    event: str
    backend: str
    times: int
    release: str
    python: str
    system: str
    ci: bool

    @property
    def known_release(self) -> str:
        words = {"66.6": "a release that is not on this index", "": "not told"}
        return words.get(self.release, self.release)


@pytest.fixture(params=[1, 2, 3])
def uses(request: pytest.FixtureRequest, copy: Any, upload: Any, wheel: Any, alice: User) -> list[Use]:
    """What five copies sent, in the order in which it came; of each, the second batch never did."""
    assert upload(alice, wheel(version="2.0")).status_code == 200
    draw = random.Random(request.param)
    today = timezone.now().date()
    copies = [copy() for _ in range(5)]
    Install.objects.update(consented_on=today - timedelta(DAYS + 9))
    sent: list[Use] = []
    for number in (1, 3, 4):
        for name, one in enumerate(copies):
            found = [use(draw, name, number, today) for _ in range(draw.randint(0, 6))]
            groups = [
                {
                    "release": each.release,
                    "python": each.python,
                    "system": each.system,
                    "machine": "",
                    "ci": each.ci,
                    "rows": [
                        [
                            each.day.isoformat(),
                            each.event,
                            {"backend": each.backend} if each.backend else {},
                            each.times,
                        ]
                    ],
                }
                for each in found
            ]
            more = [{"rows": [[today.isoformat(), "unheard", {}, 2]]}] if number == 3 else []
            lost = {"room": {"fetch": 5}} if number == 4 else {}
            batch = one.batch(batch=f"{number:032x}", sequence=number, uses=[*groups, *more], lost=lost)
            assert one.send(batch).json()["counted"] == sum(each.times for each in found)
            sent += found
    return sent


def use(draw: random.Random, copy: int, batch: int, today: date) -> Use:
    event = draw.choice(("import", "fetch"))
    return Use(
        copy,
        batch,
        today - timedelta(draw.randint(0, DAYS)),
        event,
        draw.choice(("mysql", "other", "")) if event == "fetch" else "",
        draw.randint(1, 2000),
        draw.choice(RELEASES),
        draw.choice(PYTHONS),
        draw.choice(SYSTEMS),
        draw.random() < 0.3,
    )


class Tables(HTMLParser):
    """The tables of a page by their names: rows of texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self.rows: list[list[str]] = []
        self.is_inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.rows = self.found.setdefault((dict(attrs)["class"] or "").split()[-1], [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.is_inside = tag in ("td", "th") or (self.is_inside and tag != "tr")

    def handle_endtag(self, tag: str) -> None:
        self.is_inside = self.is_inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.is_inside:
            self.rows[-1][-1] += data


@pytest.fixture
def look(client: Client, alice: User) -> Callable[[str], dict[str, list[list[str]]]]:
    """The tables that Alice sees, without their heads."""
    browser = Client()
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")

    def read(address: str) -> dict[str, list[list[str]]]:
        answer = browser.get(address)
        assert answer.status_code == 200, answer.content
        if answer["Content-Type"].startswith("text/csv"):
            return {"": list(csv.reader(io.StringIO(answer.content.decode())))[1:]}
        return {name: rows[1:] for name, rows in Tables(answer.content.decode()).found.items()}

    return read


def shown(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def share(part: int, of: int) -> str:
    value = round(part / of, 4) * 100 if of else 0
    return f"{value:.0f}%" if value >= 10 or not value else f"{value:.1f}%" if value >= 1 else f"{value:.2f}%"


class Recount:
    """What somebody counts who goes through all rows."""

    def __init__(self, uses: list[Use], today: date) -> None:
        self.uses, self.today = uses, today
        self.days: dict[int, set[date]] = {}
        self.first_told: dict[tuple[int, date], Use] = {}
        for each in uses:
            self.days.setdefault(each.copy, set()).add(each.day)
        for (copy, day), batch in {(each.copy, each.day): each.batch for each in reversed(uses)}.items():
            of_day = [each for each in uses if (each.copy, each.day, each.batch) == (copy, day, batch)]
            self.first_told[copy, day] = of_day[-1]

    def active(self, since: date, until: date) -> set[int]:
        return {copy for copy, days in self.days.items() if any(since <= day <= until for day in days)}

    def within(self, until: date, width: int) -> set[int]:
        return self.active(until - timedelta(width - 1), until)

    def new(self, since: date, until: date) -> set[int]:
        return {copy for copy, days in self.days.items() if since <= min(days) <= until}

    def last(self, copy: int) -> Use:
        day = max(self.days[copy])
        return [each for each in self.uses if (each.copy, each.day) == (copy, day)][-1]

    def spots(self, value: Callable[[Use], str], since: date) -> dict[str, tuple[int, int]]:
        """Installs of the last 28 days, and days of use since a day, by where they ran."""
        now = Counter(value(self.last(copy)) for copy in self.within(self.today, 28))
        days = Counter(value(each) for (_, day), each in self.first_told.items() if day >= since)
        return {name: (now[name], days[name]) for name in {*now, *days}}


@pytest.mark.parametrize("days", [90, 28, 10])
def test_the_page_tells_what_a_recount_tells(uses: list[Use], look: Any, days: int) -> None:
    today = timezone.now().date()
    since = today - timedelta(days - 1)
    hand, page = Recount(uses, today), look(f"{PAGE}?days={days}")
    assert page["active"] == [
        [shown(day), *(str(len(hand.within(day, width))) for width in (1, 7, 28)), str(len(hand.new(day, day)))]
        for day in (today - timedelta(number) for number in range(days))
    ]
    assert page["growth"] == [growth(hand, today - timedelta(7 * number)) for number in range(days // 7)]
    assert sorted(row[:4] for row in page["features"]) == sorted(
        feature(hand, event, since) for event in ("fetch", "import")
    )
    assert page["features_by_week"] == by_week(hand, page["features"], days)
    assert page["retention"] == retention(hand)
    for table, value in SPOTS.items():
        spots = hand.spots(value, since)
        of = sum(now for now, _ in spots.values())
        told = {row[0]: row[1:4] for row in page[table] if row[1] != "0" or row[3] != "0"}
        assert told == {name: [str(now), share(now, of), str(n)] for name, (now, n) in spots.items()}
    losses = [["gap", "", "5"], ["room", "fetch", "25"], ["undeclared", "", "10"]]
    assert [[row[0], row[2].replace("–", ""), row[3]] for row in page["losses"]] == losses


SPOTS: dict[str, Callable[[Use], str]] = {
    "versions": lambda each: each.known_release,
    "pythons": lambda each: each.python,
    "systems": lambda each: each.system,
    "ci": lambda each: "yes" if each.ci else "no",
}


def growth(hand: Recount, until: date) -> list[str]:
    this, before = hand.within(until, 7), hand.within(until - timedelta(7), 7)
    new = hand.new(until - timedelta(6), until)
    counts = (this, new, this & before, this - before - new, before - this)
    return [shown(until), *(str(len(each)) for each in counts)]


def feature(hand: Recount, event: str, since: date) -> list[str]:
    found = [each for each in hand.uses if each.event == event and each.day >= since]
    users = {each.copy for each in found}
    return [
        event,
        str(len(users)),
        share(len(users), len(hand.active(since, hand.today))),
        f"{sum(each.times for each in found):,}",
    ]


def by_week(hand: Recount, features: list[list[str]], days: int) -> list[list[str]]:
    ends = [hand.today - timedelta(7 * number) for number in reversed(range(days // 7))]
    sums = {
        row[0]: [
            sum(each.times for each in hand.uses if each.event == row[0] and 0 <= (end - each.day).days < 7)
            for end in ends
        ]
        for row in features
        if row[3] != "0"
    }
    return [[event, *(f"{times:,}" for times in weeks)] for event, weeks in sums.items()]


def retention(hand: Recount) -> list[list[str]]:
    this = hand.today - timedelta(hand.today.weekday())
    rows = []
    for number in range(11, -1, -1):
        monday = this - timedelta(7 * number)
        cohort = hand.new(monday, monday + timedelta(6))
        weeks = [monday + timedelta(7 * age) for age in range(1, number + 1)]
        kept = [share(len(cohort & hand.active(week, week + timedelta(6))), len(cohort)) for week in weeks]
        if cohort:
            rows.append([shown(monday), str(len(cohort)), *kept])
    widest = max((len(row) for row in rows), default=0)
    return [[*row, *[""] * (widest - len(row))] for row in rows]


def test_the_page_of_an_event_tells_what_a_recount_tells(uses: list[Use], look: Any) -> None:
    since = timezone.now().date() - timedelta(19)
    page = look(f"{PAGE}event/fetch/?days=20")
    found = [each for each in uses if each.event == "fetch" and each.day >= since]
    by_day, by_backend, by_release = Counter[str](), Counter[str](), Counter[str]()
    for each in found:
        by_day[shown(each.day)] += each.times
        by_backend[each.backend or "not told"] += each.times
        by_release["other" if each.release == "66.6" else each.release or "not told"] += each.times
    assert {row[0]: row[1] for row in page["days"] if row[1] != "0"} == {day: f"{n:,}" for day, n in by_day.items()}
    for name, counted in (("property_backend", by_backend), ("releases", by_release)):
        of = sum(counted.values())
        assert {row[0]: row[1:] for row in page[name]} == {
            value: [f"{n:,}", share(n, of)] for value, n in counted.items()
        }


def test_files_and_api_tell_the_same(uses: list[Use], look: Any, client: Client, alice: User, auth: Any) -> None:
    headers = {"Accept": "application/json", **auth(alice)}
    whole = client.get("/api/v1/project/roundup/usage?days=28", headers=headers).json()
    names = {"features": "events", "versions": "releases", "losses": "lost"}
    for name in ("active", "growth", "features", "versions", "pythons", "ci", "retention", "losses", "adoption"):
        file = look(f"{PAGE}{name}.csv?days=28")[""]
        table = client.get(f"/api/v1/project/roundup/usage/tables/{name}?days=28", headers=headers).json()
        assert len(file) == len(table["rows"]) == len(whole[names.get(name, name)])
        for row, told in zip(file, table["rows"], strict=True):
            cells = [
                "" if each is None else " ".join(map(str, each)) if isinstance(each, list) else str(each)
                for each in told.values()
            ]
            assert row == cells
    text = client.get(
        "/api/v1/project/roundup/usage/tables/features?days=28", headers={**headers, "Accept": "text/csv"}
    )
    assert list(csv.reader(io.StringIO(text.content.decode())))[1:] == look(f"{PAGE}features.csv?days=28")[""]
    since = timezone.now().date() - timedelta(27)
    counted = Counter[str]()
    for each in uses:
        if each.day >= since:
            counted[each.event] += each.times
    assert {each["event"]: each["times"] for each in whole["events"] if each["times"]} == counted
    assert whole["times"] == counted.total()
    assert set(whole["truncated"].values()) == {0}
    for length, is_known in ((7, True), (14, True), (9, False)):
        until = timezone.now().date() - timedelta(3)
        since = until - timedelta(length - 1)
        past = client.get(f"/api/v1/project/roundup/usage?from={since}&to={until}", headers=headers).json()
        used = {each.copy for each in uses if since <= each.day <= until}
        assert past["used"] == (len(used) if is_known else None)
        assert all(each["installs"] is None for each in past["events"])
    one = client.get("/api/v1/project/roundup/usage/events/fetch?days=28", headers=headers).json()
    assert one["times"] == sum(row["times"] for row in one["properties"]["backend"]) == counted["fetch"]


def test_the_period_before_is_compared_with(uses: list[Use], look: Any) -> None:
    today = timezone.now().date()
    row = {each[0]: each for each in look(f"{PAGE}?days=14")["features"]}["fetch"]
    now, before = (
        sum(each.times for each in uses if each.event == "fetch" and since <= each.day <= until)
        for since, until in ((today - timedelta(13), today), (today - timedelta(27), today - timedelta(14)))
    )
    if before:
        assert row[4].strip("+−±%") == share(abs(round(now / before - 1, 4)) * 10000, 10000).strip("%")
        assert row[4][0] == ("+" if now > before else "−" if now < before else "±")
    else:
        assert row[4] == "–"


def test_of_releases_used_alike_the_newest_comes_first(project: Any) -> None:
    days = {"1.3": 2, "1.9": 0, "1.10": 0, "other": 0, "1.4": 2, "": 0}
    found = reading.versions_of(project, (days, {}), {"1.9": 1})
    assert [each.spot.value for each in found] == ["1.9", "1.4", "1.3", "1.10", "other", ""]
