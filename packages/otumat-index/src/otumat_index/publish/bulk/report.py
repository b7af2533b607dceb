"""What an import counts, the file of what it left out, and what it says at the end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from otumat_index.publish.bulk.checker import Seen


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of records; `errors` and `warnings` by the code of the problem, each with its first line and message."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: Mapping[str, Seen] = field(default_factory=dict)
    warnings: Mapping[str, Seen] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """All that were read."""
        return self.created + self.updated + self.unchanged + self.rejected

    def plus(self, other: Tally) -> Tally:
        """The sum; of two first lines this one's."""
        return replace(
            self,
            created=self.created + other.created,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            rejected=self.rejected + other.rejected,
            errors=_sum(self.errors, other.errors),
            warnings=_sum(self.warnings, other.warnings),
        )

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Tally:
        """The opposite of `dataclasses.asdict` by way of JSON."""
        seen = {key: {code: tuple(each) for code, each in told[key].items()} for key in ("errors", "warnings")}
        return cls(**{**told, **seen})


def count(problems: Iterable[tuple[int, str, str]]) -> dict[str, Seen]:
    """(line, code, message) by code."""
    counted: dict[str, Seen] = {}
    for line, code, message in problems:
        times, first, said = counted.get(code, (0, line, message))
        counted[code] = (times + 1, first, said)
    return counted


def _sum(first: Mapping[str, Seen], second: Mapping[str, Seen]) -> dict[str, Seen]:
    result = dict(first)
    for code, (times, line, message) in second.items():
        before, line, message = result.get(code, (0, line, message))
        result[code] = (before + times, line, message)
    return result


class Rejects:
    """The file of lines that were left out; there is none as long as there is nothing to tell."""

    def __init__(self, path: Path, *, keep_bytes: int) -> None:
        self.path = path
        self.size_bytes = 0
        self._stream: BinaryIO | None = None
        if keep_bytes and path.exists() and path.stat().st_size >= keep_bytes:
            os.truncate(path, keep_bytes)
            self.size_bytes = keep_bytes
        else:
            path.unlink(missing_ok=True)

    def add(self, lines: Iterable[bytes]) -> None:
        """Add lines and hand them to the system, so that a killed import has them."""
        for line in lines:
            if self._stream is None:
                self._stream = self.path.open("ab")
            self._stream.write(line)
            self.size_bytes += len(line)
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()


def summary(label: str, tally: Tally, *, seconds: float, records: int, rejects: Path) -> str:
    """
    What an operator reads at the end.

    Args:
        seconds, records: Of this run; the tally may hold those of earlier, interrupted ones.
    """
    rate = f" in {duration(seconds)} ({records / seconds:,.0f} a second)" if records and seconds >= 1 else ""
    lines = [
        f"{tally.records:,} records of {label}{rate}: {tally.created:,} new, {tally.updated:,} updated, "
        f"{tally.unchanged:,} unchanged, {tally.rejected:,} left out."
    ]
    if tally.errors:
        lines += [f"Left out, see {rejects}:", *_table(tally.errors)]
    if tally.warnings:
        lines += ["Kept, with warnings:", *_table(tally.warnings)]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """`48 s` or `4 min 05 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _table(seen: Mapping[str, Seen]) -> list[str]:
    """Most frequent first, each with an example."""
    ordered = sorted(seen.items(), key=lambda item: (-item[1][0], item[0]))
    width = max(len(code) for code in seen)
    return [f"  {times:>9,}  {code:<{width}}  line {line}: {message}" for code, (times, line, message) in ordered]
