"""
U4: the end of a program is not delayed by a host that cannot be reached, hangs, or refuses.

How long it takes is measured by `bench/usage.py`; here is why: a round of sending is due and goes its own way, and in
the program that logged there is nothing that could wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.using import send
from harness.waiting import until
from otumat.spec.consent import ON
from otumat.usage import due

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from otumat.testing.usage import Fault, UsageHost

    Run = Callable[..., subprocess.CompletedProcess[str]]

EVENT = "/api/usage-event"
NOWHERE = "http://127.0.0.1:9"
LOGS = """
import atexit, os, sys
from otumat.usage import UsageAgent

UsageAgent(package_name="hostpkg", enrolment="manual").log(event_type="import")
try:
    children = os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    children = None
print(atexit._ncallbacks(), children, sorted({"_socket", "threading", "subprocess", "asyncio"} & set(sys.modules)))
"""
NOTHING_TO_WAIT_FOR = (0, "0 None []\n", "")


def ended(run_program: Run, folder: str) -> tuple[int, str, str]:
    """How a program ends that logs when a round is due; its pipes are read until nobody holds them any more."""
    due.set_due(folder, 0)
    done = run_program(LOGS)
    return done.returncode, done.stdout, done.stderr


def test_U4_a_program_ends_while_the_host_has_not_answered(enrolled: str, host: UsageHost, run_program: Run) -> None:
    host.faults[EVENT] = ["hang"]
    assert ended(run_program, enrolled) == NOTHING_TO_WAIT_FOR
    until(lambda: host.to(EVENT))
    assert not host.released.is_set()


@pytest.mark.parametrize(
    "fault", [(429, {"Retry-After": "60"}, b"{}"), (500, {}, b"{}"), "reset"], ids=["429", "500", "reset"]
)
def test_U4_a_program_knows_nothing_of_a_refusal(
    enrolled: str, host: UsageHost, run_program: Run, fault: Fault
) -> None:
    host.faults[EVENT] = [fault]
    assert ended(run_program, enrolled) == NOTHING_TO_WAIT_FOR
    until(lambda: due.read(enrolled).get("failures") == 1)
    until(lambda: send(enrolled).uses)  # once the round that failed has let go
    assert host.counts == {"import": 1}


def test_U4_a_program_ends_without_a_network(folder: str, say: Callable[..., None], run_program: Run) -> None:
    say(ON, url=NOWHERE)
    assert ended(run_program, folder) == NOTHING_TO_WAIT_FOR
    until(lambda: due.read(folder).get("failures") == 1)
