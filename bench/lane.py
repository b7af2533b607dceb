"""
The hot lane beside nginx with the same bytes, and a peer index: 2 workers each, 64 connections, taking turns.

Rates and p99 are those of a saturated machine; beside them stands p99 while each connection rests a little between its
requests (`running.load` says why the two differ, for nginx too).
"""

from __future__ import annotations

import contextlib
import gzip
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import pages
from bench.report import Options, Row
from bench.running import Load, Missing, Server, download_ms, fetch, free_port, load, program, running

JSON = "application/vnd.pypi.simple.v1+json"
WORKERS = 2
PROJECTS = 886_000
LARGE_BYTES = 20 << 20
_JSON = {"Accept": JSON}
_GZIP = {"Accept-Encoding": "gzip"}

_SERVE = """
import sys
from otumat_index.processes import Job, WorkerSettings, serve
settings = WorkerSettings(lane=sys.argv[1], application="bench.lane:fallback")
sys.exit(serve(settings, host="127.0.0.1", port=int(sys.argv[2]), workers=int(sys.argv[3]),
               jobs=[Job("filler", "bench.lane:fill", (sys.argv[1], sys.argv[4]))]))
"""

_NGINX = """
worker_processes {workers}; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 75s; etag on;
  sendfile on; output_buffers 1 512k;
  open_file_cache max=20000 inactive=600s; open_file_cache_valid 600s; open_file_cache_min_uses 1;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  types {{ "text/html; charset=utf-8" html; {json} json; }}
  default_type application/octet-stream;
  map $http_accept $kind {{ default html; {json} json; }}
  server {{
    listen 127.0.0.1:{port} reuseport; root {root};
    add_header X-Content-Type-Options nosniff;
    location /simple/ {{
      gzip_static on;
      add_header X-Content-Type-Options nosniff; add_header Cache-Control no-cache;
      add_header Vary "Accept, Accept-Encoding"; add_header Content-Security-Policy
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
      try_files ${{uri}}index.$kind =404;
    }}
    location /files/ {{
      add_header X-Content-Type-Options nosniff; add_header Cache-Control "public, max-age=31536000, immutable";
      add_header Content-Security-Policy "default-src 'none'; sandbox";
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Case:
    """One row: what is asked, and what ratio to nginx's requests per second is the budget."""

    name: str
    path: str
    headers: dict[str, str]
    budget: float
    conditional: bool = False


P99_MS = 4.0
CASES = (
    Case("project page, HTML", "/simple/small/", {}, 0.8),
    Case("project page, JSON", "/simple/small/", _JSON, 0.8),
    Case("project page, JSON, gzip", "/simple/small/", _JSON | _GZIP, 0.8),
    Case("project page, 304", "/simple/small/", _JSON | _GZIP, 0.7, conditional=True),
    Case("1,000-file page, HTML", "/simple/large/", {}, 0.7),
    Case("1,000-file page, JSON", "/simple/large/", _JSON, 0.7),
    Case("1,000-file page, JSON, gzip", "/simple/large/", _JSON | _GZIP, 0.7),
    Case("small wheel", "/files/small.whl", {}, 0.5),
    Case(".metadata", "/files/small.whl.metadata", {}, 0.5),
)
PEER_RATIO = 20.0
LARGE_CPU_S_PER_GIB = 0.4
LIST_MS = 20.0


def run(options: Options) -> Iterator[Row]:
    """Fill a store and a folder with the same bytes, and compare."""
    with tempfile.TemporaryDirectory(prefix="bench-lane-") as folder, contextlib.ExitStack() as stack:
        place = Path(folder)
        try:
            program("wrk", "wrk")
            build(place / "www")
            ours = stack.enter_context(_ours(place))
            nginx = stack.enter_context(_nginx(place))
        except Missing as exc:
            yield Row("all", note=str(exc))
            return
        for case in CASES:
            yield compare(case, ours, nginx, options)
        yield large(ours, nginx, options)
        yield from whole_list(ours, nginx, options)
        yield beside_peer(place, ours, options)


