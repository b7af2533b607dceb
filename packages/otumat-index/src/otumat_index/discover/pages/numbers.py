"""How much there is: counted again when something changed, and never for more than a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from otumat_index.discover.pages import index
from otumat_index.journal import queries as journal
from otumat_index.publish.models import File, Release

T = TypeVar("T")
SHARE = 0.02
"""Of one core, spent on counting at most: at 886,000 projects a count takes 0.5 s, and then serves for 25 s."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What this index holds, private projects left out."""

    projects: int
    releases: int
    files: int


class Kept(Generic[T]):
    """
    A value that is made anew once the journal has moved, unless making it took long and was lately.

    Args:
        serial_of: The serial up to which a value knows everything; a negative one keeps it for this once only. Without
            it, values know everything that there was before they were made.
    """

    def __init__(self, make: Callable[[], T], *, serial_of: Callable[[T], int] | None = None) -> None:
        self.make = make
        self.serial_of = serial_of
        self.forget()

    def forget(self) -> None:
        """Make it anew when it is asked for next."""
        self.value: T | None = None
        self.serial, self.not_before = -1, 0.0

    def get(self, serial: int | None = None) -> T:
        """The value, as it is good at a serial; without one, one query asks for the newest."""
        serial = journal.last_serial() if serial is None else serial
        if self.value is None or self.serial < 0 or (serial != self.serial and time.monotonic() >= self.not_before):
            begun = time.monotonic()
            self.value = self.make()
            self.serial = self.serial_of(self.value) if self.serial_of else serial
            self.not_before = time.monotonic() + (time.monotonic() - begun) / SHARE
        return self.value


def count() -> Numbers:
    """Three walks over indexes."""
    return Numbers(
        projects=index.public().count(),
        releases=Release.objects.filter(project__is_private=False).count(),
        files=File.objects.filter(release__project__is_private=False).count(),
    )


numbers = Kept(count)
