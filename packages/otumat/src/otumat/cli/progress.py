"""How far an upload has come: a bar on a terminal, silence elsewhere (the lines before and after say enough there)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.cli.console import printable, size_text

if TYPE_CHECKING:
    from otumat.cli.console import Console

BAR_CELLS = 24


class Bar:
    """Called with (bytes sent, bytes in all); draws only when what is to be seen changes, and wipes itself away."""

    def __init__(self, console: Console, label: str) -> None:
        self._console = console
        self._label = printable(label)
        self._percent = -1

    def __call__(self, sent_bytes: int, total_bytes: int) -> None:
        percent = sent_bytes * 100 // total_bytes
        if not self._console.is_live or percent == self._percent:
            return
        self._percent = percent
        full = percent * BAR_CELLS // 100
        bar = "#" * full + "." * (BAR_CELLS - full)
        waiting = "  waiting for the answer" if percent == 100 else ""
        self._console.redraw(f"{self._label}  [{bar}] {percent:3} % of {size_text(total_bytes)}{waiting}")

    def wipe(self) -> None:
        if self._console.is_live and self._percent >= 0:
            self._console.redraw("")
