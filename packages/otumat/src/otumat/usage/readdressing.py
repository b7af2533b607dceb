"""
What waits when this machine becomes another install: after another `otumat usage on`, or an erasure.

The old install's id is never told by the new one. A batch that never left is the new one's, under a name and a number
of its own. What was tried may have arrived, so it counts as lost: better than twice.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from otumat.errors import Conflict
from otumat.usage.batches import set_aside, waiting, write
from otumat.usage.tombstones import current_install

if TYPE_CHECKING:
    from otumat.usage.batches import Frozen

UNANSWERED = "unanswered"


def enrolled_anew() -> Conflict:
    """While something was done in the name of an install, this machine became another."""
    return Conflict("This machine enrolled anew meanwhile.", code="install.other", hint="Try again.")


def readdressed(folder: str, cursors: dict[str, Any], *, install: str, dialect: str) -> dict[str, Any]:
    """
    Have everything that waits speak for an install; killed in between, it goes on where it was.

    Returns:
        The cursors, in which the sequence of an install begins anew.

    Errors:
        Conflict: this machine is another install than that by now.
    """
    if current_install(folder) not in ("", install):
        raise enrolled_anew()
    there = waiting(folder)
    others = [each for each in there if each.install != install]
    if not others and cursors.get("install", install) == install:
        return cursors
    sequence = max((each.sequence for each in there if each not in others), default=0)
    for each in others:
        if each.is_tried or each.dialect != dialect:
            set_aside(folder, each, why=UNANSWERED)
        else:
            sequence += 1
            _readdress(each, install, sequence)
    return {**cursors, "install": install, "sequence": sequence}


def _readdress(frozen: Frozen, install: str, sequence: int) -> None:
    """In the place of the old one, at once: its uses are in one batch at any moment."""
    batch, said = os.urandom(16).hex(), json.loads(frozen.body)
    if frozen.dialect == "1.0":
        said |= {"batch": batch, "sequence": sequence, "install": install}
        body = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
    else:
        body = json.dumps(said | {"installId": install})
    write(frozen.path, frozen.note | {"batch": batch, "sequence": sequence}, body.encode())
