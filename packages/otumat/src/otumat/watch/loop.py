"""Wait for a change, let it settle, run the script, and again."""

from __future__ import annotations

import time
from threading import Event
from typing import TYPE_CHECKING

from otumat.watch.changes import Changes, look
from otumat.watch.noticing import noticing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otumat.watch.script import Script


def _silent(text: str) -> None:
    pass


class Watcher:
    """
    Runs a script when a file, or a file in a folder, has changed and is written to its end.

    The lines that a run writes are the arguments of the next; those of a run that failed are not.

    Args:
        path: A file or folder. A file need not exist yet.
        interval_s: How often to look even if the system says nothing.
        quiet_s: How long a file must stay the same before it counts as written.
        tell, show: What is said along the way; what the script wrote.
    """

    def __init__(
        self,
        path: str,
        script: Script,
        *,
        arguments: Sequence[str] = (),
        interval_s: float = 5,
        quiet_s: float = 0.5,
        tell: Callable[[str], None] = _silent,
        show: Callable[[str], None] = _silent,
    ) -> None:
        self.state = list(arguments)
        self._path, self._script = path, script
        self._interval_s, self._quiet_s = interval_s, quiet_s
        self._tell, self._show = tell, show
        self._noticed, self._stopped = Event(), Event()

    def run(self, *, at_start: bool = False) -> None:
        """
        Watch until `stop` is called.

        Args:
            at_start: Run the script once for what is there already.
        """
        changes = Changes(self._path, quiet_s=self._quiet_s)
        with noticing(self._path, self._noticed.set) as is_told:
            self._tell(
                f"Watching {self._path}." if is_told else f"Looking at {self._path} every {self._interval_s:g} s."
            )
            if at_start:
                self._run(sorted(look(self._path)))
            while not self._stopped.is_set():
                if changed := changes.settled(time.monotonic()):
                    self._run(changed)
                elif changes.is_settling:
                    self._stopped.wait(self._quiet_s / 2)
                else:
                    self._noticed.wait(self._interval_s)
                    self._noticed.clear()

    def stop(self) -> None:
        """End after the run that is under way; asked again, end that run, too. Safe in a signal handler."""
        if self._stopped.is_set():
            self._script.end()
        self._stopped.set()
        self._noticed.set()

    def _run(self, changed: list[str]) -> None:
        if self._stopped.is_set():
            return
        self._tell(f"{changed[0] if len(changed) == 1 else f'{len(changed)} files'} changed.")
        try:
            code, written = self._script.run(self.state, changed)
        except OSError as exc:
            self._tell(f"The script cannot be run: {exc}.")
            return
        for line in written:
            self._show(line)
        if code:
            self._tell(f"The script failed with exit code {code}; its next run is called as this one was.")
        else:
            self.state = written
