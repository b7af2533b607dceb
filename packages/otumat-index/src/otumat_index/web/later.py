"""Work nobody waits for: what takes as long as it takes must not tell a stranger anything by its time (A38)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from django.conf import settings
from django.db import connections, transaction

log = logging.getLogger(__name__)
WAITING_MAX = 1000
ROOM = threading.BoundedSemaphore(WAITING_MAX)


@lru_cache(maxsize=1)
def runner() -> ThreadPoolExecutor:
    """One thread of this process, started when first needed; it ends with the process, its work done."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="later")


def run(work: Callable[[], object]) -> None:
    """
    Run something after the commit, beside the request.

    It is lost when the process is killed, so it may only be what a person asks for again: a mail with a link, say.
    """
    if settings.LATER == "inline":  # tests wait
        work()
    else:
        transaction.on_commit(lambda: start(work))


def start(work: Callable[[], object]) -> None:
    if ROOM.acquire(blocking=False):
        runner().submit(finish, work)
    else:
        log.error("Too much is waiting to be done later; one thing was dropped.")


def finish(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("Something put off for later failed.")
    finally:
        ROOM.release()
        connections.close_all()
