"""
The draft inside setuptools: `setup(discriminators=[...])`, and `python setup.py register`.

Loaded by setuptools through entry points, in the build of somebody else's project; nothing else imports this module.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar

from setuptools import Command
from setuptools.errors import BaseError, SetupError

if TYPE_CHECKING:
    from setuptools import Distribution


def check_discriminators(dist: Distribution, attr: str, value: object) -> None:
    """
    Take `discriminators` of a setup script for what they are called today, classifiers; those of both come in one list.

    Errors:
        SetupError: not a list of strings.

    Source: the draft, "Distutils Trove Categorisation".
    """
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise SetupError(
            f"setup({attr}=...) takes a list of strings, such as ['Topic :: Office/Business']; it was given {value!r}."
        )
    classifiers = list(dist.metadata.get_classifiers())
    added = [each for each in value if each not in classifiers]
    dist.metadata.classifiers = classifiers + added


class register(Command):  # noqa: N801 - the command's name, as setuptools spells its own
    """
    `python setup.py register`: what `otumat register` does, for the project of this setup script.

    The talking is done by the command `otumat` in a process of its own; this only hands it the metadata.
    """

    description = "tell a package index about this release (name, summary, classifiers and so on)"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [
        ("index=", None, "address of the index, or its name in ~/.pypirc [default: OTUMAT_INDEX]"),
        ("repository=", "r", "the same, as this command called it earlier"),
        ("username=", None, "who submits [default: environment, ~/.pypirc, keyring, or asked]"),
        ("verify", None, "only have the metadata checked; the index keeps nothing"),
        ("list-classifiers", None, "list the valid classifiers and stop"),
    ]
    boolean_options: ClassVar[list[str]] = ["verify", "list-classifiers"]

    def initialize_options(self) -> None:
        self.index: str | None = None
        self.repository: str | None = None
        self.username: str | None = None
        self.verify = False
        self.list_classifiers = False

    def finalize_options(self) -> None:
        self.index = self.index or self.repository

    def run(self) -> None:
        if self.list_classifiers:
            self._otumat("classifiers")
            return
        with TemporaryDirectory(prefix="otumat-") as folder:
            pkg_info = Path(folder, "PKG-INFO")
            with pkg_info.open("w", encoding="utf-8") as file:
                self.distribution.metadata.write_pkg_file(file)
            self._otumat("register", str(pkg_info))

    def _otumat(self, command: str, *arguments: str) -> None:
        # -P: a module of the project's folder must not stand in for one that the command needs.
        line = [sys.executable, "-P", "-m", "otumat", command, *arguments]
        if self.index:
            line += ["--index", self.index]
        if command == "register":
            line += ["--verify"] if self.verify else []
            line += ["--username", self.username] if self.username else []
        sys.stdout.flush()
        if subprocess.run(line, check=False).returncode:  # noqa: S603
            raise BaseError(f"{command} did not succeed; the reason is above")
