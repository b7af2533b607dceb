"""
What a child runs: `worker LIFELINE READY SETTINGS NUMBER PLACES` or `job LIFELINE -1 GRACE MODULE:FUNCTION
ARGUMENT…`.

Not for people; `otumat-index serve` starts it.
"""

from __future__ import annotations

import json
import signal
import sys
from types import FrameType
from typing import Any

from otumat_index.processes import lifeline
from otumat_index.processes.places import Place
from otumat_index.processes.worker import WorkerSettings, load, run


def main(words: list[str]) -> None:
    """Be the child that the words describe."""
    kind, pipe, ready, *rest = words
    if kind == "worker":
        told: dict[str, Any] = json.loads(rest[0])
        told = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
        places = [Place(*place) for place in json.loads(rest[2])]
        run(WorkerSettings(**told), number=int(rest[1]), places=places, ready=int(ready), pipe=int(pipe))
    else:
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        lifeline.hold(int(pipe), float(rest[0]))
        load(rest[1])(*rest[2:])


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(0)


main(sys.argv[1:])
