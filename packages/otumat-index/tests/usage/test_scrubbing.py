"""U14: what was erased is in no file of the database, nor in what the database keeps beside it."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from harness.waiting import PATIENCE_S
from otumat_index.usage import actions, scrubbing
from otumat_index.usage.models import Erasure
from otumat_index.usage.stores.models import Batch

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def traces(one: Any) -> dict[str, bytes]:
    """All by which a copy could be known, or what it sent be read."""
    secret = bytes(one.row.family.secret.secret)
    batch = Batch.objects.get(install=one.row.pk)
    found = {"secret": secret, "install": one.told["install"].encode(), "body": bytes(batch.body)[20:60]}
    for name in ("access_token", "refresh_token"):
        text = one.told[name].encode()
        found |= {name: text.partition(b".")[2], f"digest of {name}": hashlib.sha256(text).hexdigest().encode()}
    if connection.vendor == "sqlite":
        found |= {"batch": batch.batch.encode(), "sha256": batch.sha256.encode()}
        found |= {f"row {row.pk}": row.digest.encode() for row in one.row.family.tokens.all()}
    return found


def files() -> Iterator[Path]:
    """Every file of the databases."""
    if connection.vendor == "sqlite":
        places = [Path(each.settings_dict["NAME"]) for each in connections.all()]
        return (path for place in places for path in place.parent.glob(f"{place.name}*"))
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        places = [folder / "base" / str(cursor.fetchone()[0]), folder / "pg_wal"]
        return (path for place in places for path in place.iterdir() if path.is_file())


def found_in_files(wanted: dict[str, bytes]) -> set[str]:
    texts = [path.read_bytes() for path in files()]
    return {name for name, text in wanted.items() if any(text in data for data in texts)}


@pytest.fixture
def log_turns() -> Iterator[None]:
    """PostgreSQL keeps no old files of its log, as the operators' guide has it."""
    for _ in recycling("off"):
        use_up_old_log()
        yield


def use_up_old_log() -> None:
    """What was kept to be written over before that setting held: it is not new again."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM pg_ls_waldir() WHERE name > pg_walfile_name(pg_current_wal_lsn())")
            if cursor.fetchone()[0] == 0:
                break
            cursor.execute("SELECT pg_switch_wal()")
            cursor.execute("CHECKPOINT")


@pytest.fixture
def log_is_kept() -> Iterator[None]:
    yield from recycling("on")


def recycling(value: str) -> Iterator[None]:
    def say(statement: str) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER SYSTEM {statement}")
                cursor.execute("SELECT pg_reload_conf()")
        connection.close()  # the next one knows

    say(f"SET wal_recycle = {value}")
    yield
    say("RESET wal_recycle")


def test_U14_no_file_of_a_database_has_anything_of_an_erased_install(
    copy: Any, today: str, counted: Any, log_turns: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = copy(), copy()
    for each in (one, other):
        batch = each.batch([today, "import", {}, 2], batch=secrets.token_hex(16))
        assert each.send(batch).status_code == 200
        each.told = each.refresh(each.told["refresh_token"]).json()
    ours, others = traces(one), traces(other)
    assert {"secret", "body"} <= found_in_files(ours)
    assert "install" not in found_in_files(ours)
    told = erased(one)
    if connection.vendor == "postgresql":
        assert told["copies_until"] > told["erased"]
        scrub_at_last(monkeypatch)
    assert erased(one)["copies_until"] == told["erased"]
    left = {"body"} if connection.vendor == "postgresql" else set()  # ciphertext; the key to it is what is gone
    assert found_in_files(ours) == left
    assert {"secret", "body"} <= found_in_files(others)
    assert counted() == {"import": 4}
    assert other.send(other.batch([today, "import", {}, 1])).status_code == 200


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only on PostgreSQL: it decides what becomes of its log")
def test_U14_where_the_log_is_kept_a_receipt_promises_no_more_than_for_backups(
    copy: Any, today: str, log_is_kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = copy()
    assert one.send(one.batch([today, "import", {}, 2])).status_code == 200
    erased(one)
    scrub_at_last(monkeypatch)
    told = erased(one)
    assert (Erasure.objects.get().scrubbed, told["copies_until"][:10]) == (True, told["backups_until"])


def scrub_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a task does once a minute; other tests' transactions on the same server may hold it back."""
    monkeypatch.setattr(scrubbing, "MARGIN", timedelta(0))
    until = time.monotonic() + PATIENCE_S
    while not Erasure.objects.get().scrubbed and time.monotonic() < until:
        actions.finish_erasures(at=timezone.now())


def erased(one: Any) -> dict[str, Any]:
    """The receipt, also when it is asked for again."""
    path = f"/api/usage-install/{one.told['install']}?erase=1"
    answer = one.client.delete(path, headers={**one.bearer, "Idempotency-Key": "5" * 32})
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()["receipt"]
    return told


def test_a_receipt_says_so_where_somebody_still_reads_what_was(
    copy: Any, today: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = copy()
    monkeypatch.setattr(scrubbing, "PATIENCE_MS", 50)
    reading = connection.copy()
    try:
        with reading.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if connection.vendor == "postgresql" else "BEGIN")
            cursor.execute("SELECT count(*) FROM accounts_installsecret")
            cursor.fetchall()
            told = one.own("DELETE", "?erase=1").json()["receipt"]
            actions.finish_erasures(at=timezone.now())
            assert (told["copies_until"] > told["erased"], Erasure.objects.get().scrubbed) == (True, False)
            cursor.execute("ROLLBACK")
    finally:
        reading.close()
    scrub_at_last(monkeypatch)
    assert Erasure.objects.get().scrubbed


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only on PostgreSQL: elsewhere a database is by itself")
def test_U14_who_writes_in_another_database_holds_dead_versions_back_and_no_receipt_denies_it(
    copy: Any, log_turns: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    one = copy()
    secret = {"secret": bytes(one.row.family.secret.secret)}
    monkeypatch.setattr(scrubbing, "MARGIN", timedelta(0))
    known = connection.get_connection_params()
    where = {name: known[name] for name in ("host", "port", "user", "password") if known.get(name)}
    with psycopg.connect(dbname="postgres", **where) as elsewhere:
        elsewhere.execute("SELECT pg_current_xact_id()")
        told = erased(one)
        actions.finish_erasures(at=timezone.now())
        assert (Erasure.objects.get().scrubbed, found_in_files(secret)) == (False, {"secret"})
        assert erased(one)["copies_until"] == told["copies_until"] > told["erased"]
    scrub_at_last(monkeypatch)
    assert (Erasure.objects.get().scrubbed, found_in_files(secret)) == (True, set())


def test_inside_a_transaction_nothing_is_let_go_of(copy: Any) -> None:
    with transaction.atomic():
        assert scrubbing.scrub(timezone.now()) is None
