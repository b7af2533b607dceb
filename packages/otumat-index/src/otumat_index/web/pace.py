"""
How often somebody may do something: as much as an hour or a day allows at once, then as it comes back.

One number a key, kept in this process: asking costs no query, and each worker counts by itself.
"""

from __future__ import annotations

import threading

KEYS_MAX = 20_000


class Pace:
    """
    A bucket that leaks evenly (GCRA), for each key.

    >>> pace = Pace(at_once=2, per_s=0.5)
    >>> [pace.wait_s("alice", at_s=0), pace.wait_s("alice", at_s=0), pace.wait_s("alice", at_s=0)]
    [0.0, 0.0, 2.0]
    """

    def __init__(self, *, at_once: int, per_s: float) -> None:
        self.step_s = 1 / per_s
        self.room_s = at_once * self.step_s
        self._empty_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait_s(self, key: str, *, at_s: float) -> float:
        """Count one use and return 0; or, where it is too many, count nothing and return how long to wait."""
        with self._lock:
            full_by = max(self._empty_at.get(key, 0), at_s) + self.step_s
            if full_by - at_s > self.room_s + 1e-6:
                return full_by - at_s - self.room_s
            self._empty_at[key] = full_by
            if len(self._empty_at) > KEYS_MAX:
                self._forget(at_s)
            return 0.0

    def _forget(self, at_s: float) -> None:
        """Leave out whoever has everything back; if that is nobody, whoever has most of it back."""
        left = {key: empty_at for key, empty_at in self._empty_at.items() if empty_at > at_s}
        for key in sorted(left, key=left.__getitem__)[: max(0, len(left) - KEYS_MAX // 2)]:
            del left[key]
        self._empty_at = left
