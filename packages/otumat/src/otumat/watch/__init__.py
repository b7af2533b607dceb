"""
Run a script when a file, or something in a folder, has changed: the command `otumat watch`, and `WatchAgent` of 0.3.

    loop.py      waits, and runs the script: read it first
    changes.py   what has changed, and is written to its end
    noticing.py  is told by the system that it is time to look (the extra `watch`)
    script.py    the script: found, run, and what it hands on to its next run
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otumat.watch.loop import Watcher
from otumat.watch.script import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OnMyWatch", "Script", "WatchAgent", "Watcher"]


class WatchAgent:
    """
    Watches a file and runs a script, as Otumat 0.3 did.

    Positional arguments are those of 0.3.0 (file, script, arguments) or of 0.3.1 (file, interval, script, arguments).
    """

    def __init__(
        self,
        watch_file: str,
        *rest: Any,
        watch_interval: float = 5,
        watch_script: str = "",
        watch_args: Sequence[str] | None = None,
    ) -> None:
        given = list(rest)
        if given and isinstance(given[0], int | float):
            watch_interval = given.pop(0)
        if given:
            watch_script = given.pop(0)
        if given:
            watch_args = given.pop(0)
        if given or not watch_script:
            raise TypeError("WatchAgent takes watch_file, watch_interval (if any), watch_script and watch_args.")
        script = Script.named(watch_script)
        self.watcher = Watcher(watch_file, script, arguments=watch_args or (), interval_s=watch_interval)

    def run(self) -> None:
        """Watch until somebody presses Ctrl-C."""
        try:
            self.watcher.run()
        except KeyboardInterrupt:
            self.watcher.stop()


OnMyWatch = WatchAgent
