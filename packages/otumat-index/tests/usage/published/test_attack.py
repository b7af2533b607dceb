"""
U15: somebody who knows everything but whether one install is there asks this index everything it answers.

Answers are made of the weeks that were made once, and of nothing else; a week never changes; and what a week says with
and without one install is compared, for every draw of the noise, in `test_rules.py`, and what a year says, too.
So no attacker has more than that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from otumat.spec.event import Where
from otumat_index.publish.models import Project
from otumat_index.usage.published import actions, queries
from otumat_index.usage.published.models import Publication, PublishedWeek
from otumat_index.usage.rules import publishing as rules
from otumat_index.usage.stores import routing
from otumat_index.usage.stores.orm import STORE

pytestmark = pytest.mark.django_db(databases="__all__")
WEEK = date(2026, 5, 11)
ADDRESSES = (
    "/project/roundup/usage/",
    "/project/roundup/usage.svg",
    "/project/roundup/usage.csv",
    "/api/v1/project/roundup/usage/public",
    "/project/roundup/",
)
FILTERS = ("", "?from=2026-05-13&to=2026-05-13&week=2026-05-11", "?release=1.0&python=3.12&installs=1")
HEADERS: tuple[dict[str, str], ...] = ({}, {"Accept": "text/csv", "If-None-Match": '"0"'})
OF_THE_MOMENT = ("Content-Security-Policy", "Expires")
"""Headers that differ in every answer: a nonce, and the time."""
Seen = dict[tuple[str, str, int], tuple[object, ...]]


def everything(client: Client) -> Seen:
    """Status, headers and bytes of all answers, and how many questions each put to the databases."""
    cache.clear()
    found: Seen = {}
    for address in ADDRESSES:
        for query in FILTERS:
            for number, headers in enumerate(HEADERS):
                catalogue, events = connections["default"], connections[routing.alias()]
                with CaptureQueriesContext(catalogue) as ours, CaptureQueriesContext(events) as theirs:
                    answer: Any = client.get(address + query, headers=headers)
                told = {name: value for name, value in answer.items() if name not in OF_THE_MOMENT}
                seen = (answer.status_code, told, without_nonce(answer.content), len(ours), len(theirs))
                found[address, query, number] = seen
    return found


def without_nonce(body: bytes) -> bytes:
    """A page without what is new in every answer."""
    lines = [line for line in body.splitlines() if b"csrfmiddlewaretoken" not in line and b"nonce=" not in line]
    return b"\n".join(lines)


def test_U15_answers_are_made_of_published_weeks_alone(
    project: Project, used: Callable[..., range], published: Any, client: Client
) -> None:
    """One install more changes no byte, header, status or amount of work, unless the week's noisy numbers differ."""
    used(40)
    published()
    before = everything(client)
    assert any(b"installs" in str(seen[2]).encode() for seen in before.values())
    rows = list(PublishedWeek.objects.values_list("week", "installs", "parts"))
    used(1)
    used(1, where=Where("1.0", "3.13", "darwin", "arm64"))
    assert everything(client) == before
    assert list(PublishedWeek.objects.values_list("week", "installs", "parts")) == rows


def test_U15_no_answer_asks_for_uses(project: Project, used: Any, published: Any, client: Client) -> None:
    """What is never read cannot show in how long an answer takes."""
    used(40)
    published()
    tables = ("events_", "usage_install")
    with CaptureQueriesContext(connections["default"]) as ours:
        for address in ADDRESSES[:4]:
            assert client.get(address).status_code == 200
    asked = [query["sql"] for query in ours if any(table in query["sql"] for table in tables)]
    assert not asked


