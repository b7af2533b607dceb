"""Answering at the socket: one thread, one question after the other, each of about a millisecond."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from otumat_index.discover.search import client, wire
from otumat_index.discover.search.engine.answering import Answer, answer
from otumat_index.discover.search.engine.index import Index
from otumat_index.discover.search.searcher.keeper import Keeper

log = logging.getLogger(__name__)
WAIT_S = 0.25
CONNECTIONS_MAX = 2_000
READ_BYTES = 1 << 16
SEND_TIMEOUT_S = 2.0


class Server:
    """Listens, reads frames, answers them."""

    def __init__(self, keeper: Keeper, path: Path) -> None:
        self.keeper = keeper
        self.listener = listen(path)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.unread: dict[socket.socket, bytearray] = {}

    def run(self, stopping: threading.Event) -> None:
        """Answer until told to stop."""
        try:
            while not stopping.is_set():
                for key, _ in self.selector.select(WAIT_S):
                    self.serve(key.fileobj)  # type: ignore[arg-type]
        finally:
            for connection in [*self.unread]:
                self.drop(connection)
            self.listener.close()
            self.selector.close()

    def serve(self, ready: socket.socket) -> None:
        if ready is self.listener:
            self.accept()
            return
        try:
            self.read(ready)
        except (OSError, wire.Broken):
            self.drop(ready)

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self.listener.accept()
            if len(self.unread) >= CONNECTIONS_MAX:
                connection.close()
                return
            connection.settimeout(SEND_TIMEOUT_S)
            self.unread[connection] = bytearray()
            self.selector.register(connection, selectors.EVENT_READ)

    def drop(self, connection: socket.socket) -> None:
        self.unread.pop(connection, None)
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(connection)
        connection.close()

    def read(self, connection: socket.socket) -> None:
        """Take what came; answer every whole frame."""
        some = connection.recv(READ_BYTES)
        if not some:
            raise wire.Broken
        unread = self.unread[connection]
        unread += some
        while len(unread) >= wire.LENGTHS.size:
            text_bytes, number_bytes = wire.LENGTHS.unpack_from(unread)
            end = wire.LENGTHS.size + text_bytes
            if number_bytes or text_bytes > wire.QUESTION_MAX_BYTES:
                raise wire.Broken
            if len(unread) < end:
                return
            told = wire.parsed(bytes(unread[wire.LENGTHS.size : end]))
            del unread[:end]
            connection.sendall(self.answer(told))

    def answer(self, told: dict[str, Any]) -> bytes:
        """The frame that answers one frame."""
        keeper, index = self.keeper, self.keeper.index
        state: dict[str, Any] = {
            "ready": index is not None,
            "fraction": keeper.fraction(),
            "behind": keeper.behind,
            "silent_s": round(time.monotonic() - keeper.heard_at, 1),
            "serial": index.serial if index is not None else 0,
            "projects": len(index.public) if index is not None else 0,
        }
        if index is None or "ask" not in told:
            return wire.packed(state)
        try:
            with keeper.lock:
                return found(index, told, state)
        except (ValueError, KeyError, TypeError) as exc:
            log.warning("A question that cannot be read: %s", exc)
        except Exception:
            log.exception("A question could not be answered")
        return wire.packed({**state, "failed": True})


def found(index: Index, told: dict[str, Any], state: dict[str, Any]) -> bytes:
    """Ask the index what a frame asks."""
    made: Answer = answer(
        index,
        wire.query_of(told["ask"]),
        sees=frozenset(told["sees"]),
        rows=int(told["rows"]),
        place=str(told["place"]),
        counts=bool(told["counts"]),
        at=int(told["at"]),
    )
    said: dict[str, Any] = {
        **state,
        "total": made.total,
        "ids": made.ids,
        "next": made.next,
        "previous": made.previous,
        "suggestion": made.suggestion,
        "serial": made.serial,
    }
    version = f"{index.base.path.name} {len(index.nodes)}"
    if made.counts is not None and told.get("nodes") != version:
        said |= {"nodes": index.nodes, "version": version}
    return wire.packed(said, made.counts.astype(np.uint32).tobytes() if made.counts is not None else b"")


def listen(path: Path) -> socket.socket:
    """Open the socket, in a folder that only we may enter."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with wire.Address(fresh) as address:
        made.bind(address)
    made.listen(256)
    os.replace(fresh, path)  # the one of a searcher that was killed is in its place
    return made


def main(stopping: threading.Event) -> None:
    """Entry of the process that `serve` starts."""
    keeper = Keeper(settings.CONFIG.search_path)
    thread = threading.Thread(target=keeper.run, args=(stopping,), name="keeper", daemon=True)
    thread.start()
    try:
        Server(keeper, client.socket_path()).run(stopping)
    finally:
        stopping.set()
        thread.join(3)
        keeper.stop_builder()
