"""How far an import is: a bar on a terminal, elsewhere a line every few seconds."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from otumat_index.publish.bulk.report import duration

BAR_EVERY_S = 0.2
LINE_EVERY_S = 5.0
BAR_WIDTH = 24


class Progress:
    """Tells about one run on standard error."""

    def __init__(self, *, size_bytes: int | None, offset: int, records: int, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty()
        self.size_bytes = size_bytes
        self.first_offset = offset
        self.first_records = records
        self.begun = self.told = time.monotonic()

    def update(self, records: int, offset: int) -> None:
        """Tell, if it is time to."""
        now = time.monotonic()
        if now - self.told >= (BAR_EVERY_S if self.is_terminal else LINE_EVERY_S):
            self.told = now
            text = self._text(records, offset, now - self.begun)
            self._write(f"\r\x1b[K{text}" if self.is_terminal else f"{text}\n")

    def end(self) -> None:
        """Leave an empty line for whatever is said next."""
        if self.is_terminal:
            self._write("\r\x1b[K")

    @property
    def seconds(self) -> float:
        """Since this run began."""
        return time.monotonic() - self.begun

    def _text(self, records: int, offset: int, seconds: float) -> str:
        rate = (records - self.first_records) / seconds
        text = f"{records:,} records, {rate:,.0f} a second"
        if not self.size_bytes:
            return text
        share = min(1.0, offset / self.size_bytes)
        read = offset - self.first_offset
        left = f", {duration(seconds * (self.size_bytes - offset) / read)} left" if read > 0 else ""
        filled = round(share * BAR_WIDTH)
        bar = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] " if self.is_terminal else ""
        return f"{bar}{share:4.0%}  {text}{left}"

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
