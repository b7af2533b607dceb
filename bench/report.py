"""What a bench says: rows of figures, each against its budget."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Options:
    """How long to measure: `rounds` alternating rounds of `seconds` each; the median counts."""

    rounds: int = 3
    seconds: float = 2.0


@dataclass(frozen=True)
class Row:
    """One measurement. `met` is None where there is no budget, or nothing could be measured (`note` says why)."""

    name: str
    figures: Mapping[str, float] = field(default_factory=dict)
    budget: str = ""
    met: bool | None = None
    note: str = ""


def print_row(row: Row) -> None:
    """Print one row as soon as it is there."""
    figures = "  ".join(f"{name} {_short(value)}" for name, value in row.figures.items())
    verdict = {True: "ok  ", False: "MISS", None: "    "}[row.met]
    budget = f"  (budget: {row.budget})" if row.budget else ""
    print(f"{verdict} {row.name:<34} {figures}{budget}{'  ' + row.note if row.note else ''}", flush=True)


def save(results: Mapping[str, Iterable[Row]]) -> Path:
    """Write all rows and what machine they are from."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)  # noqa: TID251 - a bench is a door
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": sys.version.split()[0]}
    told = {
        "at": now.isoformat(timespec="seconds"),
        "machine": machine,
        "benches": {name: [asdict(row) for row in rows] for name, rows in results.items()},
    }
    path = RESULTS / f"{now:%Y%m%dT%H%M%S}.json"
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return path


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