def test_U15_a_week_never_changes(
    project: Project, used: Any, again: Any, published: Any, client: Client, now: Any
) -> None:
    """Neither late batches nor an erasure, neither taking it back nor publishing it again, nor another day."""
    installs = used(60)
    published()
    before = everything(client)
    for install in installs[:9]:
        STORE.erase(install)
    again(installs[10], WEEK + timedelta(3), Where("1.0", "3.13", "darwin"))
    used(30)
    assert everything(client) == before
    Publication.objects.update(is_on=False)
    assert everything(client) != before
    Publication.objects.update(is_on=True)
    published()
    assert everything(client) == before
    weeks = queries.published(project).weeks
    actions.make_all_weeks(at=datetime(2026, 6, 3, 12, tzinfo=UTC))
    assert queries.published(project).weeks[1:] == weeks


def test_U15_an_erasure_before_a_week_is_made_changes_nothing_either(project: Project, used: Any) -> None:
    installs = used(60)
    before = actions.figures_of(project, WEEK)
    assert before.installs is not None
    STORE.erase(installs[0])
    assert actions.figures_of(project, WEEK) == before


def test_U15_every_worker_says_the_same_after_every_start(project: Project, used: Any, published: Any) -> None:
    """Even where the weeks were lost and are made again."""
    used(60)
    used(25, where=Where("1.0", "3.13", "darwin"))
    published()
    before = queries.published(project)
    PublishedWeek.objects.all().delete()
    published()
    assert queries.published(project) == before


def test_U15_a_rare_value_is_in_no_answer(
    project: Project, used: Any, again: Any, published: Any, client: Client, settings: Any
) -> None:
    """Nine on a system and a Python of their own, in each of many weeks: they are not named, nor is their number."""
    rare, first = Where("1.0", "3.99", "freebsd"), WEEK - timedelta(7 * 11)
    many, few = used(60, week=first), used(9, week=first, where=rare)
    for number in range(1, 12):
        for install in many:
            again(install, first + timedelta(7 * number))
        for install in few:
            again(install, first + timedelta(7 * number), rare)
    for key in ("one", "two", "three", "four", "five", "six"):
        settings.SECRET_KEY = key
        PublishedWeek.objects.all().delete()
        published()
        check_that_nothing_is_rare(project, client)


def check_that_nothing_is_rare(project: Project, client: Client) -> None:
    for (address, *_), seen in everything(client).items():
        if address != "/project/roundup/":
            assert b"3.99" not in bytes(str(seen[2]), "utf-8"), address
            assert "freebsd" not in str(seen), address
    weeks = queries.published(project).weeks
    assert len(weeks) == rules.BACK_WEEKS - 1
    assert all(figures.installs is not None for _, figures in weeks)
    for _, figures in weeks:
        for kind, rows in figures.parts.items():
            shown = {each: dict(figures.parts[each]) for each in figures.parts}
            assert rules.is_safe(rules.rest(figures.installs or 0, shown, kind)), rows


def test_U15_the_weeks_that_are_told_of_do_not_depend_on_uses(
    project: Project, used: Any, published: Any, client: Client
) -> None:
    """A project that nobody uses has the same weeks, without figures, as one of which too few tell."""
    published()
    nobody = everything(client)
    PublishedWeek.objects.all().delete()
    for number in range(12):
        used(9, week=WEEK - timedelta(7 * number))
    published()
    assert everything(client) == nobody


def test_U15_differences_between_weeks_leave_the_noise(project: Project, used: Any, again: Any, published: Any) -> None:
    """The same installs in every week, for eleven weeks: noise moves, so no two weeks can be subtracted."""
    first = rules.first_week(date(2026, 5, 31))
    installs = used(50, week=first)
    for number in range(1, 11):
        for install in installs:
            again(install, first + timedelta(7 * number))
    published()
    weeks = [figures for _, figures in queries.published(project).weeks]
    told = [[week.installs, *(count for rows in week.parts.values() for _, count in rows)] for week in weeks]
    assert [len(each) for each in told] == [4] * len(weeks)
    assert len({tuple(each) for each in told}) > 3  # of eleven weeks; three are as good as impossible
    assert all(each is not None and abs(each - 50) <= rules.NOISE_MOST for week in told for each in week)
