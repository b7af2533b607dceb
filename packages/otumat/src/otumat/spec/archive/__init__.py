"""
The defensive opener of uploads: wheels and sdists are looked through in memory, and never unpacked.

The index runs it on every upload and `otumat publish` runs it before sending; both get every problem at once. It reads
the bytes once from front to back, bounded in memory and work by `Limits`, and accepts only archives that all readers
understand alike. Standard library only (file names and versions apart). Start with `inspect`, then `zip_directory`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from otumat.errors import Invalid
from otumat.spec.archive.findings import Findings, Kind, Unreadable
from otumat.spec.archive.inspection import Inspection, missing_license_files
from otumat.spec.archive.limits import Limits
from otumat.spec.archive.sdist import inspect_sdist
from otumat.spec.archive.wheel import inspect_wheel
from otumat.spec.archive.window import Window
from otumat.spec.filenames import ParsedFilename, parse

__all__ = ["Inspection", "Limits", "inspect", "missing_license_files"]

_DEFAULT_LIMITS = Limits()


def inspect(file: BinaryIO, filename: str, *, limits: Limits = _DEFAULT_LIMITS) -> Inspection:
    """
    Look through the wheel or sdist in `file`, which was given the name `filename`.

    Pure: only seeks in and reads from `file`. No bytes make it raise; what is wrong with them is in `problems`.

    Args:
        file: Seekable and binary; its position does not matter and is not restored.
        filename: Without folders.

    Returns:
        Everything that was learned. Metadata is empty where the archive could not be trusted to have one reading.

    Raises:
        OSError: The file object itself fails.

    Source: the attacks A1 to A22 and A27 of our threat list; PEP 427, 376, 517, 625, 643, 721, 815.
    """
    kind: Kind = (
        "wheel" if filename.endswith(".whl") else "sdist" if filename.endswith((".tar.gz", ".zip")) else "unknown"
    )
    findings = Findings(kind)
    window = Window(file)
    base = Inspection(filename, kind, _parse(filename, findings), size_bytes=window.size)
    if window.size > limits.file_bytes:
        findings.add(
            "archive.too_large",
            f"The file has {window.size} bytes; at most {limits.file_bytes} are accepted.",
            "Split the distribution, or ask the admin of the index to raise the limit.",
        )
    elif kind != "unknown":
        look_through = inspect_wheel if kind == "wheel" else inspect_sdist
        with suppress(Unreadable):  # what made it so is in the findings
            base = look_through(window, base, findings, limits)
    return replace(base, problems=findings.as_tuple())


def _parse(filename: str, findings: Findings) -> ParsedFilename | None:
    try:
        parsed = parse(filename)
    except Invalid as invalid:
        for problem in invalid.problems:
            findings.include(problem)
        return None
    for problem in parsed.problems:
        findings.include(problem)
    return parsed
