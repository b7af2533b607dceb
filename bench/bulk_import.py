"""`otumat-index import` of a whole index into an empty one, with another writer beside it: time, memory, waiting."""

from __future__ import annotations

import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench import records
from bench.report import Options, Row

COUNT = 886_000
MINUTES = 5.0
RSS_MB = 400.0
OTHERS_P99_MS = 5_000.0
SAMPLE_EVERY_S = 0.2


def run(options: Options) -> Iterator[Row]:
    """Import once, then the same file again; the length of a round does not matter here."""
    with tempfile.TemporaryDirectory(prefix="bench-import-") as folder:
        yield from measure(Path(folder), COUNT)


def measure(folder: Path, count: int) -> Iterator[Row]:
    """Make records in `folder`, import them into `folder`/data, and say how it went; all of it stays there."""
    source, data = folder / "records.jsonl", folder / "data"
    with source.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(made) + "\n" for made in records.generate(records.package_list(), count))
    subprocess.run([*_index("user"), "create", "alice", "--email", "a@example.org", "--data", data], check=True)
    with OtherWriter(data / "index.sqlite3") as other:
        seconds, cpu_s, peak_mb = _import(source, data)
    size_mb = sum(each.stat().st_size for each in data.glob("index.sqlite3*")) / 1e6
    figures = {"minutes": seconds / 60, "records/s": count / seconds, "CPU s": cpu_s, "RSS MB": peak_mb}
    figures["database MB"] = size_mb
    limit = f"≤ {MINUTES:.0f} min for {COUNT:,}, ≤ {RSS_MB:.0f} MB"
    met = seconds / 60 * COUNT / count <= MINUTES and peak_mb <= RSS_MB
    yield Row(f"import of {count:,} records", figures, limit, met)
    yield other.row()
    seconds, cpu_s, peak_mb = _import(source, data)
    figures = {"minutes": seconds / 60, "records/s": count / seconds, "CPU s": cpu_s, "RSS MB": peak_mb}
    yield Row("the same again, unchanged", figures)


class OtherWriter:
    """Somebody else's short write every 50 ms, as a running server's, and how long each had to wait."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.waited_ms: list[float] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._write)

    def __enter__(self) -> OtherWriter:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()

    def row(self) -> Row:
        """What it went through."""
        waits = sorted(self.waited_ms)
        p99 = waits[int(len(waits) * 0.99)]
        figures = {"writes": len(waits), "p50 ms": statistics.median(waits), "p99 ms": p99, "worst ms": waits[-1]}
        return Row("another writer beside it", figures, f"p99 ≤ {OTHERS_P99_MS:.0f} ms", p99 <= OTHERS_P99_MS)

    def _write(self) -> None:
        connection = sqlite3.connect(self.path, timeout=20, isolation_level=None)
        connection.execute("CREATE TABLE bench (at REAL)")
        while not self.stopping.wait(0.05):
            begun = time.perf_counter()
            connection.execute("INSERT INTO bench VALUES (?)", (begun,))
            self.waited_ms.append((time.perf_counter() - begun) * 1000)
        connection.execute("DROP TABLE bench")
        connection.close()


def _import(source: Path, data: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds, and the most memory that all its processes together had at once, in MB."""
    begun, cpu_s, peak_kb = time.perf_counter(), _cpu_s(), 0
    with subprocess.Popen([*_index("import"), source, "--owner", "alice", "--data", data]) as importing:
        while importing.poll() is None:
            peak_kb = max(peak_kb, _rss_kb(importing.pid))
            time.sleep(SAMPLE_EVERY_S)
    if importing.returncode:
        raise subprocess.CalledProcessError(importing.returncode, "otumat-index import")
    return time.perf_counter() - begun, _cpu_s() - cpu_s, peak_kb / 1000


def _cpu_s() -> float:
    """Of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _index(command: str) -> list[str]:
    return [sys.executable, "-m", "otumat_index.cli", command]


def _rss_kb(pid: int) -> int:
    """Of a process and its children."""
    total = 0
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        total += next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += _rss_kb(int(child))
    except (OSError, StopIteration):
        pass  # it has just ended
    return total


if __name__ == "__main__":
    from bench.report import print_row

    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    for row in measure(place, int(sys.argv[2]) if len(sys.argv) > 2 else COUNT):
        print_row(row)
