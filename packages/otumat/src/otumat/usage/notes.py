"""
Notes of what was lost, as text: a line for each reason and event, `REASON TAB EVENT TAB TIMES`.

A line of a segment that is being evicted ends with `TAB SEGMENT`. Who is killed between noting and deleting leaves the
segment to another, who notes it again; of such lines the largest counts, so nothing is lost twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

ByReason = dict[str, dict[str, int]]


def lines(by_reason: ByReason, segment: str = "") -> bytes:
    """One note. A segment's name must be its own for ever."""
    end = f"\t{segment}\n" if segment else "\n"
    rows = [(why, name, times) for why, counts in by_reason.items() for name, times in counts.items() if name]
    return "".join(f"{why}\t{name}\t{times}{end}" for why, name, times in rows).encode()


def sums(data: bytes) -> ByReason:
    """What any number of notes say, by reason and event."""
    found: ByReason = {}
    for (_, why, name), times in _read(data).items():
        of_why = found.setdefault(why, {})
        of_why[name] = of_why.get(name, 0) + times
    return found


def folded(data: bytes, *, there: Collection[str]) -> bytes:
    """The same in fewer lines; of segments that are still there, which may be noted again, each keeps its own."""
    found: dict[tuple[str, str, str], int] = {}
    for (segment, why, name), times in _read(data).items():
        key = (segment if segment in there else "", why, name)
        found[key] = found.get(key, 0) + times
    return b"".join(lines({why: {name: times}}, segment) for (segment, why, name), times in found.items())


def _read(data: bytes) -> dict[tuple[str, str, str], int]:
    """How many times by segment, reason and event; what cannot be read is left out."""
    found: dict[tuple[str, str, str], int] = {}
    for line in data.decode(errors="replace").splitlines():
        why, name, times, segment = (*line.split("\t"), "", "", "")[:4]
        if times.isdecimal():
            key = (segment, why, name)
            found[key] = max(found.get(key, 0), int(times)) if segment else found.get(key, 0) + int(times)
    return found
