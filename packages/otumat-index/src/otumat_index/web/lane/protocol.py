"""
The protocol of every connection: the lane's answers first, uvicorn and the application for everything else.

A connection is in one of four states. *Ours*: nothing is in flight, and the next bytes start a request. *Holding*:
the start of a head, or whole requests that wait until the client has read what it got, is kept back here. *Sending*:
a file is on its way. *Theirs*: uvicorn's parser has the bytes, and gets all that follow until it has answered and
stands between two requests; after bytes that two parsers could read differently it keeps the connection for good.
"""

from __future__ import annotations

import asyncio
import os
from time import monotonic_ns
from typing import Any, ClassVar, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from otumat_index.web.lane.heads import ODD, Reading
from otumat_index.web.lane.reasons import Head
from otumat_index.web.lane.sending import FileSender
from otumat_index.web.lane.table import (
    HEARTBEAT_LIMIT_NS,
    LARGE,
    LARGE_FROM_BYTES,
    NOT_MODIFIED,
    PASSED,
    Entry,
    Table,
    Variant,
    open_file,
)

# A head that grows longer is answered by nobody.
HEAD_LIMIT_BYTES: Final = 64 * 1024
# So much of an unfinished head is kept back for the lane.
HELD_LIMIT_BYTES: Final = 16 * 1024
# A longer body is not copied behind its head but handed over beside it.
COPY_LIMIT_BYTES: Final = 64 * 1024
_STARTS: Final = (b"GET /simple/", b"GET /files/", b"HEAD /simple/", b"HEAD /files/")
_VERSIONS: Final = (b"HTTP/1.1", b"HTTP/1.0")
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 34\r\n\r\nThe request head is above 64 KiB.\n"
)


