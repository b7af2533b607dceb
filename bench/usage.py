"""
What being counted costs a host program, beside two SDKs (posthog, sentry-sdk) with their ordinary settings.

Import: CPU of a fresh process, over one that does nothing. Log: wall time of one call. Add: of one raise of a counter,
as the mean of a thousand. Lost: of 10,000 uses (SDKs: 1,000), how many never arrive when the process ends the hard way.
Exit: from the last line of a program until it is gone, its host hanging. SDKs talk to a sink on loopback.
What is held while a host is dead for 10,000,000 uses, and what a frozen program does, is `usage_limits`.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.report import Options, Row
from otumat.testing.usage import UsageHost
from otumat.usage import outbox

SRC = str(Path(__file__).parents[1] / "packages" / "otumat" / "src")
PACKAGE = "benchpkg"
SDKS = ("posthog", "sentry-sdk")
IMPORT_MS, MODULES, LOG_P50_US, LOG_P99_US, ADD_US, EXIT_MS = 1.0, 3, 6.0, 20.0, 1.0, 5.0

OURS = "from otumat.usage import UsageAgent\nagent = UsageAgent(package_name='benchpkg')\nlog = agent.log\n"
POSTHOG = (
    "import sys\nfrom posthog import Posthog\nsdk = Posthog('key', host=sys.argv[1])\n"
    "def log(event_type): sdk.capture(event_type, distinct_id='x')\n"
)
SENTRY = (
    "import sys, sentry_sdk\nsentry_sdk.init(sys.argv[1].replace('//', '//key@') + '/1', shutdown_timeout=2)\n"
    "def log(event_type): sentry_sdk.capture_message(event_type)\n"
)
MANY = "import os\nfor number in range({times}): log(event_type='fetch')\n"
TIMED = """
import time
found = []
for _ in range({times}):
    start = time.perf_counter_ns()
    log(event_type='fetch')
    found.append(time.perf_counter_ns() - start)
