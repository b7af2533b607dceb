"""One web process: uvicorn with the hot lane in front, the WSGI application in threads behind."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from otumat_index.processes import lifeline
from otumat_index.processes.bodies import WholeBodies
from otumat_index.processes.bridge import Bridge
from otumat_index.processes.places import BACKLOG, Place, listen
from otumat_index.web.lane.patience import Patience, sweep
from otumat_index.web.lane.protocol import protocol_for
from otumat_index.web.lane.reasons import carried
from otumat_index.web.lane.table import Table

logger = logging.getLogger(__name__)

TICK_S = 0.25


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What every web worker is told. JSON takes it from the supervisor to the workers, so the values are plain."""

    lane: str
    """The lane's store, such as DATA/cache/lane.sqlite3."""
    application: str = "otumat_index.wsgi:application"
    """The WSGI application, as `module:name`; imported once the process is ready for it."""
    hosts: tuple[str, ...] = ("*",)
    """Host names the lane answers for, as in Django's ALLOWED_HOSTS; others are left to the application."""
    threads: int = 16
    """Requests the application works on at once."""
    memory_bytes: int = 64 << 20
    """Prepared bodies kept in memory."""
    body_limit_bytes: int = 256 << 20
    """No request body may be larger; the application's own limits are below."""
    idle_s: float = 15.0
    head_s: float = 15.0
    body_s: float = 30.0
    stall_s: float = 60.0
    """See `web.lane.patience.Patience`."""
    grace_s: float = 15.0
    """How long requests under way may take to end when the worker is stopped."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For and X-Forwarded-Proto are believed."""


def run(settings: WorkerSettings, *, number: int, places: Sequence[Place], ready: int, pipe: int) -> None:
    """
    Serve until SIGTERM.

    Args:
        number: Which worker, from 0.
        places: Where to listen.
        ready: A descriptor to write one byte to once requests are answered.
        pipe: The lifeline's end.
    """
    lifeline.hold(pipe, settings.grace_s + 2)
    table = Table(Path(settings.lane), worker=number, memory_bytes=settings.memory_bytes, hosts=settings.hosts)
    server = _Server(_config(settings, table), table, settings, ready)
    server.run([listen(place) for place in places])


def load(target: str) -> Any:
    """Import what `module:name` names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def spare_the_collector() -> None:
    """
    What is there once the application is loaded stays; looking through it for garbage took 50 ms, amidst a page.

    Pages make thousands of objects and no circles to speak of, so it looks less often, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _config(settings: WorkerSettings, table: Table) -> uvicorn.Config:
    bridge = Bridge(carried(load(settings.application)), threads=settings.threads)
    return uvicorn.Config(
        WholeBodies(bridge, limit_bytes=settings.body_limit_bytes),
        loop="uvloop",
        http=protocol_for(table),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=max(1, round(settings.idle_s)),
        timeout_graceful_shutdown=max(1, round(settings.grace_s)),
        backlog=BACKLOG,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, with the lane's tick and a word to the supervisor when it is up."""

    def __init__(self, config: uvicorn.Config, table: Table, settings: WorkerSettings, ready: int) -> None:
        super().__init__(config)
        self._table = table
        self._patience = Patience(settings.idle_s, settings.head_s, settings.body_s, settings.stall_s)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        spare_the_collector()
        self._tick(asyncio.get_running_loop())
        os.write(self._ready, b"r")
        os.close(self._ready)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(TICK_S, self._tick, loop)
        try:
            self._table.tick()
            sweep(self.server_state.connections, self._patience, self._table.now)
        except Exception:
            logger.exception("The worker's tick failed; the next one is %s s away.", TICK_S)
