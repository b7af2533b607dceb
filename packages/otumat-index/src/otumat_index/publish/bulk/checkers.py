"""The other end of the checking processes: feeds them chunks, yields what became of these in the source's order."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any, cast

from otumat.errors import OtumatError
from otumat_index.publish.bulk.checker import Checked, Chunk, receive, send
from otumat_index.publish.bulk.records import Form, Limits

COMMAND = [sys.executable, "-P", "-m", "otumat_index.publish.bulk.checker"]


class Checkers:
    """
    Some checking processes and the thread that feeds them, in turns.

    Answers are asked for in the same turns, so order is kept, and the pipes' own small buffers are all there is of a
    queue: memory stays the same however long the source is.
    """

    def __init__(self, form: Form, limits: Limits, *, count: int) -> None:
        self.started = [_start() for _ in range(count)]
        told = (
            form,
            limits.vocabulary.allowed,
            {old: tuple(new) for old, new in limits.vocabulary.deprecated.items()},
            limits.max_description_kb,
            dict(limits.widths),
        )
        for process in self.started:
            send(cast("Any", process.stdin), told)
        self.fed = 0
        self.stopping = False
        self.failure: Exception | None = None

    def check(self, chunks: Iterator[Chunk]) -> Iterator[Checked]:
        """
        What became of each chunk, in order.

        Raises:
            OtumatError: A checking process ended early (the system may have run out of memory).
        """
        threading.Thread(target=self._feed, args=(chunks,), daemon=True).start()
        received = 0
        while (answer := receive(cast("Any", self._turn(received).stdout))) is not None:
            received += 1
            yield Checked(*answer)
        if self.failure is not None:
            raise self.failure
        if received < self.fed or self._turn(received).wait() != 0:
            code = self._turn(received).wait()
            hint = "Is there enough memory? Run the same command again to continue."
            raise OtumatError(f"A checking process ended early (code {code}).", hint=hint)

    def close(self) -> None:
        """End the processes, whatever they are at."""
        self.stopping = True
        for process in self.started:
            process.kill()
            process.wait()
            _close(process.stdout)

    def _turn(self, number: int) -> subprocess.Popen[bytes]:
        return self.started[number % len(self.started)]

    def _feed(self, chunks: Iterator[Chunk]) -> None:
        try:
            for chunk in chunks:
                send(cast("Any", self._turn(self.fed).stdin), tuple(chunk))
                self.fed += 1
        except BrokenPipeError:
            pass  # ended early or told to; whoever reads the answers knows which
        except Exception as exc:  # noqa: BLE001 - a source that cannot be read on; raised where the answers are read
            self.failure = exc
        finally:
            for process in self.started:
                _close(process.stdin)


def _start() -> subprocess.Popen[bytes]:
    # -P: nothing in the folder where the operator happens to be is imported.
    return subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own module


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:
        pass


def how_many() -> int:
    """All cores but the writer's; more than four it cannot use."""
    return max(1, min(4, (os.cpu_count() or 1) - 1))
