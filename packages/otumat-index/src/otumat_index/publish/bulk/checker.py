"""
A checking process: chunks of lines come in on standard input, what became of them goes out on standard output.

It ends when its input does, hence with whoever started it, however that ended. Frames are eight bytes of length and
then values by `marshal`: both ends are the same interpreter, and nothing else reads this.
"""

from __future__ import annotations

import gc
import json
import marshal
import signal
import struct
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO, NamedTuple

from otumat.errors import Problem
from otumat.spec.classifiers import Vocabulary
from otumat_index.publish.bulk import records
from otumat_index.publish.bulk.records import Form, Limits

LENGTH = struct.Struct("<Q")

PROBLEMS_KEPT = 50
"""Of one line, in the rejects file."""

Seen = tuple[int, int, str]
"""How often, in which line first, and what was said there."""


class Chunk(NamedTuple):
    """Some lines of a source: blank ones empty, those over the limit None. The next chunk begins at byte `end`."""

    first: int
    end: int
    lines: list[bytes | None]


class Rejected(NamedTuple):
    """A line that was left out: its number, (code, message) of its problems, and what the rejects file says of it."""

    line: int
    problems: list[tuple[str, str]]
    written: bytes


class Checked(NamedTuple):
    """What became of a chunk: the position behind it, records to keep, lines left out, warnings by code."""

    next_line: int
    end: int
    records: list[tuple[Any, ...]]
    rejected: list[tuple[Any, ...]]
    warnings: dict[str, Seen]


def send(stream: BinaryIO, value: Any) -> None:
    """Write one frame."""
    data = marshal.dumps(value)
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one frame; None at the end, also at one in the middle of a frame."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    return marshal.loads(data) if len(data) == length else None  # noqa: S302 - from our own process


def check_chunk(chunk: Chunk, form: Form, limits: Limits) -> Checked:
    """Read and check every line of a chunk."""
    kept: list[tuple[Any, ...]] = []
    rejected: list[tuple[Any, ...]] = []
    warnings: dict[str, Seen] = {}
    for number, line in enumerate(chunk.lines, start=chunk.first):
        if line == b"":
            continue
        record, problems = records.judge(number, line, form, limits)
        if record is None:
            rejected.append(tuple(reject(number, line, problems)))
        else:
            kept.append(tuple(record))
            note(warnings, number, problems)
    return Checked(chunk.first + len(chunk.lines), chunk.end, kept, rejected, warnings)


def note(seen: dict[str, Seen], line: int, problems: Iterable[Problem]) -> None:
    """Count problems by code, each once a line."""
    for code, message in {problem.code: problem.message for problem in problems}.items():
        count, first, said = seen.get(code, (0, line, message))
        seen[code] = (count + 1, first, said)


def reject(number: int, line: bytes | None, problems: list[Problem]) -> Rejected:
    """A line of the rejects file: what was wrong, and the line itself, to mend and import again."""
    errors = [problem for problem in problems if problem.severity == "error"]
    told: dict[str, Any] = {"line": number, "problems": [problem.as_dict() for problem in errors[:PROBLEMS_KEPT]]}
    if line is not None:
        told["record"] = line.decode("utf-8", "backslashreplace")
    said = {problem.code: problem.message for problem in errors}
    return Rejected(number, list(said.items()), json.dumps(told).encode("ascii") + b"\n")


def main() -> None:
    """Say what the index takes first, then chunk by chunk until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the importer decides
    source, target = sys.stdin.buffer, sys.stdout.buffer
    form, allowed, deprecated, max_description_kb, widths = receive(source)
    limits = Limits(Vocabulary(allowed, deprecated), max_description_kb, widths)
    gc.freeze()
    while (told := receive(source)) is not None:
        send(target, tuple(check_chunk(Chunk(*told), form, limits)))


if __name__ == "__main__":
    main()
