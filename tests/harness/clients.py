"""Real programs in a clean environment: nobody's configuration, caches, keyring or index."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
KEPT = ("LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


@dataclass(frozen=True)
class Done:
    """What a program said, both streams in one, and its exit code."""

    code: int
    output: str

    def ok(self) -> str:
        """Its words, if it says that all went well."""
        assert self.code == 0, self.output
        return self.output

    def failed(self) -> str:
        """Its words on one line (programs wrap them as they like), if it says that it failed."""
        assert self.code != 0, self.output
        return unwrapped(self.output)


@dataclass(frozen=True)
class Home:
    """A person's home folder, and programs run in it."""

    folder: Path

    def environ(self) -> dict[str, str]:
        """What programs find there."""
        return {
            **{name: value for name, value in os.environ.items() if name in KEPT},
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_DATA_HOME": str(self.folder / "share"),
            "PATH": os.pathsep.join((str(BIN), "/usr/local/bin", "/usr/bin", "/bin")),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_CACHE_DIR": str(self.folder / "cache" / "pip"),
            "UV_NO_CONFIG": "1",
            "UV_CACHE_DIR": str(self.folder / "cache" / "uv"),
            "UV_PYTHON_DOWNLOADS": "never",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONWARNINGS": "ignore",
            "NO_COLOR": "1",
            "COLUMNS": "400",
            "TERM": "dumb",
        }

    def run(self, *words: str | Path, cwd: Path | None = None, stdin: str = "", **environ: str) -> Done:
        """Run a program of the test environment to its end."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=cwd or self.folder,
            env=self.environ() | environ,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def python(self, *words: str | Path, cwd: Path | None = None, **environ: str) -> Done:
        return self.run(sys.executable, *words, cwd=cwd, **environ)

    def new_venv(self) -> Path:
        """An empty virtual environment; returns its interpreter."""
        place = self.folder / f"venv-{len(list(self.folder.glob('venv-*')))}"
        self.run("uv", "venv", "--quiet", "--python", sys.executable, place).ok()
        return place / "bin" / "python"


def unwrapped(text: str) -> str:
    """Words separated by single spaces, without the bars and bullets that programs draw boxes with."""
    return " ".join("".join(" " if char in "│╭╮╰╯─┃" else char for char in text).split())
