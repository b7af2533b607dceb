"""
How far an import has come, so that one killed at any moment goes on where it was, nothing lost or done twice.

One small file for each file imported, in DATA/imports/. Before a batch is committed it says what will be true
afterwards (`next`) beside what is true already (`done`), and by which journal row the two can be told apart: serial and
moment of the batch's first. A killed import left that row or it did not; whoever goes on looks. So the database's own
commit decides, and the database holds nothing for us.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from otumat.errors import Conflict
from otumat_index.journal.models import Entry
from otumat_index.publish.bulk.report import Tally
from otumat_index.publish.bulk.writer import Mark


@dataclass(frozen=True, slots=True)
class Position:
    """
    Everything before here is dealt with.

    Attributes:
        line, offset: Of what comes next, in lines from 1 and bytes.
        rejects_bytes: Length of the rejects file.
        tally: What was counted so far.
        mark: The journal row that was written on the way here, or an earlier one; None when the journal was empty.
    """

    line: int = 1
    offset: int = 0
    rejects_bytes: int = 0
    tally: Tally = field(default_factory=Tally)
    mark: Mark | None = None

    def is_true(self) -> bool:
        """Whether the database has come this far: it was committed, and no older copy was put in its place since."""
        if self.mark is None:
            return True
        at = Entry.objects.filter(serial=self.mark.serial).values_list("at", flat=True).first()
        return at is not None and at.isoformat() == self.mark.at


class Checkpoint:
    """The checkpoint file of one source."""

    def __init__(self, folder: Path, identity: Mapping[str, str | int]) -> None:
        name = Path(str(identity["path"])).name[:80]
        digest = hashlib.sha256(str(identity["path"]).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self.path = folder / f"{name}.{digest}.checkpoint"
        self.identity = dict(identity)
        self.done = self._found()

    def expect(self, position: Position) -> None:
        """Say what the commit that follows makes true."""
        self._write(next=asdict(position))

    def reached(self, position: Position) -> None:
        """Say what is true. After `expect` nothing need be written: a reader finds out, and the next one says it."""
        wrote_nothing = position.mark == self.done.mark
        self.done = position
        if wrote_nothing:
            self._write()

    def remove(self) -> None:
        """All is done."""
        self.path.unlink(missing_ok=True)

    def _write(self, **more: Any) -> None:
        beside = self.path.with_suffix(".new")
        told = {"source": self.identity, "done": asdict(self.done), **more}
        beside.write_text(json.dumps(told), "utf-8")
        beside.replace(self.path)

    def _found(self) -> Position:
        """The furthest position that is true, or the start: of another state of the file nothing is believed."""
        try:
            told = json.loads(self.path.read_text("utf-8"))
            if told["source"] != self.identity:
                return start()
            positions = [_position(told[key]) for key in ("next", "done") if key in told]
        except (OSError, ValueError, KeyError, TypeError):
            return start()
        return next((position for position in positions if position.is_true()), start())


def start() -> Position:
    """Nothing is done yet, in the journal as it is now."""
    newest = Entry.objects.order_by("-serial").values_list("serial", "at").first()
    return Position(mark=Mark(newest[0], newest[1].isoformat()) if newest else None)


def _position(told: dict[str, Any]) -> Position:
    mark = told["mark"]
    return replace(Position(**told), tally=Tally.from_json(told["tally"]), mark=Mark(*mark) if mark else None)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """
    Keep other imports into the same data folder away; the system lets go of the lock however we end.

    Raises:
        Conflict: One is running.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Conflict("Another import into this index is running.", hint="Wait for it, or stop it first.") from None
    try:
        yield
    finally:
        os.close(lock)
