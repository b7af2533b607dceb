"""
Large files, from disk to socket by the kernel.

uvloop has no sendfile, so this is one: the connection's socket under a second descriptor, which the loop watches for
room. No thread waits for a slow reader, and a file costs what it costs nginx. The kernel is told early what will be
read next, so that a file that is not in memory does not hold up the loop.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Final

# One call moves at most this, so that other connections get their turn.
CHUNK_BYTES: Final = 512 * 1024
AHEAD_BYTES: Final = 4 << 20


class FileSender:
    """
    Send a head, then a file. The transport must have nothing left to write, and must not be read or written meanwhile.

    `finished` is called once, with whether everything was sent; not after `cancel`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket_fd: int,
        head: bytes,
        file: int,
        size: int,
        finished: Callable[[bool], None],
    ) -> None:
        self._loop = loop
        self._socket = socket.socket(fileno=os.dup(socket_fd))
        self._head = head
        self._file = file
        self._size = size
        self._sent = 0
        self._advised = 0
        self._finished = finished
        self._advise()
        loop.add_writer(self._socket.fileno(), self._more)

    @property
    def sent(self) -> int:
        """Bytes of the file sent so far."""
        return self._sent

    def cancel(self) -> None:
        """Stop, and close what was opened. May be called again."""
        if self._file >= 0:
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()
            os.close(self._file)
            self._file = -1

    def _more(self) -> None:
        try:
            done = self._send()
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            done = None  # the reader is gone, or the file is shorter than announced
        if done is not False:
            self.cancel()
            self._finished(done is True)

    def _send(self) -> bool:
        if self._head:
            self._head = self._head[self._socket.send(self._head, socket.MSG_MORE) :]
            if self._head:
                return False
        count = os.sendfile(self._socket.fileno(), self._file, self._sent, min(CHUNK_BYTES, self._size - self._sent))
        if count == 0:
            raise OSError("the file ended early")
        self._sent += count
        self._advise()
        return self._sent == self._size

    def _advise(self) -> None:
        if self._advised < self._size and self._sent + AHEAD_BYTES // 2 >= self._advised:
            os.posix_fadvise(self._file, self._advised, AHEAD_BYTES, os.POSIX_FADV_WILLNEED)
            self._advised += AHEAD_BYTES
