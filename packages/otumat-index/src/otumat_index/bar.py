"""How far a command is."""

from __future__ import annotations

import sys


class Bar:
    """How far a long piece of work is: one line that moves at a terminal, a few lines elsewhere."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.shown = -1

    def __call__(self, fraction: float) -> None:
        percent = int(100 * fraction)
        if percent < self.shown + (1 if sys.stderr.isatty() else 25):
            return
        self.shown = percent
        full = "#" * (percent // 4)
        begin, end = ("\r", "") if sys.stderr.isatty() else ("", "\n")
        print(f"{begin}{self.what} [{full:<25}] {percent} %", end=end, file=sys.stderr, flush=True)

    def end(self) -> None:
        if sys.stderr.isatty():
            print(file=sys.stderr)
