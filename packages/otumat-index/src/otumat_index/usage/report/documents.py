"""A report as the API tells it: the rows of the page's tables, and its totals. Days are `YYYY-MM-DD`."""

from __future__ import annotations

from typing import Any

from otumat_index.usage.report.events import EventReport
from otumat_index.usage.report.shapes import Feature, Report
from otumat_index.usage.report.tables import event_tables, tables

NAMES = {"features": "events", "versions": "releases", "losses": "lost"}
"""Tables that are called otherwise there."""
LEFT_OUT = ("features_by_week",)


def as_json(found: Report) -> dict[str, Any]:
    """The same, but for events that are declared and were never told of: of those there is nothing to tell."""
    written = {name: table.json for name, table in tables(found).items() if name not in LEFT_OUT}
    made = {name: table["rows"] for name, table in written.items()}
    events = zip(made["features"], found.features, strict=False)  # rows end where a table is long enough
    made["features"] = [with_days(row, event) for row, event in events if event.times or event.before or event.lost]
    return {
        "collects": bool(found.state and found.state.is_on),
        "since": found.period.since.isoformat(),
        "until": found.period.until.isoformat(),
        "installs": found.installs,
        "image_copies": found.copies,
        "used": found.users,
        "times": found.times,
        "times_before": found.times_before,
        "times_lost": found.uses_lost,
        "batches_missing": found.gaps,
        **{NAMES.get(name, name): rows for name, rows in made.items()},
        "truncated": {NAMES.get(name, name): table["truncated"] for name, table in written.items()},
    }


def with_days(row: dict[str, Any], event: Feature) -> dict[str, Any]:
    """An event's numbers by their days instead of as a line."""
    days = {day.isoformat(): times for day, times in event.by_day.items()}
    return {**{name: value for name, value in row.items() if name != "trend"}, "days": days}


def event_as_json(found: EventReport) -> dict[str, Any]:
    made = {name: table.json["rows"] for name, table in event_tables(found).items()}
    properties = {name.removeprefix("property_"): rows for name, rows in made.items() if name.startswith("property_")}
    return {
        "event": found.event,
        "purpose": found.declared.purpose if found.declared else "",
        "since": found.period.since.isoformat(),
        "until": found.period.until.isoformat(),
        "times": found.times,
        "times_before": found.before,
        "installs": found.installs,
        "days": made["days"],
        "releases": made["releases"],
        "properties": properties,
        "lost": made["losses"],
    }
