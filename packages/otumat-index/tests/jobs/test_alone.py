"""One at a time, on every machine that shares the catalogue."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from harness.waiting import PATIENCE_S
from otumat_index.jobs.alone import Alone

pytestmark = pytest.mark.django_db(transaction=True)

HOLDER = """
import sys, time
from pathlib import Path
import django
django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[2]
from otumat_index.jobs.alone import Alone
alone = Alone("tests", Path(sys.argv[1]))
print(alone.is_held(), flush=True)
time.sleep(600)
"""


def asked_again(alone: Alone) -> bool:
    alone.asked_at = 0.0
    return alone.is_held()


def test_only_one_holds_it_until_released(tmp_path: Path) -> None:
    first, second = Alone("tests", tmp_path / "lock"), Alone("tests", tmp_path / "lock")
    assert first.is_held()
    assert first.is_held()
    assert not second.is_held()
    first.release()
    assert asked_again(second)
    assert not asked_again(first)
    second.release()


def test_it_ends_with_its_holder_however_that_ends(tmp_path: Path) -> None:
    name = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock"), name]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "True\n"
        alone = Alone("tests", tmp_path / "lock")
        assert not alone.is_held()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait(PATIENCE_S)
        holder.stdout.close()
    deadline = time.monotonic() + PATIENCE_S  # a server notices a moment later that a client is gone
    while not asked_again(alone):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    alone.release()
