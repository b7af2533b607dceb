"""Small projects as people write them, one for each build back end, built with what is installed here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.clients import Home

BACKENDS = ("setuptools", "hatchling", "flit_core", "poetry", "pdm", "uv_build")
HEAD = """\
[build-system]
requires = []
build-backend = "{backend}"

[project]
name = "{name}"
version = "{version}"
description = "Keeps track of {name}"
readme = "README.md"
requires-python = ">=3.11"
license = "MIT"
license-files = ["LICENSE"]
keywords = ["issues", "mail"]
authors = [{{ name = "Älice Ünderhill", email = "alice@example.org" }}]
classifiers = {classifiers}
dependencies = ["packaging>=20"]

[project.optional-dependencies]
web = ["demo-web>=1; python_version>='3.11'"]

[project.urls]
Homepage = "https://example.org/{name}"
"Issue tracker" = "https://example.org/{name}/issues"

[project.scripts]
{name} = "{module}:main"

"""
MODULE = '''\
"""Keeps track."""

__version__ = "{version}"


def main() -> None:
    print("{name} {version}")
'''
CLASSIFIERS = ["Development Status :: 4 - Beta", "Intended Audience :: Developers", "Topic :: Office/Business"]
TAILS = {
    "setuptools": ("setuptools.build_meta", '[tool.setuptools]\npackages = ["{module}"]\n'),
    "hatchling": ("hatchling.build", '[tool.hatch.build.targets.wheel]\npackages = ["{module}"]\n'),
    "flit_core": ("flit_core.buildapi", '[tool.flit.module]\nname = "{module}"\n'),
    "poetry": ("poetry.core.masonry.api", '[tool.poetry]\npackages = [{{ include = "{module}" }}]\n'),
    "pdm": ("pdm.backend", ""),
    "uv_build": ("uv_build", '[tool.uv.build-backend]\nmodule-root = ""\nmodule-name = "{module}"\n'),
}


@dataclass(frozen=True)
class Project:
    """A project's folder."""

    folder: Path
    name: str
    version: str

    @property
    def dist(self) -> Path:
        return self.folder / "dist"

    @property
    def files(self) -> list[Path]:
        """What was built: the sdist and the wheel."""
        return sorted(path for path in self.dist.iterdir() if path.suffix in (".whl", ".gz"))

    def build(self, home: Home) -> Project:
        """Build wheel and sdist offline, with the back end installed here."""
        home.python("-m", "build", "--no-isolation", "--wheel", "--sdist", self.folder).ok()
        assert len(self.files) == 2, self.files
        return self


def write_project(
    folder: Path, backend: str, name: str, version: str = "1.0", *, classifiers: list[str] = CLASSIFIERS, more: str = ""
) -> Project:
    """A project of one module, a script, a readme, a licence, letters outside ASCII; `more` ends pyproject.toml."""
    module = name.replace("-", "_")
    entry, tail = TAILS[backend]
    words = {"backend": entry, "name": name, "version": version, "module": module, "classifiers": classifiers}
    texts = {
        "pyproject.toml": (HEAD + tail).format(**words) + more,
        "README.md": f"# {name}\n\nKeeps *track* of things – also in Köln.\n",
        "LICENSE": "MIT\n",
        f"{module}/__init__.py": MODULE.format(**words),
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return Project(folder, name, version)
