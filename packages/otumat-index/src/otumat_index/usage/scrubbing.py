"""
What a database still holds of what was overwritten or removed: its log, and dead copies in its files.

SQLite has older pages in its write-ahead log until that is cut off; PostgreSQL has the old version of a row until its
table is written anew, and what was written in its log until files of that go. docs/decisions/0016-erasure.md says why
no more than this is needed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import OperationalError, connections
from django.db.backends.utils import CursorWrapper

from otumat_index.accounts.models import FamilyToken, InstallSecret, TokenFamily
from otumat_index.usage.models import Enrolment, Erasure, ImageCopy, Install
from otumat_index.usage.stores import routing

PATIENCE_MS = 2000
"""How long others may keep us from it; whoever writes meanwhile waits, too."""
MARGIN = timedelta(minutes=1)
"""From the time that an erasure names to its commit."""
ALL = datetime.max.replace(tzinfo=UTC)
SWEPT = (TokenFamily, FamilyToken, Install, ImageCopy, Enrolment, Erasure)


class Scrubbed(NamedTuple):
    """Until when a change must have been made to be covered, and whether the log has none of these either."""

    until: datetime
    with_log: bool = True


def scrub(asked_at: datetime) -> Scrubbed | None:
    """
    Let go of it everywhere.

    Args:
        asked_at: Of the first of the changes to cover.

    Returns:
        None: nothing is covered, somebody still reads what was.
    """
    found = [scrub_one(alias, asked_at) for alias in dict.fromkeys(["default", routing.alias()])]
    done = [each for each in found if each]
    if len(done) < len(found):
        return None
    return Scrubbed(min(each.until for each in done), all(each.with_log for each in done))


def scrub_one(alias: str, asked_at: datetime) -> Scrubbed | None:
    connection = connections[alias]
    if connection.in_atomic_block:
        return None
    try:
        return cut_log(alias) if connection.vendor == "sqlite" else write_anew(alias, asked_at)
    except OperationalError:  # locked for longer than we wait
        return None


def cut_log(alias: str) -> Scrubbed | None:
    """SQLite: everything into the file, where what was overwritten is overwritten, and the log to no length."""
    with connections[alias].cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MS:d}")
        try:
            is_busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before:d}")
    return None if is_busy else Scrubbed(ALL)


def write_anew(alias: str, asked_at: datetime) -> Scrubbed | None:
    """PostgreSQL: the secrets without their dead versions (a plain VACUUM leaves the bytes in the page)."""
    if alias != "default":
        return Scrubbed(ALL)  # what is there is sealed with secrets that are here
    with connections[alias].cursor() as cursor:
        cursor.execute(OLDEST)
        until: datetime = cursor.fetchone()[0] - MARGIN
        if until < asked_at:
            return None
        cursor.execute(f"SET lock_timeout = {PATIENCE_MS:d}")
        try:
            cursor.execute(f"VACUUM FULL {InstallSecret._meta.db_table}")
            for model in SWEPT:
                cursor.execute(f"VACUUM {model._meta.db_table}")
        finally:
            cursor.execute("RESET lock_timeout")
        cursor.execute(HELD_BACK, [InstallSecret._meta.db_table, until])
        if cursor.fetchone()[0]:
            return None
        return Scrubbed(until, with_log=turn_log(cursor))


def turn_log(cursor: CursorWrapper) -> bool:
    """Begin a new file of PostgreSQL's log and let the old ones go, where we may; whether no older one is left."""
    cursor.execute(MAY_TURN)
    if not cursor.fetchone()[0]:
        return False
    cursor.execute("SELECT clock_timestamp(), pg_walfile_name(pg_switch_wal())")
    since, last = cursor.fetchone()
    cursor.execute("CHECKPOINT")
    cursor.execute(OLDER_LOG, [last, since])
    return bool(cursor.fetchone()[0] == 0)


OLDEST = """SELECT coalesce(min(xact_start), now()) FROM pg_stat_activity
WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"""
"""Since when somebody reads for whom a dead version has to stay."""
HELD_BACK = """SELECT count(*) FROM usage_erasure AS erasure, pg_class AS secrets
WHERE secrets.oid = %s::regclass AND NOT erasure.scrubbed AND erasure.asked_at <= %s
AND age(erasure.xmin) <= age(secrets.relfrozenxid)"""
"""
Those whose dead versions went along into the new file: a table that was written anew says up to which transaction it
has none, and a row of `Erasure` was last written after its secret was. Who held them back may be in another database,
or be nobody whom we may see in `pg_stat_activity`.
"""
MAY_TURN = """SELECT coalesce(current_setting('wal_recycle', true)::boolean, true) = false
AND has_function_privilege('pg_switch_wal()', 'execute') AND has_function_privilege('pg_ls_waldir()', 'execute')
AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint' AND pg_has_role(oid, 'usage'))"""
"""With `wal_recycle` a file that is not needed any more is kept as it is, to be written over who knows when."""
OLDER_LOG = """SELECT count(*) FROM pg_ls_waldir()
WHERE name ~ '^[0-9A-F]{24}$' AND (name <= %s OR modification < %s - interval '1 second')"""
"""Replicas that are behind, or a setting, may hold on to old files. Times of files are in whole seconds."""
