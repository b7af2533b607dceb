"""
`python -m bench.usage_filling EVENTS`: a year of a project's uses, told to the store batch by batch as ingestion does.

Copies come and go, use some features on some days, and take up releases with delay; one release is yanked. Every number
is drawn from one seed. Prints how many uses were counted; the store must agree.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import django

PROJECT, OWNER = "seaweed", "alice"
WEEKS, RELEASES, EVENTS, VALUES = 52, 10, 20, 10
USES_A_BATCH = 680
"""As copies of a library tell that send once a week."""
AT_ONCE = 2000
PYTHONS = (("3.11", 2), ("3.12", 5), ("3.13", 4), ("3.14", 2), ("3.10", 1))
SYSTEMS = ((("linux", "x86_64"), 6), (("darwin", "arm64"), 3), (("win32", "AMD64"), 2), (("linux", "aarch64"), 1))


def main(events: int) -> None:
    django.setup()
    from django.db import transaction

    from otumat_index.usage.stores import routing
    from otumat_index.usage.stores.orm import STORE

    today = make_project()
    project = number_of_project()
    told = batches(project, events, today)
    counted = 0
    while part := list(itertools.islice(told, AT_ONCE)):
        with transaction.atomic(using=routing.alias()):
            counted += sum(STORE.accept(each).counted for each in part)
    kept = sum(times for _, _, times in STORE.counted(project, date.min, date.max))
    assert kept == counted, f"{kept} of {counted} uses are in the store"
    print(counted)


def make_project() -> date:
    """A project with releases spread over a year, a manifest, and installs of as many copies as will tell."""
    from django.utils import timezone

    from otumat_index.accounts.credentials import of_user
    from otumat_index.accounts.models import User
    from otumat_index.publish import actions as publish
    from otumat_index.publish.models import Project, Release
    from otumat_index.usage import actions

    now, by = timezone.now(), of_user(User.objects.get(username=OWNER), "session")
    for number in range(RELEASES):
        form = [("name", PROJECT), ("version", f"1.{number}"), ("metadata_version", "2.1"), ("summary", "Reads tides")]
        publish.submit_release(form, by=by, at=now)
        made = now - timedelta(weeks=WEEKS * (RELEASES - number) / RELEASES)
        Release.objects.filter(project__normalized=PROJECT, version=f"1.{number}").update(created_at=made)
    project = Project.objects.get(normalized=PROJECT)
    publish.yank_release(project, f"1.{RELEASES - 2}", reason="It lost data", by=by, at=now)
    actions.set_collecting(project, is_on=True, by=by, at=now)
    values = [f"v{number}" for number in range(VALUES)]
    table = {
        "project": PROJECT,
        "purpose": "To learn what to improve first.",
        "event": [
            {"name": f"feature-{number}", "purpose": "Whether it is worth its keep.", "properties": {"way": values}}
            for number in range(EVENTS)
        ],
    }
    actions.declare(project, table, by=by, at=now)
    return now.date()


def number_of_project() -> int:
    from otumat_index.publish.models import Project

    return int(Project.objects.get(normalized=PROJECT).pk)


def batches(project: int, events: int, today: date) -> Iterator[Any]:
    """Batches until so many uses were told of, one copy after the other."""
    draw, told = random.Random(6), 0
    while told < events:
        install = made_install()
        for sequence, (monday, where) in enumerate(weeks_of(draw, today), 1):
            batch = one(draw, project, install, sequence, monday, where, today)
            told += batch.counted
            yield batch


def made_install() -> int:
    """An install as a copy makes it, by the number by which the store knows it."""
    from django.utils import timezone

    from otumat_index.usage import actions
    from otumat_index.usage.actions.installs import Asked
    from otumat_index.usage.models import Install

    actions.make_install(Asked(PROJECT), at=timezone.now())
    return Install.objects.latest("pk").pk


def weeks_of(draw: random.Random, today: date) -> Iterator[tuple[date, Any]]:
    """The weeks in which a copy is used, and where it runs in each."""
    from otumat.spec.event import Where

    monday = today - timedelta(today.weekday() + 7 * int(WEEKS * draw.random() ** 1.6))
    (system, machine), python = chosen(draw, SYSTEMS), chosen(draw, PYTHONS)
    is_ci, delay, stays = draw.random() < 0.08, draw.expovariate(1 / 2.5), draw.choice((0.5, 0.9, 0.97))
    while monday <= today:
        age = (today - monday).days / 7
        release = int(RELEASES - (age + delay) * RELEASES / WEEKS)
        yield monday, Where(f"1.{min(max(0, release), RELEASES - 1)}", python, system, machine, is_ci)
        monday += timedelta(7)
        if draw.random() > stays:
            return


def one(draw: random.Random, project: int, install: int, sequence: int, monday: date, where: Any, today: date) -> Any:
    from otumat_index.usage.stores.protocol import Accepted, Key

    counts: Counter[Any] = Counter()
    days = [day for number in range(7) if draw.random() < 0.5 if (day := monday + timedelta(number)) <= today]
    for day in days:
        for _ in range(6):
            event = min(EVENTS - 1, int(draw.expovariate(1 / 5)))
            times = 1 + int(draw.expovariate(6 * 3.5 / USES_A_BATCH))
            counts[Key(day, f"feature-{event}", f"way=v{draw.randrange(VALUES)}", where.release)] += times
    lost = {("room", "feature-0"): 3} if draw.random() < 0.02 else {}
    return Accepted(
        install=install,
        project=project,
        batch=f"{install:016x}{sequence:016x}",
        sequence=sequence + (sequence > 9),  # the tenth never came
        sha256="0" * 64,
        received_on=min(today, monday + timedelta(7)),
        body=b"",
        counts=counts,
        days=dict.fromkeys(days, where),
        losses=lost,
    )


def chosen(draw: random.Random, weighted: Any) -> Any:
    return draw.choices([value for value, _ in weighted], [weight for _, weight in weighted])[0]


if __name__ == "__main__":
    main(int(sys.argv[1]))
