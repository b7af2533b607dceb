"""What a store of uses can do. One suite of tests holds every engine to it: tests/usage/test_stores.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

from otumat.spec.event import Verdict, Where


class Key(NamedTuple):
    """What is counted together, within a project."""

    day: date
    event: str
    properties: str
    release: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    One batch after its rows were judged; a store takes all of it or nothing.

    Attributes:
        sequence: 1, 2, 3, … per install; what is missing in between was lost on its way. 0, of a copy of an image, has
            no place among them.
        days: Days on which the install was used, and where it ran on each; on others its uses count, but not itself.
        losses: (reason, event) to how many.
    """

    install: int
    project: int
    batch: str
    sequence: int
    sha256: str
    received_on: date
    body: bytes
    counts: Mapping[Key, int]
    refused: Sequence[Verdict] = ()
    days: Mapping[date, Where] = field(default_factory=dict)
    losses: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def counted(self) -> int:
        return sum(self.counts.values())


class Told(NamedTuple):
    """A batch as it was taken: now, or (`replayed`) before."""

    batch: str
    sha256: str
    counted: int
    refused: tuple[Verdict, ...]
    replayed: bool
    sequence: int = 0
    received_on: date | None = None


class Day(NamedTuple):
    """Installs used on a day, in the 7, 28 and 14 days that end with it, and those whose first day it is."""

    day: date
    daily: int
    weekly: int
    monthly: int
    fresh: int
    fortnightly: int = 0


class EventStore(Protocol):
    """Batches, and what they add up to."""

    def accept(self, accepted: Accepted) -> Told:
        """
        Take a batch once, in one transaction that is durable when this returns.

        Raises:
            Conflict: `batch_differs`: the id was used with other bytes.
            Refused: `withdrawn`: the install is closed.
        """

    def close(self, install: int) -> None:
        """Take nothing more of an install."""

    def erase(self, install: int) -> int:
        """Close an install and forget its batches and activity; what was counted stays. Returns how many batches."""

    def batches(self, install: int) -> list[Told]:
        """What is kept of an install, oldest first."""

    def body(self, install: int, batch: str) -> bytes:
        """What was kept as a batch's body; empty when it is not kept (any more)."""

    def expire(self, before: date) -> int:
        """Forget the bodies of batches received before a day; returns how many."""

    def active(self, project: int, since: date, until: date) -> list[Day]:
        """Active installs by day, for days that have any."""

    def counted(
        self, project: int, since: date, until: date, *, most: int | None = None
    ) -> list[tuple[str, date, int]]:
        """
        How often each event happened, by event and day.

        Args:
            most: Where there are more rows than so many events can have, only those of the so many that happened most.
        """

    def days_of(self, project: int, event: str, since: date, until: date) -> list[tuple[date, int]]:
        """How often one event happened, by day."""

    def details(self, project: int, event: str, since: date, until: date) -> list[tuple[str, str, int]]:
        """How often one event happened, by properties and release, most first."""

    def rows(self, project: int, event: str, since: date, until: date) -> list[tuple[date, str, str, int]]:
        """How often one event happened, by day, properties and release, in that order."""

    def users(self, project: int, since: date) -> list[tuple[str, int]]:
        """Installs that told of each event on or after a day, by event; those that were erased are not among them."""

    def places(self, project: int, since: date, kind: str) -> list[tuple[str, int]]:
        """
        Installs used since a day by where they ran when they last told, most first; without those that were erased.

        Args:
            kind: `release`, `python`, `system`, `machine`, or `ci` (`yes` or `no`).
        """

    def spread(self, project: int, kind: str, since: date, until: date) -> list[tuple[str, date, int]]:
        """Installs used on each day by where they ran when they first told of that day: value, day, installs."""

    def in_week(self, project: int, week: date) -> list[tuple[str, str, int]]:
        """Installs used in a week (its Monday) by where they ran when they first told of it: kind, value, installs."""

    def kept(self, project: int, since: date, until: date) -> list[tuple[date, date, int]]:
        """
        Installs by the week of their first day and each week in which they were used; weeks are told by their Monday.

        Args:
            since, until: The first and last week (Monday) in which such installs were used first.
        """

    def losses(self, project: int, since: date, until: date) -> list[tuple[str, str, int]]:
        """
        What was not counted: reason, event, how many.

        Batches that are missing in the sequence of their install are `gap`, on the day on which that showed; one that
        comes after all is taken off that day again.
        """
