"""The import itself, told from top to bottom: open, check elsewhere, write batch by batch, report."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.utils import timezone

from otumat.errors import NotFound
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.publish import queries
from otumat_index.publish.bulk import source, tables
from otumat_index.publish.bulk.checker import Checked, Chunk, Rejected
from otumat_index.publish.bulk.checkers import Checkers, how_many
from otumat_index.publish.bulk.checkpoint import Checkpoint, Position, alone
from otumat_index.publish.bulk.interrupt import Interrupt
from otumat_index.publish.bulk.progress import Progress
from otumat_index.publish.bulk.records import Limits, Record
from otumat_index.publish.bulk.report import Rejects, Tally, count, summary
from otumat_index.publish.bulk.source import Source
from otumat_index.publish.bulk.writer import Mark, Writer, Written

INTERRUPTED = 130
TRIES = 5
# Between batches others may write. SQLite makes them try again at intervals that grow to 100 ms, so they need a share
# of the time we take; waiting for the next checked batch counts.
LEFT_TO_OTHERS = 1 / 3
LEFT_AT_MOST_S = 0.05


def run(name: str, *, owner: str | None, python: str | None) -> int:
    """`bulk.run`."""
    folder = settings.CONFIG.data / "imports"
    writer = Writer(owner=None if owner is None else owner_of(owner), by=command())
    with alone(folder), source.opened(name, python) as opened, tables.at_length():
        return Import(opened, writer, folder).run()


def owner_of(login: str) -> User:
    """The person whom new names will belong to."""
    user = User.objects.filter(username__iexact=login).first()
    if user is None:
        raise NotFound(f"There is no user {login!r}.", hint="Make one with `otumat-index user create`.")
    return user


class Import:
    """One run over one source."""

    def __init__(self, opened: Source, writer: Writer, folder: Path) -> None:
        self.source = opened
        self.writer = writer
        self.checkpoint = Checkpoint(folder, source.identity(opened.path)) if opened.path else None
        self.position = self.checkpoint.done if self.checkpoint else Position()
        self.rejects = Rejects(rejects_path(opened, folder), keep_bytes=self.position.rejects_bytes)
        self.progress = Progress(
            size_bytes=opened.size_bytes, offset=self.position.offset, records=self.position.tally.records
        )

    def run(self) -> int:
        """Read to the end, and report; 130 when interrupted."""
        before = self.position.tally.records
        if before:
            print(f"Going on after {before:,} records.", file=sys.stderr)
        with closing(self.rejects):
            try:
                self._write_all()
            except KeyboardInterrupt:
                print(self._how_to_go_on(), file=sys.stderr)
                return INTERRUPTED
        tally, seconds = self.position.tally, self.progress.seconds
        rejects, records = self.rejects.path, tally.records - before
        print(summary(self.source.label, tally, seconds=seconds, records=records, rejects=rejects))
        if self.checkpoint:
            self.checkpoint.remove()
        return int(tally.rejected > 0 and tally.rejected == tally.records)

    def _write_all(self) -> None:
        with ExitStack() as stack:
            stack.callback(self.progress.end)
            interrupt = stack.enter_context(Interrupt())
            checkers = stack.enter_context(closing(Checkers(self.source.form, limits(), count=how_many())))
            turn_of_others_until = 0.0
            for checked in checkers.check(self._chunks()):
                time.sleep(max(0.0, turn_of_others_until - time.monotonic()))
                with interrupt.held():
                    took = self._write(checked)
                turn_of_others_until = time.monotonic() + min(took * LEFT_TO_OTHERS, LEFT_AT_MOST_S)
                self.progress.update(self.position.tally.records, self.position.offset)

    def _chunks(self) -> Iterator[Chunk]:
        if self.position.offset:
            self.source.stream.seek(self.position.offset)
        return source.chunks(self.source.stream, line=self.position.line, offset=self.position.offset)

    def _write(self, checked: Checked) -> float:
        """One batch; returns the seconds it kept other writers out."""
        left_out = [Rejected(*each) for each in checked.rejected]
        kept = [Record._make(each) for each in checked.records]
        self.rejects.add(each.written for each in left_out)
        errors = count((each.line, code, message) for each in left_out for code, message in each.problems)
        after = Tally(rejected=len(left_out), errors=errors, warnings=checked.warnings)
        for attempt in range(1, TRIES + 1):
            begun = time.monotonic()
            try:
                self._commit(kept, checked, after, at=timezone.now())
            except (IntegrityError, OperationalError, InterfaceError) as exc:
                # Somebody claimed one of the names meanwhile, holds the database for long, or it was restarted.
                if attempt == TRIES or connection.in_atomic_block:
                    raise
                wait(attempt, exc)
            else:
                return time.monotonic() - begun
        raise AssertionError("unreachable")

    def _commit(self, kept: list[Record], checked: Checked, counted: Tally, *, at: datetime) -> None:
        after = self.position

        def before_commit(written: Written, mark: Mark | None) -> None:
            nonlocal after
            after = replace(
                self.position,
                line=checked.next_line,
                offset=checked.end,
                rejects_bytes=self.rejects.size_bytes,
                tally=self.position.tally.plus(counted).plus(tally_of(written)),
                mark=mark or self.position.mark,
            )
            if self.checkpoint and mark:
                self.checkpoint.expect(after)

        self.writer.write(kept, at=at, before_commit=before_commit)
        self.position = after
        if self.checkpoint:
            self.checkpoint.reached(after)

    def _how_to_go_on(self) -> str:
        done = f"Stopped after {self.position.tally.records:,} records."
        return f"{done} The same command goes on from there." if self.checkpoint else f"{done} They are kept."


def tally_of(written: Written) -> Tally:
    """What was written, as counts."""
    claims = count((line, problem.code, problem.message) for line, problem in written.claims)
    return Tally(written.created, written.updated, written.unchanged, warnings=claims)


def limits() -> Limits:
    """What this index takes, for the checking processes."""
    return Limits(queries.vocabulary(), settings.CONFIG.max_description_kb, queries.widths())


def rejects_path(opened: Source, folder: Path) -> Path:
    """Beside the file; in DATA/imports/ for what is no file, or where nothing can be written beside it."""
    if opened.path is None:
        return folder / f"{opened.label.replace(' ', '-')}.rejected.jsonl"
    beside = opened.path.with_name(f"{opened.path.name}.rejected.jsonl")
    return beside if os.access(beside.parent, os.W_OK) else folder / beside.name


def wait(attempt: int, exc: DatabaseError | InterfaceError) -> None:
    """A little longer each time; a broken connection is opened anew."""
    print(f"The database would not take a batch ({exc}); trying again.".replace("\n", " "), file=sys.stderr)
    connection.close_if_unusable_or_obsolete()
    time.sleep(0.1 * 2**attempt)
