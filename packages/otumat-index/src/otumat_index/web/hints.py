"""Telling the hot lane that a project changed, right after the commit and before anybody is answered."""

from __future__ import annotations

import logging
import sqlite3
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from otumat_index.web.lane.store import Store

LIST_TOPIC = "/simple/"
"""What the list of all projects is kept and dropped under."""

log = logging.getLogger(__name__)


@lru_cache(maxsize=2)
def open_store(path: Path) -> Store:
    """This process's handle on the lane's store."""
    return Store(path)


def running() -> Store | None:
    """The lane's store, where `serve` has made one."""
    path = settings.CONFIG.lane_path
    return open_store(path) if path.exists() else None


def changed(topic: str, serial: int) -> None:
    """
    Drop the prepared pages of a project from every worker's table.

    Only a quicker way: who follows the journal does the same a moment later. Nothing happens where no lane runs.
    """
    try:
        store = running()
        if store is not None:
            store.mark_stale(topic, serial)
    except (OSError, sqlite3.Error) as exc:
        log.warning("The lane could not be told that %s changed: %s", topic, exc)
