"""A zip from its table of contents to safe names: what wheels and zip sdists have in common."""

from __future__ import annotations

from otumat.spec.archive.findings import Findings
from otumat.spec.archive.limits import Limits
from otumat.spec.archive.paths import check_collisions, check_path
from otumat.spec.archive.window import Window
from otumat.spec.archive.zip_directory import Entry, read_directory
from otumat.spec.archive.zip_members import check_sizes

_TAR_BLOCK = 512
_CHECKSUM = slice(148, 156)


def open_zip(window: Window, findings: Findings, limits: Limits) -> tuple[list[Entry], int]:
    """
    Read the table of contents, refuse bombs, and check every name.

    Returns:
        The entries sorted by place, and where the central directory begins.

    Raises:
        Unreadable: The structure allows several readings, or costs too much; the findings say why.
    """
    entries, ends = read_directory(window, findings, limits)
    if _looks_like_tar(window.at(0, _TAR_BLOCK)):  # A2
        findings.add("archive.two_formats", "The file can be read as a zip and as a tar archive.")
    check_sizes(entries, findings, limits, file_bytes=window.size)
    for entry in entries:
        check_path(entry.name, findings, name_bytes=limits.name_bytes)
    check_collisions((entry.name for entry in entries), findings)
    return entries, ends


def _looks_like_tar(block: bytes) -> bool:
    """Whether the first block has a tar checksum that holds; readers of tar look at nothing else."""
    digits = block[_CHECKSUM].strip(b" \0")
    if len(block) < _TAR_BLOCK or not digits or digits.strip(b"01234567"):
        return False
    return int(digits, 8) == sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")
