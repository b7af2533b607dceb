"""Many rows by one statement: half of what a row costs is saved where fifty share one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

AT_ONCE = 50
ROW = re.compile(r"\(%s(?:, %s)*\)")


def run(connection: BaseDatabaseWrapper, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """
    Run an INSERT of one row for many, in their order.

    Args:
        statement: With one row of places, `VALUES (%s, %s)`.
        rows: No two with the same key.
    """
    if not rows:
        return
    wide = len(rows) - len(rows) % AT_ONCE
    blocks = [list(chain(*rows[start : start + AT_ONCE])) for start in range(0, wide, AT_ONCE)]
    with connection.cursor() as cursor:
        if blocks:
            cursor.executemany(widened(statement), blocks)
        if rows[wide:]:
            cursor.executemany(statement, rows[wide:])


@cache
def widened(statement: str) -> str:
    return ROW.sub(lambda row: ", ".join([row.group()] * AT_ONCE), statement, count=1)
