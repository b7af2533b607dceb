"""Core metadata of what the user points at: a project's folder, a wheel or sdist, a METADATA or PKG-INFO file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from otumat.errors import Invalid, NotFound, OtumatError, Problem
from otumat.spec import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from build import ProjectBuilder

ARCHIVE_ENDINGS = (".whl", ".tar.gz", ".zip")
MAX_METADATA_BYTES = 10_000_000
SHOWN_OUTPUT_LINES = 25


def read_metadata(path: Path, *, isolated: bool = True, tell: Callable[[str], None] = lambda _: None) -> bytes:
    """
    Read the core metadata of a project, in the form of a METADATA file.

    Args:
        path: A folder with a pyproject.toml or setup.py, a built wheel or sdist, or a METADATA or PKG-INFO file.
        isolated: Build in an environment of its own with what the project requires for building; otherwise with the
            packages of the running interpreter.
        tell: Is told, in a few words, what is about to take a while.

    Errors:
        NotFound: `path.missing`, nothing there.
        Invalid: an archive that does not hold.
        OtumatError: `project.none`, a folder without a project; `build.requirements`, what it takes to build is not
            there; `build.failed`, with the last lines of the back end's output.
        ModuleNotFoundError: a folder, and the package build (of the extra `publish`) is not installed.
    """
    if path.is_dir():
        return _built_metadata(path, isolated=isolated, tell=tell)
    if not path.exists():
        raise NotFound(f"There is no {path}.", code="path.missing", hint="Name a project's folder or one of its files.")
    if path.name.endswith(ARCHIVE_ENDINGS):
        return _archived_metadata(path)
    with path.open("rb") as file:
        data = file.read(MAX_METADATA_BYTES + 1)
    if len(data) > MAX_METADATA_BYTES:
        limit = f"{MAX_METADATA_BYTES // 1_000_000} MB"
        raise Invalid([Problem("metadata.too_large", "content", f"{path} is larger than {limit}.", value=str(path))])
    return data


def _archived_metadata(path: Path) -> bytes:
    with path.open("rb") as file:
        inspection = archive.inspect(file, path.name)
    if not inspection.is_acceptable:
        raise Invalid(inspection.problems)
    return inspection.metadata


def _built_metadata(folder: Path, *, isolated: bool, tell: Callable[[str], None]) -> bytes:
    """PEP 517: the back end's own answer (prepare_metadata_for_build_wheel), or that of the wheel it builds."""
    import warnings
    from tempfile import TemporaryDirectory

    import build
    from pyproject_hooks import BuildBackendWarning

    _check_is_project(folder)
    with TemporaryDirectory(prefix="otumat-") as scratch, warnings.catch_warnings():
        # Advice for the next build, told at every build; this is none.
        warnings.simplefilter("ignore", BuildBackendWarning)
        try:
            if isolated:
                data = _in_isolation(folder, scratch, tell)
            else:
                data = _in_this_interpreter(folder, scratch, tell)
        except (build.BuildException, build.BuildBackendException, build.FailedProcessError) as exc:
            raise _build_failed(folder, exc) from exc
    return data


def _check_is_project(folder: Path) -> None:
    if (folder / "pyproject.toml").is_file() or (folder / "setup.py").is_file():
        return
    if (folder / "setup.cfg").is_file():
        # No front end builds it like this any more; telling how is better than guessing.
        message = f"{folder} has a setup.cfg, but neither pyproject.toml nor setup.py."
        hint = "Add a setup.py with one line: from setuptools import setup; setup()"
    else:
        message = f"{folder} holds no Python project: there is neither pyproject.toml nor setup.py."
        hint = "Run this in the project's folder, or name the folder: otumat register PATH"
    raise OtumatError(message, code="project.none", hint=hint)


def _in_this_interpreter(folder: Path, scratch: str, tell: Callable[[str], None]) -> bytes:
    import os
    import sysconfig

    import build

    # A back end may bring a program (uv-build does), which is found only beside the interpreter.
    programs = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])

    def run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        _run(cmd, cwd, {"PATH": programs, **(extra_environ or {})})

    builder = build.ProjectBuilder(folder, runner=run)
    required = builder.build_system_requires
    # The back end can say what more it requires only once it is there itself.
    missing = {names[-1] for each in required for names in build.check_dependency(each)}
    missing = missing or {names[-1] for names in builder.check_dependencies("wheel")}
    if missing:
        raise OtumatError(
            f"Without isolation, these must be installed to build {folder}: {', '.join(sorted(missing))}.",
            code="build.requirements",
            hint=f"Install them for {sys.executable}, or leave out --no-isolation.",
        )
    tell(f"Asking the build back end of {folder} for the metadata...")
    return _metadata_file(builder, scratch)