found.sort()
print(found[len(found) // 2] / 1000, found[len(found) * 99 // 100] / 1000)
"""
ADDED = """
import time
counter = agent.counter("fetch")
counter.add()
add, found = counter.add, []
for _ in range(300):
    start = time.perf_counter_ns()
    for _ in range(1000):
        add()
    found.append((time.perf_counter_ns() - start) / 1000)
found.sort()
print(found[150] / 1000, found[297] / 1000)
"""
LOADED = """
import sys
before = set(sys.modules)
from otumat.usage import UsageAgent
UsageAgent(package_name='benchpkg').log('x')
print(sum(not name.startswith('otumat') for name in set(sys.modules) - before))
"""
EXIT = "log(event_type='fetch')\nimport time\nprint(time.monotonic(), flush=True)\n"
ENDINGS = {
    "kill -9": "os.kill(os.getpid(), 9)\n",
    "os._exit": "os._exit(0)\n",
    "SIGTERM": "os.kill(os.getpid(), 15)\n",
}


def run(options: Options) -> Iterator[Row]:
    """Every figure, ours first, then the SDKs in the same run."""
    with tempfile.TemporaryDirectory(prefix="otumat-bench-usage-") as place, Sink() as sink:
        peers = _sdks(Path(place) / "sdks")
        theirs = {"posthog": (peers, POSTHOG, [sink.url]), "sentry-sdk": (peers, SENTRY, [sink.url])}
        home = Home(Path(place) / "home")
        yield from _imports(options, home, theirs)
        yield from _logs(home, theirs)
        yield from _losses(home, theirs, sink)
        yield from _exits(home, theirs)


def _sdks(folder: Path) -> Path:
    """An environment with the SDKs; OTUMAT_BENCH_SDKS names one that is there already."""
    if ready := os.environ.get("OTUMAT_BENCH_SDKS"):
        return Path(ready)
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", *SDKS], check=True, timeout=300)
    return folder


class Home:
    """A home folder, in which the package is at some level."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        kept = ("PATH", "LANG", "TMPDIR")
        self.environ = {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": str(place)}

    @property
    def folder(self) -> Path:
        return self.place / ".local/state/otumat" / PACKAGE

    def say(self, level: str, host: str = "") -> None:
        code = (
            "import sys\nfrom otumat.usage import changing, manifests, places\n"
            "changing.turn(places.folder('benchpkg'), sys.argv[1], package='benchpkg',"
            " found=manifests.Found(None, 'none'), source='bench', host=sys.argv[2], account='none')"
        )
        subprocess.run([sys.executable, "-c", code, level, host], env=self.ours, check=True)

    def empty(self) -> None:
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)

    def held(self) -> int:
        return sum(record.times for record in outbox.unsent(str(self.folder)))

    @property
    def ours(self) -> dict[str, str]:
        return self.environ | {"PYTHONPATH": SRC}


Theirs = Mapping[str, tuple[Path, str, list[str]]]


def _imports(options: Options, home: Home, theirs: Theirs) -> Iterator[Row]:
    programs: dict[str, tuple[str, str, list[str], dict[str, str]]] = {
        "pass": (sys.executable, "pass", [], home.ours),
        "ours": (sys.executable, OURS, [], home.ours),
        **{name: (str(p / "bin/python"), c.split("\n")[0], a, home.environ) for name, (p, c, a) in _split(theirs)},
    }
    found: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(options.rounds * 10):
        for name, (python, code, arguments, environ) in programs.items():
            found[name].append(_cpu_ms([python, "-c", code, *arguments], environ))
    base = statistics.median(found.pop("pass"))
    over = {name: statistics.median(values) - base for name, values in found.items()}
    loaded = int(subprocess.run([sys.executable, "-c", LOADED], env=home.ours, check=True, stdout=-1).stdout)
    figures = {f"{name} ms": value for name, value in over.items()} | {"modules of others": loaded}
    met = over["ours"] <= IMPORT_MS and loaded <= MODULES
    yield Row("import and agent, nobody asked", figures, f"≤ {IMPORT_MS} ms CPU over pass, ≤ {MODULES} modules", met)


def _split(theirs: Theirs) -> list[tuple[str, tuple[Path, str, list[str]]]]:
    return [
        (name, (python, code.replace("import sys\n", "").replace("import sys, ", "import "), arguments))
        for name, (python, code, arguments) in theirs.items()
    ]


def _logs(home: Home, theirs: Theirs) -> Iterator[Row]:
    home.empty()
    home.say("local")
    p50, p99 = _timed([sys.executable, "-c", OURS + TIMED.format(times=10_000)], home.ours)
    figures = {"ours p50 µs": p50, "p99": p99}
    for name, (python, code, arguments) in theirs.items():
        line = [str(python / "bin/python"), "-c", code + TIMED.format(times=500), *arguments]
        figures[f"{name} p50"], figures[f"{name} p99"] = _timed(line, home.environ)
    met = p50 <= LOG_P50_US and p99 <= LOG_P99_US
    yield Row("log", figures, f"≤ {LOG_P50_US} µs p50, ≤ {LOG_P99_US} µs p99", met)
    p50, p99 = _timed([sys.executable, "-c", OURS + ADDED], home.ours)
    yield Row("counter.add", {"ours p50 µs": p50, "p99": p99}, f"≤ {ADD_US} µs p50", p50 <= ADD_US)


def _losses(home: Home, theirs: Theirs, sink: Sink) -> Iterator[Row]:
    for ending, how in ENDINGS.items():
        home.empty()
        home.say("local")
        subprocess.run([sys.executable, "-c", OURS + MANY.format(times=10_000) + how], env=home.ours, check=False)
        figures = {"ours %": _lost(home.held(), 10_000)}
        for name, (python, code, arguments) in theirs.items():
            sink.count = 0
            line = [str(python / "bin/python"), "-c", code + MANY.format(times=1000) + how, *arguments]
            subprocess.run(line, env=home.environ, check=False, timeout=120, stderr=subprocess.DEVNULL)
            time.sleep(0.5)
            figures[f"{name} %"] = _lost(sink.count, 1000)
        yield Row(f"lost: {ending}", figures, "0 of 10,000", figures["ours %"] == 0)
    counted = "log = lambda event_type, counter=agent.counter('fetch'): counter.add()\n"
    for name, code, processes, expected in (
        ("fork", OURS + MANY.format(times=2500) + "os.fork()\n" + MANY.format(times=3750), 1, 10_000),
        ("8 processes", OURS + MANY.format(times=1250), 8, 10_000),
        ("counters, kill -9", OURS + counted + MANY.format(times=10_000) + ENDINGS["kill -9"], 1, 10_000),
        (
            "counters, fork",
            OURS + counted + MANY.format(times=2500) + "os.fork()\n" + MANY.format(times=3750),
            1,
            10_000,
        ),
        ("counters, 8 processes", OURS + counted + MANY.format(times=12_500), 8, 100_000),
    ):
        home.empty()
        home.say("local")
        started = [subprocess.Popen([sys.executable, "-c", code], env=home.ours) for _ in range(processes)]
        for process in started:
            process.wait()
        time.sleep(0.5)  # the forked child may end a little later
        lost = _lost(home.held(), expected)
        yield Row(f"lost: {name}", {"ours %": lost}, f"0 of {expected:,}", lost == 0)


def _exits(home: Home, theirs: Theirs) -> Iterator[Row]:
    with UsageHost() as host:
        host.faults = {"/.well-known/oauth-authorization-server": ["hang"] * 100}
        home.empty()
        home.say("on", host.url)
        base = min(
            _exit_ms([sys.executable, "-c", "log = print\n" + EXIT.partition("\n")[2]], home.ours) for _ in range(5)
        )
        ours = []
        for _ in range(5):
            (home.folder / "due").unlink(missing_ok=True)  # a round of sending is due, so one is started
            ours.append(_exit_ms([sys.executable, "-c", OURS + EXIT], home.ours))
    figures = {"ours ms": min(ours) - base}
    hanging = _Quiet(("127.0.0.1", 0), _Hanging)
    threading.Thread(target=hanging.serve_forever, daemon=True).start()
    for name, (python, code, _) in theirs.items():
        line = [str(python / "bin/python"), "-c", code + EXIT, f"http://127.0.0.1:{hanging.server_port}"]
        figures[f"{name} ms"] = _exit_ms(line, home.environ) - base
    hanging.shutdown()
    yield Row("exit, host hangs", figures, f"≤ {EXIT_MS} ms", figures["ours ms"] <= EXIT_MS)


def _lost(arrived: int, expected: int) -> float:
    return 100 * (expected - arrived) / expected


def _cpu_ms(line: Sequence[str], environ: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(line, env=environ, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _timed(line: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    done = subprocess.run(
        line, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=300
    )
    p50, p99 = done.stdout.split()[-2:]
    return float(p50), float(p99)


def _exit_ms(line: Sequence[str], environ: Mapping[str, str]) -> float:
    """From the last line of a program until it is gone; no longer than 100 s."""
    done = subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert done.stdout is not None
    at = float(done.stdout.readline())
    try:
        done.wait(100)
    except subprocess.TimeoutExpired:
        done.kill()
        done.wait()
    done.stdout.close()
    return 1000 * (time.monotonic() - at)


class _Quiet(ThreadingHTTPServer):
    """Clients that were killed are expected."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Sink:
    """Takes what SDKs send, and counts the events in it."""

    count = 0

    def __enter__(self) -> Sink:
        sink = self

        class Handler(_Counting):
            def count(self, events: int) -> None:
                sink.count += events

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()


class _Counting(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.count(_events_in(body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def count(self, events: int) -> None:
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Hanging(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        time.sleep(100)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _events_in(body: bytes) -> int:
    try:
        value = json.loads(body)
    except ValueError:
        return body.count(b'"type":"event"')  # an envelope of sentry: JSON lines
    return len(value.get("batch", ())) if isinstance(value, dict) else 0
