"""
Pictures of numbers over time, as places of marks that a template writes down as SVG; pure, no script, no inline style.

`lines.py`: how numbers move by day. `columns.py`: what comes and goes by week. `trends.py`: a line that fits into a
row of a table, and how dark a cell is. x is percent of the picture's width and y pixels, so that letters and lines keep
their size on every screen. Series differ by their dashes or their place, never by colour alone, and beside each picture
stands a table of the same numbers (`web/tables.py`).
"""

from __future__ import annotations

from otumat_index.web.charts.columns import Columns, Group, columns
from otumat_index.web.charts.lines import Lines, Series, lines
from otumat_index.web.charts.trends import level, trend

__all__ = ["Columns", "Group", "Lines", "Series", "columns", "level", "lines", "trend"]
