"""bandersnatch, the mirror client: a release of it in an environment of its own, and a mirror that it keeps."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.clients import Done, Home

RELEASES = {"6": "6.8.0", "8": "8.2.0"}
"""The last with XML-RPC, and the newest."""

SETTINGS = """\
[mirror]
directory = {folder}
master = {master}
json = true
simple-format = ALL
storage-backend = filesystem
stop-on-error = false
hash-index = false
timeout = 240
workers = 2
verifiers = 2
"""


class NotInstalled(Exception):
    """The package registry did not give it; says why."""


def install(release: str, home: Home) -> Path:
    """
    Install a release; returns its command.

    Raises:
        NotInstalled: The registry cannot be reached.
    """
    python = home.new_venv()
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--ignore-requires-python"]
    command += ["--retries", "9"]
    done = subprocess.run(
        [str(word) for word in [*command, f"bandersnatch=={release}"]],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise NotInstalled((done.stderr.strip() or "pip does not say why").splitlines()[-1])
    if sys.version_info < (3, 12):
        spell_as_before_3_12(next(python.parent.parent.glob("lib/python3*/site-packages/bandersnatch")))
    return python.with_name("bandersnatch")


def spell_as_before_3_12(package: Path) -> None:
    """bandersnatch 8 asks for Python 3.12 because of one generic function; the same in the older spelling."""
    for path in package.glob("*.py"):
        text = path.read_text("utf-8")
        older = re.sub(r"def (\w+)\[T\]\(", r"def \1(", text)
        if older != text:
            path.write_text(f"from __future__ import annotations\n{older}", "utf-8")


@dataclass(frozen=True)
class Mirror:
    """A folder that bandersnatch copies an index into."""

    command: Path
    home: Home
    folder: Path
    authority: Path

    @classmethod
    def of(cls, master: str, *, command: Path, home: Home, authority: Path) -> Mirror:
        """A mirror of what answers at an https address (its `verify` takes no other), vouched for by `authority`."""
        mirror = cls(command, home, home.folder / "mirror", authority)
        mirror.folder.mkdir()
        mirror.settings.write_text(SETTINGS.format(folder=mirror.folder, master=master.rstrip("/")), "utf-8")
        return mirror

    @property
    def settings(self) -> Path:
        return self.home.folder / "bandersnatch.conf"

    def run(self, *words: str) -> Done:
        return self.home.run(self.command, "-c", self.settings, *words, SSL_CERT_FILE=str(self.authority))

    def update(self) -> str:
        """Copy what is new; returns what it said, which must be of no error."""
        said = self.run("mirror").ok()
        assert "ERROR" not in said, said
        return said

    def projects(self) -> set[str]:
        """Projects that the mirror would offer."""
        return {path.name for path in (self.folder / "web" / "simple").iterdir() if path.is_dir()}

    def files(self) -> dict[str, bytes]:
        """The files it has copied."""
        return {
            path.name: path.read_bytes() for path in (self.folder / "web" / "packages").rglob("*") if path.is_file()
        }

    def page(self, project: str) -> str:
        """What it tells installers about a project."""
        return (self.folder / "web" / "simple" / project / "index.html").read_text("utf-8")
