"""The index of this machine: loaded from the newest folder, kept current, replaced when a newer folder is there."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

from django.db import Error, close_old_connections

from otumat_index.discover.search.engine import folder, following, reading, suggesting
from otumat_index.discover.search.engine.base import Base
from otumat_index.discover.search.engine.folder import Damaged
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.searcher import rebuilding
from otumat_index.jobs.follower import data_version

log = logging.getLogger(__name__)
LOOK_EVERY_S = 0.05
FOLDER_EVERY_S = 0.5
BEHIND_MAX = 20_000
"""Changes: so many at once are an import, and a rebuild is quicker than taking them in one by one."""
QUIET_S = 1.0
LONGEST_WAIT_S = 60.0
"""A rebuild begins when no change came for a second, or after a minute of changes."""
PAUSE_S = 2.5
LONGEST_PAUSE_S = 600.0
"""Between builds that fail: twice as long after each."""
DRIFT_AT_LEAST = 500
SMALL = 2_000
"""Projects: an index of so many is built in less time than a process starts."""
BUILDER = [sys.executable, "-m", "otumat_index.cli", "reindex", "--in-background"]


class Keeper:
    """Everything the searcher knows, and the thread that keeps it so. `lock` is held while the index changes."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self.lock = threading.Lock()
        self.index: Index | None = None
        self.behind = 0
        self.heard_at = time.monotonic()
        self.builder: subprocess.Popen[bytes] | None = None
        self.build_after = 0.0
        self.failures = 0
        self.wanted_since = 0.0
        self.moved_at = 0.0
        self.seen_head = -1
        self.looked_for_folder_at = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Keep the index until told to stop."""
        seen: object = None
        while not stopping.wait(LOOK_EVERY_S):
            try:
                self.take_folder()
                now = data_version()
                if now != seen or now == 0 or self.behind or self.index is None or self.is_drifted():
                    self.follow()
                    seen = now
                self.heard_at = time.monotonic()
            except (Error, OSError) as exc:
                log.warning("The searcher could not look at the catalogue: %s. It tries again.", exc)
                close_old_connections()
                seen = None
                stopping.wait(1)
            except Exception:
                # Whatever a change did to the index, a fresh one is right.
                log.exception("The searcher stumbled; it builds its index anew.")
                self.index = None
                folder.discard_others(self.parent, None)
                seen = None
                stopping.wait(1)
        self.stop_builder()

    def follow(self) -> None:
        """Take in what changed, or have everything built anew where that is quicker."""
        head = following.head()
        if head != self.seen_head:
            self.seen_head, self.moved_at = head, time.monotonic()
        index = self.index
        if index is None:
            self.want_build(at_once=True)
            return
        self.behind = head - index.serial
        if self.behind < 0:
            self.begin_anew()
        elif self.behind > BEHIND_MAX:
            self.want_build()
        else:
            for serial in following.steps(index, self.lock):
                self.behind = max(0, head - serial)
                self.heard_at = time.monotonic()
            if self.is_drifted():
                self.want_build()
            else:
                self.wanted_since = 0.0

    def is_drifted(self) -> bool:
        """Whether so much has changed that the order of quality is no longer right, or memory is wasted."""
        return self.index is not None and self.index.drift > DRIFT_AT_LEAST + self.index.base.count // 100

    def begin_anew(self) -> None:
        """Another catalogue than the one this index was made of."""
        log.warning("The journal is shorter than the index knows it: the index is built anew.")
        with self.lock:
            self.index = None
        folder.discard_others(self.parent, None)

    # Folders.

    def take_folder(self) -> None:
        """Load the newest folder where that is not the one we have; a damaged one is deleted."""
        if time.monotonic() - self.looked_for_folder_at < FOLDER_EVERY_S:
            return
        self.looked_for_folder_at = time.monotonic()
        newest = folder.newest(self.parent)
        if newest is None or (self.index is not None and newest == self.index.base.path):
            return
        try:
            fresh = Index(Base(newest))
        except Damaged as exc:
            log.warning("%s It is built anew.", exc)
            if folder.newest(self.parent) == newest:
                folder.discard_others(self.parent, None)
            return
        if not self.belongs(fresh):
            log.warning("The search index is of another catalogue; it is built anew.")
            folder.discard_others(self.parent, None)
            return
        self.take(fresh)

    def belongs(self, fresh: Index) -> bool:
        """Whether an index was made of this catalogue, for all that can be told."""
        serial = fresh.base.serial
        return serial <= following.head() and following.mark(serial) == fresh.base.mark

    def take(self, fresh: Index) -> None:
        """Answer from an index from now on, once it knows what there is to know: half of it would be a lie."""
        if following.head() - fresh.serial <= BEHIND_MAX:
            for _ in following.steps(fresh):
                self.heard_at = time.monotonic()
        suggesting.vocabulary(fresh)  # made by whoever asks first otherwise
        self.behind = following.head() - fresh.serial
        with self.lock:
            self.index = fresh
        self.wanted_since = 0.0

    # Builds.

    def want_build(self, *, at_once: bool = False) -> None:
        """Start a build when its time has come."""
        now = time.monotonic()
        self.wanted_since = self.wanted_since or now
        is_time = at_once or now - self.moved_at > QUIET_S or now - self.wanted_since > LONGEST_WAIT_S
        if self.builder is not None:
            code = self.builder.poll()
            if code is None:
                return
            self.builder = None
            # After a success the folder is taken before another build is thought of.
            self.failures = self.failures + 1 if code else 0
            pause_s = min(PAUSE_S * 2**self.failures, LONGEST_PAUSE_S)
            self.build_after = now + (pause_s if code else 2 * FOLDER_EVERY_S)
        if is_time and now >= self.build_after:
            self.build()

    def build(self) -> None:
        """Here where it is a matter of a moment, else in a process of its own."""
        if reading.count() > SMALL:
            self.builder = subprocess.Popen(BUILDER, stdin=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
        else:
            rebuilding.rebuild(waits=False)
            self.looked_for_folder_at = 0.0
            self.build_after = time.monotonic() + 2 * FOLDER_EVERY_S

    def stop_builder(self) -> None:
        if self.builder is not None and self.builder.poll() is None:
            self.builder.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.builder.wait(5)

    def fraction(self) -> float:
        """How far a build is that somebody waits for."""
        is_waited_for = self.index is None or self.behind > BEHIND_MAX
        return rebuilding.progress_of(self.parent) if is_waited_for else 1.0
