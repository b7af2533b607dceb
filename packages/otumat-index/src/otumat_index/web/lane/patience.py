"""How long a connection may keep us waiting. uvicorn limits only the pause after an answer; the rest is here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from otumat_index.web.lane.protocol import LaneProtocol


@dataclass(frozen=True, slots=True)
class Patience:
    """
    Limits in seconds, each for a connection on which nothing else goes on.

    `idle_s`: between two requests, and before the first. `head_s`: from the first to the last byte of a request's
    head, however they drip. `body_s`: between two pieces of a body. `stall_s`: while the client takes nothing of what
    it asked for.
    """

    idle_s: float = 15.0
    head_s: float = 15.0
    body_s: float = 30.0
    stall_s: float = 60.0


def sweep(connections: Iterable[object], patience: Patience, now: float) -> None:
    """Close the connections that have used up our patience. `now` is the clock of `Table.now`."""
    for connection in list(connections):
        if isinstance(connection, LaneProtocol) and connection.transport is not None:
            _look_at(connection, patience, now)


def _look_at(connection: LaneProtocol, patience: Patience, now: float) -> None:
    left = connection.left_to_write()
    if left != (0, 0):
        if left != connection.left:
            connection.left, connection.moved_at = left, now
        elif now - connection.moved_at > patience.stall_s:
            connection.transport.abort()
        return
    connection.left = left
    quiet_s = now - connection.heard_at
    if connection.head_since and now - connection.head_since > patience.head_s:
        connection.transport.abort()
    elif connection.is_idle and quiet_s > patience.idle_s:
        connection.transport.close()
    elif connection.awaits_body and quiet_s > patience.body_s:
        connection.transport.abort()