def _in_isolation(folder: Path, scratch: str, tell: Callable[[str], None]) -> bytes:
    from subprocess import CalledProcessError

    import build
    from build.env import DefaultIsolatedEnv

    class Isolated(DefaultIsolatedEnv):
        def make_extra_environ(self) -> dict[str, str]:
            return {**super().make_extra_environ(), "PYTHONPATH": lent}

    lent = _lend_ourselves(scratch) if _speaks_of_discriminators(folder) else ""
    tell(f"Preparing an isolated environment to build {folder}...")
    try:
        with Isolated() as env:
            builder = build.ProjectBuilder.from_isolated_env(env, folder, runner=_run)
            env.install(builder.build_system_requires)
            env.install(builder.get_requires_for_build("wheel"))
            tell(f"Asking the build back end of {folder} for the metadata...")
            return _metadata_file(builder, scratch)
    except CalledProcessError as exc:
        raise OtumatError(
            f"What {folder} requires for building could not be installed.{_indented(_said(exc))}",
            code="build.requirements",
            hint="Without a network, install it beforehand and use --no-isolation.",
        ) from exc


def _metadata_file(builder: ProjectBuilder, scratch: str) -> bytes:
    from pathlib import Path

    return (Path(builder.metadata_path(scratch)) / "METADATA").read_bytes()


def _run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
    """
    Run one hook; what the back end says is kept for the error message and shown to nobody otherwise.

    The credentials for the index are no business of a build, which is code of many people.
    """
    import os
    import subprocess

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTUMAT_", "TWINE_"))}
    environ = {**kept, **(extra_environ or {})}
    subprocess.run(cmd, cwd=cwd, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603


def _speaks_of_discriminators(folder: Path) -> bool:
    try:
        return b"discriminators" in (folder / "setup.py").read_bytes()
    except OSError:
        return False


def _lend_ourselves(scratch: str) -> str:
    """
    Make this very package importable in an isolated environment, as an installed distribution with its entry points.

    A setup.py with `discriminators=` and nothing else tells no front end that it needs us, and without us setuptools
    drops the keyword with a warning. Installing by name could bring another version than the one that runs.
    """
    import shutil
    from pathlib import Path

    import otumat

    place = Path(scratch, "otumat-lent")
    home = Path(otumat.__file__).parent
    shutil.copytree(home, place / "otumat", ignore=shutil.ignore_patterns("__pycache__"))
    info = place / f"otumat-{otumat.__version__}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: otumat\nVersion: {otumat.__version__}\n")
    (info / "entry_points.txt").write_text(
        "[distutils.setup_keywords]\ndiscriminators = otumat.publish.setuptools_commands:check_discriminators\n"
    )
    return str(place)


def _build_failed(folder: Path, exc: Exception) -> OtumatError:
    lines = _said(getattr(exc, "exception", None))
    return OtumatError(
        f"The project in {folder} cannot be built: {str(exc).rstrip('.')}.{_indented(lines)}",
        code="build.failed",
        hint=_meant(lines) or "Once `python -m build` succeeds in that folder, this does too.",
    )


def _said(cause: object) -> list[str]:
    """What the back end printed, without the frames of its tracebacks: those are about its own insides."""
    parts = [getattr(cause, name, None) or b"" for name in ("output", "stderr")]
    texts = [part.decode(errors="replace") if isinstance(part, bytes) else str(part) for part in parts]
    kept, in_frames = [], False
    for line in "".join(texts).rstrip().splitlines():
        in_frames = line.startswith("Traceback (most recent call last)") or (in_frames and line.startswith(" "))
        if not in_frames:
            kept.append(line)
    return kept


def _indented(lines: list[str]) -> str:
    return "".join(f"\n  | {line}" for line in lines[-SHOWN_OUTPUT_LINES:]) + ("\n" if lines else "")


def _meant(lines: list[str]) -> str:
    """Some back ends refuse an unknown classifier before the index could; it gets the same advice."""
    import re

    from otumat.spec.classifiers import Vocabulary

    found = re.search(r"Unknown classifier in field .*?: (.+)", lines[-1]) if lines else None
    suggestions = Vocabulary.from_trove().suggest(found[1]) if found else []
    return f"Did you mean {' or '.join(map(repr, suggestions))}?" if suggestions else ""
