"""
How far it goes: ten million uses while the host is dead (U5), and a program frozen by PyInstaller (U11).

Held: bytes on disk, highest of 20 looks. Told: once the host is back, what arrives and what is told as lost add up to
every use, by name. PyInstaller is installed into a folder of its own; OTUMAT_BENCH_PYINSTALLER names one that is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

from bench.report import Options, Row
from bench.usage import OURS, PACKAGE, SRC, Home
from otumat.testing.usage import UsageHost
from otumat.usage import held, state
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round

USES, PROCESSES = 10_000_000, 2
HELD_MIB, FROZEN_EXIT = 1.0, 0
MANY = "for number in range({times}): log('rare' if number % 10 == 0 else 'often')\n"
FROZEN = OURS + "counter = agent.counter('fetch')\nfor _ in range(100): log('fetch'); counter.add()\nprint('fine')\n"


def run(options: Options) -> Iterator[Row]:
    """Both."""
    with tempfile.TemporaryDirectory(prefix="otumat-bench-limits-") as place:
        yield _dead_host(Home(Path(place) / "home"))
        yield _frozen(Home(Path(place) / "frozen-home"), Path(place) / "frozen")


def _dead_host(home: Home) -> Row:
    with UsageHost() as host:
        url = host.url
        home.say("on", url)
        host.faults["/.well-known/oauth-authorization-server"] = ["reset"] * 1000  # dead to every round
        folder, begun = str(home.folder), time.monotonic()
        code = OURS + MANY.format(times=USES // PROCESSES)
        started = [subprocess.Popen([sys.executable, "-c", code], env=home.ours) for _ in range(PROCESSES)]
        highest, looks = 0, 0
        while any(process.poll() is None for process in started):
            highest, looks = max(highest, _bytes(folder)), looks + 1
            time.sleep(0.25)
        took_s = time.monotonic() - begun
        lost, kept = dict(held.lost(folder)["room"]), state.counts(folder)
        host.faults.clear()
        told = _told(home, host)
    expected = {"rare": USES // 10, "often": USES - USES // 10}
    sums = {name: kept.get(name, 0) + lost.get(name, 0) for name in expected}
    figures = {
        "MiB held, at most": highest / 2**20,
        "looks": looks,
        "kept": sum(kept.values()),
        "evicted": sum(lost.values()),
        "told later": sum(told.values()),
        "µs a use and process": took_s * PROCESSES / USES * 1e6,
    }
    met = highest <= HELD_MIB * 2**20 and sums == expected == told
    return Row(f"{USES:,} uses, host dead", figures, f"≤ {HELD_MIB} MiB, every use kept or told as lost, by name", met)


def _told(home: Home, host: UsageHost) -> dict[str, int]:
    """By name, what the host counts and what it is told was lost, once it answers."""
    before, os.environ["HOME"] = os.environ.get("HOME", ""), home.environ["HOME"]
    try:
        send_round(str(home.folder), PACKAGE, over=usage_transport())
    finally:
        os.environ["HOME"] = before
    told = dict(host.counts)
    for each in host.lost:
        for name, times in each.get("room", {}).items():
            told[name] = told.get(name, 0) + times
    return told


def _bytes(folder: str) -> int:
    total = 0
    for path in Path(folder, "spool").glob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            pass
    return total


def _frozen(home: Home, place: Path) -> Row:
    """A program of one file, frozen; it holds its uses and says nothing."""
    tools = Path(os.environ.get("OTUMAT_BENCH_PYINSTALLER", "")) if os.environ.get("OTUMAT_BENCH_PYINSTALLER") else None
    if tools is None:
        tools = place / "tools"
        venv.create(tools, with_pip=True)
        subprocess.run([tools / "bin/python", "-m", "pip", "install", "-q", "pyinstaller"], check=True, timeout=300)
    place.mkdir(exist_ok=True)
    (place / "program.py").write_text(FROZEN)
    line: list[str | Path] = [
        tools / "bin/python",
        "-m",
        "PyInstaller",
        "--log-level",
        "ERROR",
        "--onefile",
        "--paths",
        SRC,
    ]
    # What is imported late is found late: a program that freezes Otumat collects it whole.
    line += ["--collect-submodules", "otumat.usage", "--distpath", place / "dist", "program.py"]
    subprocess.run(line, cwd=place, check=True, timeout=600, stdout=subprocess.DEVNULL)
    home.say("local")
    done = subprocess.run([place / "dist/program"], env=home.environ, capture_output=True, text=True, check=False)
    counted = state.counts(str(home.folder)).get("fetch", 0)
    met = (done.stdout, done.stderr, done.returncode, counted) == ("fine\n", "", FROZEN_EXIT, 200)
    return Row("frozen by PyInstaller", {"counted of 200": counted, "exit": done.returncode}, "200, silent", met)
