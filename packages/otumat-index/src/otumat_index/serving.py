"""`otumat-index serve`: create what is missing, then run web workers and the journal's follower until told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading

import django
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from otumat.errors import OtumatError
from otumat_index import commands, processes
from otumat_index.config import Config, read
from otumat_index.web.lane import Store


def serve(*, host: str, port: int, workers: int | None) -> int:
    """
    Run the index; returns the exit code.

    PUBLIC_URL, where nobody set it, is the address served.
    """
    if read(os.environ)[1]["public_url"] == "default":
        os.environ["PUBLIC_URL"] = f"http://{f'[{host}]' if ':' in host else host}:{port}"  # the workers inherit it
    commands.prepare()
    config: Config = settings.CONFIG
    call_command("collectstatic", interactive=False, verbosity=0)
    clean_up()
    link = first_admin_link()
    try:
        return processes.serve(
            worker_settings(config),
            host=host,
            port=port,
            workers=workers or config.workers,
            jobs=[
                processes.Job("follower", "otumat_index.serving:follow"),
                processes.Job("mailer", "otumat_index.serving:mail"),
                processes.Job("searcher", "otumat_index.serving:search"),
            ],
            on_ready=lambda urls: greet(config, urls, link),
        )
    except processes.ServeFailed as exc:
        raise OtumatError(str(exc)) from exc


def worker_settings(config: Config) -> processes.WorkerSettings:
    """What the web workers are told."""
    return processes.WorkerSettings(
        lane=str(config.lane_path),
        threads=config.web_threads,
        memory_bytes=config.lane_cache_mb << 20,
        body_limit_bytes=(config.max_file_mb + config.max_description_kb // 1000 + 5) * 1_000_000,
        body_s=float(config.body_timeout_s),
    )


def clean_up() -> None:
    """
    Before the first worker runs, no upload can be under way: whatever a crash left behind goes. So does a lane that has
    followed another journal further than ours goes, as after a restored backup.
    """
    from otumat_index.journal import queries as journal
    from otumat_index.publish import files, queries

    files.recover(queries.file_key_is_known, older_than_s=0)
    store = Store(settings.CONFIG.lane_path)
    is_foreign = store.followed > journal.last_serial()
    store.close()
    if is_foreign:
        for path in settings.CONFIG.lane_path.parent.glob("lane.*"):
            path.unlink(missing_ok=True)


def first_admin_link() -> str | None:
    """The one-time link that makes the first admin, as long as there is none."""
    from otumat_index.accounts import actions

    secret = actions.offer_first_admin(at=timezone.now())
    return f"{settings.CONFIG.public_url.rstrip('/')}/account/first-admin/{secret}/" if secret else None


def greet(config: Config, urls: list[str], link: str | None) -> None:
    """Say where it runs and what to do first."""
    where = f"listening on {', '.join(urls)}; data in {config.data}"
    lines = [f"{config.index_name} is running on {config.public_url} ({where}). Ctrl-C stops it."]
    if link:
        lines.append(f"There is no admin yet. Open this link once to become one:\n  {link}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def follow() -> None:
    """The follower's process."""
    django.setup()
    from otumat_index.jobs import follower
    from otumat_index.web import logs

    logs.configure(level=settings.CONFIG.log_level, form=settings.CONFIG.log_format)
    stopping = threading.Event()
    try:
        follower.main(stopping)
    finally:
        stopping.set()


def mail() -> None:
    """The mailer's process; it calls webhooks, too. Asked to stop, it finishes the mail that is under way."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    django.setup()
    from otumat_index.jobs import mailer
    from otumat_index.publish.hooks import sending
    from otumat_index.web import logs

    logs.configure(level=settings.CONFIG.log_level, form=settings.CONFIG.log_format)
    threading.Thread(target=sending.main, args=(stopping,), name="webhooks", daemon=True).start()
    mailer.main(stopping)


def search() -> None:
    """The searcher's process."""
    django.setup()
    from otumat_index.discover.search import searcher
    from otumat_index.web import logs

    logs.configure(level=settings.CONFIG.log_level, form=settings.CONFIG.log_format)
    searcher.main(threading.Event())
