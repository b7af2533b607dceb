"""Tables say the same as HTML, as CSV and as JSON, and do no harm in any of them."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from otumat_index.web.tables import Column, Table, change, harmless, percent

COLUMNS = (
    Column("name", "Name", "text"),
    Column("times", "Times"),
    Column("share", "Share", "bar"),
    Column("kept", "Kept", "heat"),
    Column("moved", "Moved", "change"),
    Column("line", "Line", "trend"),
    Column("day", "Day", "day"),
    Column("mark", "Mark", "bad"),
)
ROW = ("<b>", 1234, 0.25, 0.5, -0.1, (1, 2), date(2026, 3, 1), "yanked")


def test_every_kind_of_cell_as_html() -> None:
    html = Table("x", "A <table>", COLUMNS, [ROW], links=["/a?b&c"]).html
    assert '<th scope="row"><a href="/a?b&amp;c">&lt;b&gt;</a></th>' in html
    assert '<td class="number">1,234</td>' in html
    assert '<td class="bar">25%<svg class="meter" aria-hidden="true"><rect width="25.00%"' in html
    assert '<td class="heat heat-4">50%</td>' in html
    assert '<td class="change">−10%</td>' in html
    assert '<svg class="sparkline"' in html
    assert '<time datetime="2026-03-01">1 Mar 2026</time>' in html
    assert '<span class="badge bad">yanked</span>' in html
    assert 'aria-label="A &lt;table&gt; (table)"' in html


def test_the_same_as_csv_and_json() -> None:
    table = Table("x", "A table", COLUMNS, [ROW, ("y", *[None] * 7)])
    head, row, empty = csv.reader(io.StringIO(table.csv.decode()))
    assert head == ["name", "times", "share", "kept", "moved", "line", "day", "mark"]
    assert row == ["<b>", "1234", "0.25", "0.5", "-0.1", "1 2", "2026-03-01", "yanked"]
    assert empty == ["y", *[""] * 7]
    assert table.json["rows"][0] == dict(zip(head, [*ROW[:5], [1, 2], "2026-03-01", "yanked"], strict=True))
    assert table.json["rows"][1]["times"] is None


def test_what_is_too_long_for_a_page_is_in_the_file() -> None:
    table = Table("x", "A table", COLUMNS[:2], [(str(number), number) for number in range(12)], most=10)
    assert table.html.count("<tr>") == 11
    assert (table.left_out, table.csv.count(b"\n")) == (2, 13)


def test_a_table_ends_somewhere_and_says_how_much_is_not_in_it() -> None:
    table = Table("x", "A table", COLUMNS[:2], [(str(number), number) for number in range(1007)])
    assert (table.left_out, table.truncated, table.csv.count(b"\n")) == (600, 7, 1001)
    assert (len(table.json["rows"]), table.json["truncated"]) == (1000, 7)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1"])
def test_no_text_begins_like_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert Table("x", "x", COLUMNS[:2], [(text, -1)]).csv.decode().splitlines()[-1].endswith(",-1")


def test_numbers_are_numbers_in_a_spreadsheet() -> None:
    assert [harmless(each) for each in (-1, 0.5, True, None)] == ["-1", "0.5", "true", ""]


def test_shares_are_told_with_two_digits() -> None:
    assert [percent(each) for each in (0, 0.00042, 0.0951, 0.1, 0.999, 1, 4.5)] == [
        *("0%", "0.04%", "9.5%", "10%", "100%", "100%", "450%"),
    ]
    assert [change(each) for each in (0.5, -0.5, 0)] == ["+50%", "−50%", "±0%"]