class LaneProtocol(HttpToolsProtocol):
    """One connection. `protocol_for` makes the class of a worker by binding its table."""

    table: ClassVar[Table]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._ours = True
        # Ours, and nothing held or on its way: the short way is free.
        self._quick = True
        self._foreign = False
        self._held = b""
        self._socket_fd = -1
        self._sender: FileSender | None = None
        self._close_after_file = False
        self._awaiting_drain = False
        # Where uvicorn's parser stands, and how long the present head is.
        self._in_message = False
        self._in_head = False
        self._head_bytes = 0
        # For `patience`: when bytes last came, when the present head began (0: none), and what was left to write when.
        self.heard_at = self.table.now
        self.head_since = 0.0
        self.moved_at = 0.0
        self.left = (0, 0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the socket; none for an encrypted connection, whose bytes only the transport can write."""
        super().connection_made(transport)
        if self.scheme == "http":
            self._socket_fd = transport.get_extra_info("socket").fileno()

    # The short way.

    def data_received(self, data: bytes) -> None:
        """Answer one whole, known request from memory; everything else goes the long way."""
        table = self.table
        if self._quick:
            line, _, block = data.partition(b"\r\n")
            reading = table.readings.get(block)
            if reading is not None:
                cells = table.cells
                if cells[0] != table.seen:
                    table.catch_up()
                entry = table.lines.get(line)
                if entry is not None and not self.flow.write_paused:
                    beat = cells[1]
                    variant = entry.slots[reading.slot]
                    if (
                        variant is not None
                        and variant.whole is not None
                        and not reading.close
                        and 0 <= monotonic_ns() - beat <= HEARTBEAT_LIMIT_NS
                    ):
                        self.heard_at = table.now
                        entry.used = True
                        if self.timeout_keep_alive_task is not None:
                            self._unset_keepalive_if_required()
                        tags = reading.tags
                        if tags is not None and (variant.tag in tags or not tags):
                            table.counts[NOT_MODIFIED] += 1
                            self._write(table.unchanged + variant.unchanged)
                            return
                        if variant.size <= COPY_LIMIT_BYTES:
                            table.counts[variant.counter] += 1
                            self._write(table.ok + variant.whole)
                        else:
                            table.counts[variant.counter] += 1
                            self.transport.writelines((table.ok, variant.whole))
                        table.give_way()
                        return
        self._take(data)

    def _write(self, data: bytes) -> None:
        """
        Hand bytes to the kernel at once; what it does not take, and errors, go to the transport.

        The transport would queue them until all waiting connections are read: 2 µs a request, a fifth of the whole. The
        descriptor is sound here: called only from `data_received`, which a closing transport does not call.
        """
        sent = 0
        if not self.transport.get_write_buffer_size():
            try:
                sent = os.write(self._socket_fd, data)
            except OSError:
                sent = 0
        if sent < len(data):
            self.transport.write(data[sent:])

    # The long way.

    def _take(self, data: bytes) -> None:
        """Answer request after request; hold what must wait, hand on the rest at the first that is not for us."""
        self.heard_at = self.table.now
        if not self._ours:
            if not self._is_back():
                self._hand_on(data)
                return
            self._ours = True
        self._unset_keepalive_if_required()
        data = self._held + data
        self._held = b""
        self._quick = False
        position = 0
        while position < len(data) and self._ours:  # no longer ours: it closes, and what follows is not read
            if self._must_wait():
                self._hold(data[position:])
                return
            end = data.find(b"\r\n\r\n", position) + 4
            if end < 4:
                self._keep_start(data[position:])
                return
            if not self._answer(data[position:end]):
                if self._must_wait():  # for the way to be free for a file
                    self._hold(data[position:])
                else:
                    self._hand_on(data[position:])
                return
            position = end
        self._quick = self._ours and not self._must_wait()

    def _must_wait(self) -> bool:
        return self._sender is not None or self.flow.write_paused or self._awaiting_drain

    def _hold(self, data: bytes) -> None:
        self._held = data
        self.flow.pause_reading()

    def _go_on(self) -> None:
        """Take up what was held, now that the client has read, or the file is sent."""
        self._awaiting_drain = False
        if self.transport.is_closing() or not self._ours or self._must_wait():
            return
        self.flow.resume_reading()
        self._take(b"")

    def _keep_start(self, start: bytes) -> None:
        """
        Keep an unfinished head if it may become ours. A bare line feed in it may be the head's end to another reader.
        """
        may_be_ours = any(start.startswith(known) or known.startswith(start) for known in _STARTS)
        if may_be_ours and len(start) <= HELD_LIMIT_BYTES and start.count(b"\n") == start.count(b"\r\n"):
            self._held = start
            self.head_since = self.head_since or self.table.now
        else:
            self._hand_on(start)

    def _answer(self, head: bytes) -> bool:
        """Answer one whole request; False leaves it to uvicorn, or for later when `_must_wait` says so."""
        self.head_since = 0.0
        if not head.startswith(_STARTS):
            return False
        line, _, block = head.partition(b"\r\n")
        method, _, rest = line.partition(b" ")
        path, _, version = rest.partition(b" ")
        reading = self.table.read(block)
        if reading == ODD or version not in _VERSIONS:
            self._foreign = True
            return False
        if not isinstance(reading, Reading) or not (reading.named or version == b"HTTP/1.0"):
            return False
        entry = self.table.entry(path) if self.table.is_live() else None
        variant = entry.slots[reading.slot] if entry is not None else None
        if entry is None or variant is None:
            return False
        entry.used = True
        return self._give(entry, variant, reading, method == b"HEAD", reading.close or version == b"HTTP/1.0")

    def _give(self, entry: Entry, variant: Variant, reading: Reading, head_only: bool, close: bool) -> bool:
        table = self.table
        ok = table.ok_close if close else table.ok
        if reading.tags is not None and (variant.tag in reading.tags or not reading.tags):
            table.counts[NOT_MODIFIED] += 1
            self.transport.write((table.unchanged_close if close else table.unchanged) + variant.unchanged)
        elif head_only:
            table.counts[variant.counter] += 1
            self.transport.write(ok + variant.head)
        elif variant.file is not None and variant.size >= LARGE_FROM_BYTES:
            return self._send_file(entry, variant, ok + variant.head, close)
        else:
            whole = variant.whole or table.load(entry, variant)
            if whole is None:
                return False
            table.counts[variant.counter] += 1
            self.transport.writelines((ok, whole))
        if close:
            self._ours = False
            self.transport.close()
        return True

    # Files.

    def _send_file(self, entry: Entry, variant: Variant, head: bytes, close: bool) -> bool:
        if self._socket_fd < 0:
            return False
        if self.transport.get_write_buffer_size():
            self._awaiting_drain = True
            self.loop.call_later(0.002, self._go_on)
            return False
        file = open_file(variant)
        if file is None:
            self.table.drop(entry)
            return False
        self._close_after_file = close
        self.flow.pause_reading()
        self.table.counts[LARGE] += 1
        self._sender = FileSender(self.loop, self._socket_fd, head, file, variant.size, self._file_sent)
        return True

    def _file_sent(self, whole: bool) -> None:
        self._sender = None
        self.heard_at = self.table.now
        if not whole:
            self.transport.abort()
        elif self._close_after_file:
            self._ours = False
            self.transport.close()
        else:
            self._go_on()

    # Uvicorn's side.

    def _hand_on(self, data: bytes) -> None:
        self._ours = False
        self.flow.resume_reading()
        super().data_received(data)
        if self._in_head:
            # The chunk in which a message begins is not counted: it may hold the end of another, and is bounded anyhow.
            self._head_bytes = 0 if self._head_bytes < 0 else self._head_bytes + len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES:
                self._refuse_head()

    def _refuse_head(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            self.transport.abort()

    def _is_back(self) -> bool:
        """Whether uvicorn has answered everything and its parser stands between two requests."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not (self._foreign or self._in_message or self.pipeline)

    def on_message_begin(self) -> None:
        """Note where the parser stands."""
        self._in_message = self._in_head = True
        self._head_bytes = -1
        self.head_since = self.table.now
        self.table.counts[PASSED] += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note where the parser stands, and let the answer have a reason of its own."""
        self._in_head = False
        self.head_since = 0.0
        super().on_headers_complete()
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.transport = Head(self.transport)  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        """Note where the parser stands."""
        self._in_message = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """From here on the connection is idle."""
        self.heard_at = self.table.now
        super().on_response_complete()

    def resume_writing(self) -> None:
        """The client has read: answer what was held."""
        super().resume_writing()
        if self._held:
            self.loop.call_soon(self._go_on)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a file being sent."""
        self._held = b""
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Finish the file being sent; otherwise as uvicorn does."""
        if self._sender is not None:
            self._close_after_file = True
        else:
            super().shutdown()

    # For `patience`.

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked and nothing is owed."""
        return not self._held and self._sender is None and self._is_back()

    @property
    def awaits_body(self) -> bool:
        """Whether the client owes the rest of a body that is being read."""
        return self._in_message and not self._in_head and not self.flow.read_paused

    def left_to_write(self) -> tuple[int, int]:
        """
        What the client has not taken yet, in two numbers that move when it takes some; (0, 0) when nothing is left.
        """
        return self.transport.get_write_buffer_size(), 0 if self._sender is None else self._sender.sent + 1


def protocol_for(table: Table) -> type[LaneProtocol]:
    """Return the protocol class of the worker that owns this table."""
    return type("BoundLaneProtocol", (LaneProtocol,), {"table": table})
