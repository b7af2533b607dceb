"""
A project's uses in numbers: read from roll-ups, so that it costs the same for a thousand uses and ten million.

`period.py`: which days. `shapes.py`: what a report is made of; `reading.py` reads one, `events.py` that of one event.
`tables.py` writes the numbers as tables (for the page, as CSV and as JSON), `pictures.py` as pictures, `documents.py`
as JSON. Whatever tells of uses starts with `report`.
"""

from __future__ import annotations

from otumat_index.usage.report.events import EventReport, event_report
from otumat_index.usage.report.period import Asked, Period, read_asked, up_to
from otumat_index.usage.report.reading import ever_told, report
from otumat_index.usage.report.shapes import Feature, Report, Version

__all__ = [
    "Asked",
    "EventReport",
    "Feature",
    "Period",
    "Report",
    "Version",
    "event_report",
    "ever_told",
    "read_asked",
    "report",
    "up_to",
]
