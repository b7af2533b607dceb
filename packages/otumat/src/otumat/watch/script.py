"""The script that is run: found, started, and what it hands on to its next run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Self

from otumat.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

LIST = "OTUMAT_WATCH_LIST"
"""Variable with the path of a file, there while the script runs, that has the paths of what changed, one a line."""
STATE_MAX_BYTES = 64 * 1024


@dataclass
class Script:
    """
    A program and what it is called with.

    Attributes:
        command: Its words, the arguments apart.
    """

    command: list[str]
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def named(cls, name: str) -> Self:
        """
        A file, with or without `./`, or a program on the PATH. `.sh` without an execute bit is run by sh, as in 0.3.0.

        Errors:
            NotFound: there is no such program, or it may not be run.
        """
        path = os.path.abspath(name)
        if os.path.isfile(path):
            if os.access(path, os.X_OK):
                return cls([path])
            if path.endswith(".sh"):
                return cls(["sh", path])
            hint = f"chmod +x {name}"
            raise NotFound(f"{name} is there, but may not be run.", code="script.missing", hint=hint)
        found = shutil.which(name)
        if found is None:
            raise NotFound(f"There is no program {name}.", code="script.missing", hint="Name a file, or one on PATH.")
        return cls([found])

    def run(self, arguments: Sequence[str], changed: Sequence[str]) -> tuple[int, list[str]]:
        """
        Run it to its end; not to that of what it leaves running.

        Returns:
            Its exit code, and the lines that it wrote, which are what its next run is called with.
        """
        # Files and no pipes: a pipe would be open for as long as any of its children lives.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            listed = os.path.join(folder, "changed.txt")
            with open(listed, "wb") as file:
                file.write(b"".join(os.fsencode(path) + b"\n" for path in changed))
            with open(os.path.join(folder, "output"), "w+b") as output:
                code = self._to_its_end([*self.command, *arguments], output, {**os.environ, LIST: listed})
                output.seek(0)
                return code, lines(output.read(STATE_MAX_BYTES))

    def _to_its_end(self, line: list[str], output: BinaryIO, environ: dict[str, str]) -> int:
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=output, env=environ) as self._process:  # noqa: S603
            code = self._process.wait()
        self._process = None
        return code

    def end(self) -> None:
        """End it, if it runs."""
        if (process := self._process) is not None:
            process.terminate()


def lines(output: bytes) -> list[str]:
    """
    What a script wrote, as arguments.

    >>> lines(b"1\\ntwo words\\n"), lines(b""), lines(b"no end")
    (['1', 'two words'], [], ['no end'])
    """
    text = os.fsdecode(output.replace(b"\0", b"").replace(b"\r\n", b"\n"))
    return text.removesuffix("\n").split("\n") if text else []
