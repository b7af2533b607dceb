"""The formats of an export. Each is a writer of blocks into an open file, finished when its block of code is left."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import IO, NamedTuple

from otumat.errors import Invalid, Problem
from otumat_index.web.tables import harmless


class Counted(NamedTuple):
    """How often something was done on a day."""

    day: date
    event: str
    properties: str
    release: str
    times: int


Write = Callable[[Sequence[Counted]], object]
Writer = Callable[[IO[bytes]], AbstractContextManager[Write]]


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is at its place when it is whole; before that, and after an error, nothing is."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("xb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def as_csv(opened: IO[bytes]) -> Iterator[Write]:
    """RFC 4180; texts that a spreadsheet would take for a formula get an apostrophe in front."""
    text = io.TextIOWrapper(opened, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(Counted._fields)
    yield lambda rows: writer.writerows([harmless(value) for value in row] for row in rows)
    text.flush()
    text.detach()


@contextmanager
def as_jsonl(opened: IO[bytes]) -> Iterator[Write]:
    def write(rows: Sequence[Counted]) -> None:
        for row in rows:
            opened.write(json.dumps({**row._asdict(), "day": row.day.isoformat()}, ensure_ascii=False).encode() + b"\n")

    yield write


@contextmanager
def as_parquet(opened: IO[bytes]) -> Iterator[Write]:
    """One row group a block; days are dates, and what repeats is kept once."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as exc:
        hint = "Install otumat-index[parquet], or take --format csv or jsonl."
        raise Invalid([Problem("format", "--format", "Parquet needs pyarrow, which is not here.", hint=hint)]) from exc
    text = pa.string()
    fields = [("day", pa.date32()), ("event", text), ("properties", text), ("release", text), ("times", pa.int64())]
    schema = pa.schema(fields)
    with parquet.ParquetWriter(opened, schema, compression="zstd") as writer:
        yield (
            lambda rows: (
                rows
                and writer.write_table(
                    pa.table(dict(zip(Counted._fields, map(list, zip(*rows, strict=True)), strict=True)), schema=schema)
                )
            )
        )


WRITERS: Mapping[str, Writer] = {"csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet}
