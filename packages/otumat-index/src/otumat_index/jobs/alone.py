"""Being the only one at something, on all machines that share a catalogue; the lock ends with its holder."""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from pathlib import Path

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error

ASK_EVERY_S = 2.0


class Alone:
    """
    A lock that one process holds: a PostgreSQL session's advisory lock, or, with SQLite, a lock on a file.

    Not on a file that is deleted: two processes could hold two files of one name.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.number = zlib.crc32(f"otumat {name}".encode())
        self.path = path
        self.file = -1
        self.session: BaseDatabaseWrapper | None = None
        self.asked_at = 0.0

    def is_held(self) -> bool:
        """Whether we are alone, trying to become so if we are not."""
        return self._session_is_held() if connection.vendor == "postgresql" else self._file_is_held()

    def release(self) -> None:
        if self.file >= 0:
            os.close(self.file)
            self.file = -1
        if self.session is not None:
            self.session.close()
            self.session = None

    def _file_is_held(self) -> bool:
        if self.file >= 0:
            return True
        opened = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return False
        self.file = opened
        return True

    def _session_is_held(self) -> bool:
        """A connection of its own: what loses it loses the lock, and asking it tells."""
        if time.monotonic() - self.asked_at < ASK_EVERY_S:
            return self.session is not None
        self.asked_at = time.monotonic()
        try:
            if self.session is not None:
                with self.session.cursor() as cursor:
                    cursor.execute("SELECT 1")
                return True
            session = connections.create_connection("default")
            with session.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [self.number])
                if cursor.fetchone() == (True,):
                    self.session = session
                    return True
            session.close()
        except Error:
            self.release()
        return False
