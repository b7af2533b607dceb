"""What is published, as JSON, as CSV, and as tables and a picture of the page: all of the same rows."""

from __future__ import annotations

from typing import Any

from otumat_index.usage.published.queries import Published
from otumat_index.usage.rules import publishing as rules
from otumat_index.usage.rules.publishing import Figures
from otumat_index.web import charts
from otumat_index.web.tables import Column, Table, as_csv

WORDS = {"release": "Release", "python": "Python", "system": "Operating system"}
COLUMNS = ("week", "kind", "value", "installs")


def as_json(found: Published) -> dict[str, Any]:
    return {
        "project": found.project,
        "is_published": found.is_on,
        "fewest": rules.K,
        "noise_at_most": rules.NOISE_MOST,
        "weeks": [{"week": week.isoformat(), **week_as_json(figures)} for week, figures in found.weeks],
    }


def week_as_json(figures: Figures) -> dict[str, Any]:
    parts = {
        f"{kind}s": [{"value": value, "installs": number} for value, number in figures.parts.get(kind, ())]
        for kind in rules.KINDS
    }
    return {"installs": figures.installs, **parts}


def csv(found: Published) -> bytes:
    """One row a number; a week of which there is none has a row without."""
    rows: list[tuple[object, ...]] = []
    for week, figures in found.weeks:
        rows.append((week.isoformat(), "installs", "", figures.installs))
        rows += [(week.isoformat(), kind, *row) for kind in rules.KINDS for row in figures.parts.get(kind, ())]
    return as_csv(COLUMNS, rows)


def weeks_table(found: Published) -> Table:
    columns = (Column("week", "Week of", "day"), Column("installs", "Installs"))
    return Table("weeks", "Installs by week", columns, [(week, figures.installs) for week, figures in found.weeks])


def parts_tables(figures: Figures) -> list[Table]:
    """A table for each kind of which anything is shown."""
    return [
        Table(kind, WORDS[kind], (Column("value", WORDS[kind], "text"), Column("installs", "Installs")), rows)
        for kind in rules.KINDS
        if (rows := figures.parts.get(kind))
    ]


def picture(found: Published) -> charts.Lines:
    weeks = found.weeks[::-1]
    told = [figures.installs for _, figures in weeks if figures.installs is not None]
    summary = f"In the last week that is told of {told[-1]:,}." if told else ""
    series = [charts.Series("Installs", [figures.installs for _, figures in weeks])]
    return charts.lines("Installs by week", [week for week, _ in weeks], series, summary=summary)
