"""What the opener of archives hands back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from otumat.errors import Problem
from otumat.spec.archive.findings import Kind, shown
from otumat.spec.filenames import ParsedFilename


@dataclass(frozen=True, slots=True)
class Inspection:
    """
    One wheel or sdist, looked through from its first byte to its last.

    Attributes:
        filename: As given.
        kind: `wheel` or `sdist` by the ending of the file name, `unknown` for any other.
        parsed: What the file name says; None when it is no distribution's name (then that is a problem, too).
        metadata: The bytes of METADATA or of the sdist's PKG-INFO; empty when there are none that can be trusted.
        wheel_metadata: The bytes of WHEEL; empty likewise, and for sdists.
        entry_points: The bytes of entry_points.txt; empty when there is none.
        root: The wheel's `.dist-info` directory or the sdist's top directory; empty when there is not exactly one.
        paths: Every file of the archive (links, too), by its path from the top of the archive.
        size_bytes: The archive itself.
        unpacked_bytes: All its files together.
        problems: Everything that is wrong or unwise, in the order found; each has the field `content`.
    """

    filename: str
    kind: Kind
    parsed: ParsedFilename | None
    metadata: bytes = b""
    wheel_metadata: bytes = b""
    entry_points: bytes = b""
    root: str = ""
    paths: frozenset[str] = frozenset()
    size_bytes: int = 0
    unpacked_bytes: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def is_acceptable(self) -> bool:
        """Whether nothing worse than a warning was found."""
        return all(problem.severity != "error" for problem in self.problems)

    @property
    def license_files(self) -> tuple[str, ...]:
        """
        The files of a wheel that PEP 639 calls licence files, by their path below `licenses/`, sorted.

        An sdist marks its licence files in PKG-INFO only: always empty.
        """
        folder = f"{self.root}/licenses/"
        if self.kind != "wheel" or not self.root:
            return ()
        return tuple(sorted(path.removeprefix(folder) for path in self.paths if path.startswith(folder)))


def missing_license_files(inspection: Inspection, license_files: Iterable[str]) -> list[Problem]:
    """
    One error for each `License-File` of the metadata that the archive does not contain (A27).

    Args:
        license_files: The values of the field, as metadata has them: paths from the project's root.

    Source: PEP 639, "License-File". Before metadata 2.4, tools put them directly into `.dist-info`, without folders.
    """
    return [
        Problem(
            "license_file.missing",
            "license_files",
            f"License-File {shown(path)} is not in {inspection.filename}.",
            value=path,
            hint="Add the file to the project, or take it out of license-files, and rebuild.",
            rule="PEP 639",
        )
        for path in license_files
        if not inspection.paths.intersection(_license_places(inspection, path))
    ]


def _license_places(inspection: Inspection, path: str) -> tuple[str, ...]:
    if inspection.kind == "sdist":
        return (f"{inspection.root}/{path}",)
    name = path.rpartition("/")[2]
    return (f"{inspection.root}/licenses/{path}", f"{inspection.root}/{name}")
