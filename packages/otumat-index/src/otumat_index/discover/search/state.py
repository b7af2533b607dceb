"""How search is, for banners and for who waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

READY: Final = "ready"
BUILDING: Final = "building"
OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class State:
    """
    How the engine is.

    Attributes:
        kind: `READY`; `BUILDING` (not built yet, or far behind: SQL answers meanwhile); `OFF` (no searcher runs).
        fraction: How much of the build under way is done, 0 to 1.
        serial: The journal's serial it knows of.
        projects: How many it knows.
    """

    kind: str
    fraction: float = 0.0
    serial: int = 0
    projects: int = 0
