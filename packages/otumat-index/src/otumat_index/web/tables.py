"""
Tables of numbers: one shape, written as HTML, as CSV and as JSON, so that all three say the same.

They are joined here instead of in a template, which takes ten times as long. Everything that somebody wrote is escaped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, Literal

from django.utils.safestring import SafeString, mark_safe

from otumat_index.web.charts.trends import level, trend

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a formula begins with; spreadsheets of East Asia take the wide signs for the same."""
ROWS_MOST = 1000
"""A table has no more rows than these anywhere: a file, too, is for somebody who reads it."""
Kind = Literal["text", "number", "day", "share", "bar", "heat", "change", "trend", "good", "bad"]
Cell = str | int | float | date | None | Sequence[int]


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column: its name for programs, its heading, and what its cells are.

    Attributes:
        kind: `share`, `bar` (with one drawn beside it) and `heat` (darker, the more) are parts of 1, `change` is a
            difference in parts of 1, `trend` are numbers in order, drawn; `good` and `bad` are texts on badges.
    """

    name: str
    words: str
    kind: Kind = "number"


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table; the first cell of a row is its heading.

    Attributes:
        links: For each row an address, or "".
        rows: What counts most first, where there may be more than `ROWS_MOST`; `truncated` says how many are not told.
        most: So many rows are written as HTML; the rest is in the CSV.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]
    links: Sequence[str] = ()
    most: int = 400

    @property
    def told(self) -> Sequence[Sequence[Cell]]:
        return self.rows[:ROWS_MOST]

    @property
    def truncated(self) -> int:
        return len(self.rows) - len(self.told)

    @property
    def left_out(self) -> int:
        """Rows that are in the file and not in the page."""
        return max(0, len(self.told) - self.most)

    @property
    def html(self) -> SafeString:
        head = "".join(f'<th scope="col" class="{each.kind}">{escape(each.words)}</th>' for each in self.columns)
        rows = "".join(self._row(number, row) for number, row in enumerate(self.rows[: self.most]))
        caption = escape(self.caption)
        return mark_safe(  # noqa: S308 - every part of it is escaped
            f'<div class="scroll" role="region" aria-label="{caption} (table)" tabindex="0">'
            f'<table class="numbers {escape(self.name)}">'
            f'<caption class="visually-hidden">{caption}</caption>'
            f"<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>"
        )

    def _row(self, number: int, row: Sequence[Cell]) -> str:
        first = shown(row[0], self.columns[0].kind)
        if self.links and self.links[number]:
            first = f'<a href="{escape(self.links[number])}">{first}</a>'
        cells = (cell(value, column.kind) for value, column in zip(row[1:], self.columns[1:], strict=True))
        return f'<tr><th scope="row">{first}</th>{"".join(cells)}</tr>\n'

    @property
    def csv(self) -> bytes:
        """RFC 4180; texts that a spreadsheet would take for a formula get an apostrophe in front."""
        return as_csv([each.name for each in self.columns], self.told)

    @property
    def json(self) -> dict[str, Any]:
        names = [each.name for each in self.columns]
        rows = [dict(zip(names, map(plain, row), strict=True)) for row in self.told]
        return {"table": self.name, "caption": self.caption, "rows": rows, "truncated": self.truncated}


def cell(value: Cell, kind: Kind) -> str:
    if value is None:
        return (
            f'<td class="{kind}"></td>' if kind == "heat" else f'<td class="{kind}"><span class="quiet">–</span></td>'
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        box = 'viewBox="0 0 100 22" preserveAspectRatio="none" aria-hidden="true"'
        return f'<td class="trend"><svg class="sparkline" {box}><path d="{trend(value)}"/></svg></td>'
    words, style = shown(value, kind), str(kind)
    if kind == "heat" and isinstance(value, int | float):
        style = f"heat heat-{level(value)}"
    if kind == "bar" and isinstance(value, int | float):
        bar = f'<rect width="{value * 100:.2f}%" height="100%"/>'
        words += f'<svg class="meter" aria-hidden="true">{bar}</svg>'
    if kind in ("good", "bad") and words:
        style, words = "text", f'<span class="badge {kind}">{words}</span>'
    return f'<td class="{style}">{words}</td>'


def shown(value: Cell, kind: Kind) -> str:
    """A cell's text, as people read it."""
    if value is None:
        return "–"
    if isinstance(value, date):
        return f'<time datetime="{value.isoformat()}">{value.day} {value:%b %Y}</time>'
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, int | float):
        if kind in ("share", "bar", "heat"):
            return percent(value)
        return change(value) if kind == "change" else f"{value:,}"
    return escape(str(value))


def percent(share: float) -> str:
    """
    A share as people read it: two digits are enough.

    >>> percent(0.3333), percent(0.042), percent(0.0004), percent(1), percent(0)
    ('33%', '4.2%', '0.04%', '100%', '0%')
    """
    value = share * 100
    digits = 0 if value >= 10 or value == 0 else 1 if value >= 1 else 2
    return f"{value:.{digits}f}%"


def change(share: float) -> str:
    """
    A difference as people read it.

    >>> change(0.123), change(-0.5), change(0)
    ('+12%', '−50%', '±0%')
    """
    sign = "+" if share > 0 else "−" if share < 0 else "±"
    return sign + percent(abs(share))


def as_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue().encode()


def harmless(value: object) -> str:
    """
    A cell's text for a spreadsheet; numbers stay what they are.

    >>> harmless("=1+1"), harmless(True), harmless(-3), harmless(None), harmless([1, 2])
    ("'=1+1", 'true', '-3', '', '1 2')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def plain(value: Cell) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
