"""`otumat-index usage export`: all counts as a file, whole or not at all."""

from __future__ import annotations

import csv
import json
import tracemalloc
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from otumat.errors import Conflict, Invalid
from otumat.spec.event import Where
from otumat_index import usage_commands
from otumat_index.bar import Bar
from otumat_index.cli import main
from otumat_index.publish.models import Project
from otumat_index.usage import exporting
from otumat_index.usage.exporting import writing
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Accepted, Key

pytestmark = pytest.mark.django_db(databases="__all__")
FIRST, LAST = date(2026, 1, 30), date(2026, 3, 2)
ROWS = [
    (date(2026, 1, 31), "fetch", "backend=mysql", "1.0", 3),
    (date(2026, 2, 1), "fetch", "backend=mysql", "1.0", 1),
    (date(2026, 2, 1), "fetch", "backend=other", "", 2),
    (date(2026, 2, 28), "import", "", "1.0", 7),
]


def take(project: int, rows: list[tuple[date, str, str, str, int]], number: int = 1) -> None:
    counts = {Key(*row[:4]): row[4] for row in rows}
    days = {row[0]: Where() for row in rows}
    STORE.accept(Accepted(1, project, f"{number:032x}", number, "0" * 64, LAST, b"", counts, days=days))


@pytest.mark.parametrize("form", writing.WRITERS)
def test_every_format_has_every_row(project: Project, tmp_path: Path, form: str) -> None:
    outside = [(FIRST - timedelta(1), "fetch", "", "", 1), (LAST + timedelta(1), "fetch", "", "", 1)]
    take(project.pk, [*ROWS, *outside])
    take(project.pk + 1, ROWS, number=2)
    path = tmp_path / f"out.{form}"
    told: list[float] = []
    rows = exporting.export(project.pk, path, since=FIRST, until=LAST, form=form, progress=told.append)
    assert (rows, read(path), told[-1]) == (4, ROWS, 1.0)
    assert told == sorted(told)


def read(path: Path) -> list[tuple[Any, ...]]:
    if path.suffix == ".parquet":
        return [tuple(row.values()) for row in parquet.read_table(path).to_pylist()]
    text = path.read_text(encoding="utf-8")
    lines = list(csv.DictReader(text.splitlines())) if path.suffix == ".csv" else map(json.loads, text.splitlines())
    return [
        (date.fromisoformat(row["day"]), row["event"], row["properties"], row["release"], int(row["times"]))
        for row in lines
    ]


@pytest.mark.parametrize("form", writing.WRITERS)
def test_nothing_told_is_a_file_without_rows(project: Project, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"out.{form}"
    assert exporting.export(project.pk, path, since=FIRST, until=LAST, form=form) == 0
    assert read(path) == []


def test_A31_texts_are_no_formulas_for_a_spreadsheet(project: Project, tmp_path: Path) -> None:
    take(project.pk, [(date(2026, 2, 1), "fetch", "=cmd|'/c calc'!A1", "+1", 1)])
    exporting.export(project.pk, tmp_path / "out.csv", since=FIRST, until=LAST, form="csv")
    text = (tmp_path / "out.csv").read_text()
    assert "'=cmd" in text
    assert ",'+1," in text


def test_a_failure_leaves_nothing_behind(project: Project, tmp_path: Path) -> None:
    take(project.pk, ROWS)
    (tmp_path / "out.csv").write_text("before")

    def fail(part: float) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        exporting.export(
            project.pk, tmp_path / "out.csv", since=FIRST, until=LAST, form="csv", progress=fail, replaces=True
        )
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("out.csv", "before")]


def test_what_is_there_stays_unless_it_is_to_be_replaced(project: Project, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("before")
    span: dict[str, Any] = {"since": FIRST, "until": LAST, "form": "csv"}
    with pytest.raises(Conflict):
        exporting.export(project.pk, tmp_path / "out.csv", **span)
    exporting.export(project.pk, tmp_path / "out.csv", **span, replaces=True)
    assert (tmp_path / "out.csv").read_text().startswith("day,")


def test_days_in_the_wrong_order_are_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        exporting.export(project.pk, tmp_path / "out.csv", since=LAST, until=FIRST, form="csv")


def test_memory_does_not_grow_with_what_there_is(tmp_path: Path) -> None:
    """Ten times the months take no more memory: a block is gone when the next is read."""

    def peak(months: int) -> int:
        blocks = ([writing.Counted(FIRST, "fetch", f"a={n}", "", n) for n in range(1000)] for _ in range(months))
        tracemalloc.start()
        with writing.whole(tmp_path / f"{months}.csv") as opened, writing.as_csv(opened) as write:
            for block in blocks:
                write(block)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(20) <= peak(2) * 1.5


def test_the_command_names_the_file_by_project_and_days(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(project.pk, ROWS)
    monkeypatch.chdir(tmp_path)
    path, rows = usage_commands.export(
        "Roundup", None, since=FIRST, until=LAST, form="csv", shown=Bar("export"), replaces=False
    )
    assert (path.name, rows) == ("roundup-usage-2026-01-30-2026-03-02.csv", 4)
    assert path.exists()


def test_the_format_is_as_the_file_ends() -> None:
    forms = [usage_commands.form_of(Path(name)) for name in ("a.parquet", "a.jsonl", "a.txt")]
    assert [*forms, usage_commands.form_of(None)] == ["parquet", "jsonl", "csv", "csv"]


def test_a_day_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["usage", "export", "--project", "x", "--from", "soon"])
    assert "--from" in capsys.readouterr().err