def compare(case: Case, ours: Server, nginx: Server, options: Options) -> Row:
    """Measure one case on both, in turns."""
    headers = {server: _with_tag(server, case) for server in (ours, nginx)}
    if not case.conditional:
        bodies = [fetch(server, case.path, case.headers)[2] for server in (ours, nginx)]
        assert bodies[0] == bodies[1], f"{case.name}: the two servers differ"
    rounds: dict[Server, list[Load]] = {ours: [], nginx: []}
    for _ in range(options.rounds):
        for server, loads in rounds.items():
            loads.append(load(server, case.path, headers[server], seconds=options.seconds))
    paced = {
        server: [
            load(server, case.path, headers[server], seconds=options.seconds, is_paced=True).p99_ms
            for _ in range(options.rounds)
        ]
        for server in (ours, nginx)
    }
    mine, theirs = rounds[ours], rounds[nginx]
    ratio = statistics.median(
        mine_now.requests_per_s / theirs_now.requests_per_s for mine_now, theirs_now in zip(mine, theirs, strict=True)
    )
    figures = {
        "req/s": _median(mine, "requests_per_s"),
        "nginx": _median(theirs, "requests_per_s"),
        "ratio": ratio,
        "p99 ms": _median(mine, "p99_ms"),
        "nginx p99": _median(theirs, "p99_ms"),
        "rested p99": statistics.median(paced[ours]),
        "nginx's": statistics.median(paced[nginx]),
        "CPU µs": _median(mine, "cpu_us"),
        "nginx CPU µs": _median(theirs, "cpu_us"),
    }
    prompt = figures["p99 ms"] <= P99_MS
    budget = f"ratio ≥ {case.budget}, p99 ≤ {P99_MS:.0f} ms"
    return Row(case.name, figures, budget, ratio >= case.budget and prompt)


def large(ours: Server, nginx: Server, options: Options) -> Row:
    """Measure CPU seconds per GiB of a 20 MiB file at 4 connections."""
    rounds: dict[Server, list[Load]] = {ours: [], nginx: []}
    for _ in range(options.rounds):
        for server, loads in rounds.items():
            loads.append(load(server, "/files/large.whl", {}, seconds=options.seconds, connections=4))
    cost = _median(rounds[ours], "cpu_s_per_gib")
    figures = {
        "CPU s/GiB": cost,
        "nginx CPU s/GiB": _median(rounds[nginx], "cpu_s_per_gib"),
        "MiB/s": _median(rounds[ours], "bytes_per_s") / (1 << 20),
        "nginx MiB/s": _median(rounds[nginx], "bytes_per_s") / (1 << 20),
    }
    return Row("20 MiB file", figures, f"≤ {LARGE_CPU_S_PER_GIB} CPU s/GiB", cost <= LARGE_CPU_S_PER_GIB)


def whole_list(ours: Server, nginx: Server, options: Options) -> Iterator[Row]:
    """Time single downloads of the list of all projects."""
    for name, headers in (("list of 886,000, JSON", _JSON), ("list of 886,000, JSON, gzip", _JSON | _GZIP)):
        times: dict[Server, list[float]] = {ours: [], nginx: []}
        for _ in range(options.rounds * 5):
            for server, took in times.items():
                took.append(download_ms(server, "/simple/", headers))
        mine = statistics.median(times[ours])
        theirs = statistics.median(times[nginx])
        figures = {"ms": mine, "nginx ms": theirs, "worst ms": max(times[ours])}
        yield Row(name, figures, f"≤ {LIST_MS:.0f} ms", mine <= LIST_MS)


def beside_peer(folder: Path, ours: Server, options: Options) -> Row:
    """Measure pypiserver, in an environment of its own, on the project page."""
    name = "project page beside pypiserver"
    try:
        python = _peer_environment(folder / "peer")
    except (subprocess.CalledProcessError, OSError) as exc:
        return Row(name, note=f"not measured: pypiserver cannot be installed ({exc})")
    packages = folder / "packages"
    packages.mkdir()
    for number in range(30):
        (packages / f"small-{number // 3}.{number % 3}.0-py3-none-any.whl").write_bytes(b"x" * 1000)
    port = free_port()
    command = [python, "-m", "pypiserver", "run", "-i", "127.0.0.1", "-p", str(port), packages]
    ratios, rates, peer_rates = [], [], []
    with running("pypiserver", command, port, quiet=True) as peer:
        for _ in range(options.rounds):
            mine = load(ours, "/simple/small/", {}, seconds=options.seconds).requests_per_s
            theirs = load(peer, "/simple/small/", {}, seconds=options.seconds).requests_per_s
            ratios.append(mine / theirs)
            rates.append(mine)
            peer_rates.append(theirs)
    ratio = statistics.median(ratios)
    figures = {"req/s": statistics.median(rates), "peer": statistics.median(peer_rates), "ratio": ratio}
    return Row(name, figures, f"ratio ≥ {PEER_RATIO:.0f}", ratio >= PEER_RATIO)


