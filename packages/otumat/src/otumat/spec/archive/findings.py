"""Collecting what is wrong with one archive, with a bound on how much we say about it."""

from __future__ import annotations

from typing import Literal, NoReturn

from otumat.errors import Problem

Kind = Literal["wheel", "sdist", "unknown"]

# An archive can be wrong in as many ways as it has members; nobody reads more than this, and memory stays bounded.
MOST_ERRORS = 50
MOST_WARNINGS = 20

_REBUILD = {
    "wheel": "Rebuild the wheel with 'python -m build --wheel' and upload it unchanged.",
    "sdist": "Rebuild the sdist with 'python -m build --sdist' and upload it unchanged.",
    "unknown": "Upload a wheel (.whl) or an sdist (.tar.gz).",
}


class Unreadable(Exception):
    """The archive's structure cannot be trusted any further; what is wrong is in the findings already."""


class Findings:
    """The problems of one archive in the order they were found; errors are never crowded out by warnings."""

    __slots__ = ("_left_out", "_problems", "errors", "kind", "warnings")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.errors = 0
        self.warnings = 0
        self._problems: list[Problem] = []
        self._left_out = 0

    def add(self, code: str, message: str, hint: str = "", *, value: str = "", rule: str = "") -> None:
        """Record an error; without `hint`, the advice is to rebuild the file."""
        self.errors += 1
        if self.errors > MOST_ERRORS:
            self._left_out += 1
            return
        self._problems.append(
            Problem(code, "content", message, hint=hint or _REBUILD[self.kind], value=value, rule=rule)
        )

    def warn(self, code: str, message: str, hint: str = "", *, value: str = "", rule: str = "") -> None:
        """Record what is unwise, but made by tools that people use."""
        self.warnings += 1
        if self.warnings <= MOST_WARNINGS:
            self._problems.append(
                Problem(code, "content", message, hint=hint, value=value, rule=rule, severity="warning")
            )

    def stop(self, code: str, message: str, hint: str = "", *, value: str = "", rule: str = "") -> NoReturn:
        """Record an error after which reading on would mean guessing."""
        self.add(code, message, hint, value=value, rule=rule)
        raise Unreadable

    def include(self, problem: Problem) -> None:
        """Take over a problem that another module worded."""
        self.errors += problem.severity == "error"
        self._problems.append(problem)

    def as_tuple(self) -> tuple[Problem, ...]:
        """Everything found; a last line counts what was left out."""
        if not self._left_out:
            return tuple(self._problems)
        more = Problem("archive.more", "content", f"{self._left_out} more errors like these.", hint="Mend these first.")
        return (*self._problems, more)


def shown(name: str) -> str:
    """A member's name as it may stand in a message: quoted, short, control characters escaped."""
    return repr(name if len(name) <= 120 else name[:119] + "…")
