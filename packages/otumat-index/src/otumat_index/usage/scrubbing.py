"""
What a database still holds of what was overwritten or removed: its log, and dead copies in its files.

SQLite has older pages in its write-ahead log until that is cut off; PostgreSQL has the old version of a row until its
table is written anew. docs/decisions/0016-erasure.md says why no more than this is needed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import OperationalError, connections

from otumat_index.accounts.models import FamilyToken, InstallSecret, TokenFamily
from otumat_index.usage.models import Enrolment, Erasure, ImageCopy, Install
from otumat_index.usage.stores import routing

PATIENCE_MS = 2000
"""How long others may keep us from it; whoever writes meanwhile waits, too."""
MARGIN = timedelta(minutes=1)
"""From the time that an erasure names to its commit."""
ALL = datetime.max.replace(tzinfo=UTC)
SWEPT = (TokenFamily, FamilyToken, Install, ImageCopy, Enrolment, Erasure)


def scrub() -> datetime | None:
    """
    Let go of it everywhere.

    Returns:
        Until when a change must have been made to be covered; None: no change is, somebody still reads what was.
    """
    found = [scrub_one(alias) for alias in dict.fromkeys(["default", routing.alias()])]
    return min((each for each in found if each), default=None) if all(found) else None


def scrub_one(alias: str) -> datetime | None:
    connection = connections[alias]
    if connection.in_atomic_block:
        return None
    try:
        return cut_log(alias) if connection.vendor == "sqlite" else write_anew(alias)
    except OperationalError:  # locked for longer than we wait
        return None


def cut_log(alias: str) -> datetime | None:
    """SQLite: everything into the file, where what was overwritten is overwritten, and the log to no length."""
    with connections[alias].cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MS:d}")
        try:
            is_busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before:d}")
    return None if is_busy else ALL


def write_anew(alias: str) -> datetime | None:
    """PostgreSQL: the secrets without their dead versions (a plain VACUUM leaves the bytes in the page)."""
    if alias != "default":
        return ALL  # what is there is sealed with secrets that are here
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {PATIENCE_MS:d}")
        try:
            cursor.execute(OLDEST)
            oldest: datetime = cursor.fetchone()[0]
            cursor.execute(f"VACUUM FULL {InstallSecret._meta.db_table}")
            for model in SWEPT:
                cursor.execute(f"VACUUM {model._meta.db_table}")
        finally:
            cursor.execute("RESET lock_timeout")
    return oldest - MARGIN


OLDEST = """SELECT coalesce(min(xact_start), now()) FROM pg_stat_activity
WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"""
"""Since when somebody reads for whom a dead version has to stay."""