# What is served.


def build(root: Path) -> None:
    """Write everything as files, plain and compressed."""
    for page in (pages.project("small", 30), pages.project("large", 1000)):
        _write(root / "simple" / page.name / "index.html", page.html)
        _write(root / "simple" / page.name / "index.json", page.json)
    _write(root / "simple" / "index.json", pages.listing(PROJECTS))
    files = root / "files"
    files.mkdir()
    (files / "small.whl").write_bytes(bytes(range(256)) * 4 + b"wheel")
    (files / "small.whl.metadata").write_bytes(b"Metadata-Version: 2.4\nName: small\nVersion: 1.0\n" * 40)
    (files / "large.whl").write_bytes(bytes(range(256)) * (LARGE_BYTES // 256))


def fill(lane: str, root: str) -> None:
    """Put the same bytes into the lane's store, then keep its heart beating. Runs as a job of our server."""
    import time

    from otumat_index.web.lane import Store, of_file, prepare

    www = Path(root)
    store = Store(Path(lane))
    for name in ("small", "large"):
        folder = www / "simple" / name
        html = prepare(f"/simple/{name}/", (folder / "index.html").read_bytes(), content_type=_HTML, format="html")
        json = prepare(f"/simple/{name}/", (folder / "index.json").read_bytes(), content_type=JSON, format="json")
        store.put(name, 1, [html, json])
    listing = www / "simple" / "index.json"
    digest = {"digest": "0" * 40, "content_type": JSON, "format": "json"}
    store.put("", 1, [of_file("/simple/", listing, compressed_file=listing.with_suffix(".json.gz"), **digest)])
    for number, file in enumerate((www / "files").iterdir()):
        answer = of_file(f"/files/{file.name}", file, content_type="application/octet-stream", digest=f"{number:040}")
        store.put("small", 1, [answer])
    store.followed = 1
    while True:
        store.heartbeat()
        time.sleep(0.5)


_HTML = "text/html; charset=utf-8"


def fallback(environ, start_response):  # type: ignore[no-untyped-def]
    """The application behind the lane: nothing."""
    start_response("404 Not Found", [("Content-Length", "0")])
    return [b""]


def _ours(folder: Path) -> contextlib.AbstractContextManager[Server]:
    port = free_port()
    command = [sys.executable, "-c", _SERVE, folder / "lane" / "lane.sqlite3", str(port), str(WORKERS), folder / "www"]
    return _when_filled(running("ours", command, port, env={"PYTHONPATH": str(Path(__file__).parents[1])}))


@contextlib.contextmanager
def _when_filled(starting: contextlib.AbstractContextManager[Server]) -> Iterator[Server]:
    with starting as server:
        while fetch(server, "/files/large.whl", {})[0] != 200:
            pass
        yield server


def _nginx(folder: Path) -> contextlib.AbstractContextManager[Server]:
    port = free_port()
    told = _NGINX.format(workers=WORKERS, folder=folder, port=port, root=folder / "www", json=JSON)
    (folder / "nginx.conf").write_text(told, encoding="utf-8")
    folder.chmod(0o755)  # its workers run as another user
    command = [program("nginx", "nginx-light"), "-c", folder / "nginx.conf", "-e", folder / "nginx.err"]
    return running("nginx", command, port)


def _peer_environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "pypiserver"], check=True, capture_output=True, timeout=300)
    return python


def _with_tag(server: Server, case: Case) -> dict[str, str]:
    if not case.conditional:
        return case.headers
    _, headers, _ = fetch(server, case.path, case.headers)
    asking = case.headers | {"If-None-Match": headers["etag"]}
    assert fetch(server, case.path, asking)[0] == 304
    return asking


def _median(loads: list[Load], figure: str) -> float:
    return statistics.median(getattr(one, figure) for one in loads)


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(body, 6, mtime=0))
