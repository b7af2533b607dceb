"""Which member names are safe on every system an archive may be unpacked on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from otumat.spec.archive.findings import Findings, shown

# Control characters, and the marks that turn the direction of text (a name that reads as another one).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# One search decides for nearly every name; only what it hits is looked at closely.
_SUSPICIOUS = re.compile(_CONTROL.pattern + r"|\\|^/|//|[. ](?:/|\Z)|^[A-Za-z]:|^\Z")
_DRIVE = re.compile(r"[A-Za-z]:")


def check_path(path: str, findings: Findings, *, name_bytes: int) -> None:
    """
    Record what makes `path` (with '/' at the end for a directory) unsafe to unpack.

    Attacks: A10 (control characters), A14 (zip-slip), A17 (names that lose their tail on Windows).
    """
    if len(path) > name_bytes or (not path.isascii() and len(path.encode("utf-8", "replace")) > name_bytes):
        findings.add("archive.name_long", f"Member {shown(path)} has a name longer than {name_bytes} bytes.")
    if not _SUSPICIOUS.search(path):
        return
    if _CONTROL.search(path):
        findings.add("archive.name_control", f"Member {shown(path)} has a control character in its name.")
    if "\\" in path:
        findings.add(
            "archive.path", f"Member {shown(path)} has a backslash in its name, which is a path separator on Windows."
        )
    if path.startswith("/") or _DRIVE.match(path):
        findings.add("archive.path", f"Member {shown(path)} has an absolute path; members must stay below the archive.")
    parts = path.removesuffix("/").split("/")
    if ".." in parts:
        findings.add("archive.path", f"Member {shown(path)} climbs out of the archive with '..'.")
    if not path or "." in parts or "" in parts[1:]:
        findings.add("archive.path", f"Member {shown(path)} has an empty or '.' step in its path.")
    if any(part.endswith((".", " ")) for part in parts if part not in (".", "..")):
        findings.add(
            "archive.name_tail", f"Member {shown(path)} has a step ending in a dot or space, which Windows drops."
        )


def folded(path: str) -> str:
    """What `path` is called on a file system that ignores case and Unicode composition."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path.casefold())


def check_collisions(paths: Iterable[str], findings: Findings) -> None:
    """
    Record members that would overwrite each other: the same name twice (A3), names that differ only in case or
    composition (A17), and a file where another member needs a directory.
    """
    # NUL sorts before every character, so whatever lies below a path comes right after it.
    ordered = sorted((folded(path.removesuffix("/")).replace("/", "\0"), path) for path in paths)
    for (key, path), (next_key, next_path) in pairwise(ordered):
        if key == next_key:
            _tell_collision(path, next_path, findings)
        elif next_key.startswith(key + "\0") and not path.endswith("/"):
            findings.add(
                "archive.collision", f"Member {shown(next_path)} lies below {shown(path)}, which is not a directory."
            )


def _tell_collision(first: str, second: str, findings: Findings) -> None:
    if first == second:
        findings.add("archive.duplicate", f"Member {shown(second)} is in the archive more than once.")
    else:
        findings.add(
            "archive.collision",
            f"Members {shown(first)} and {shown(second)} become one file where case or accents do not count.",
            "Rename one of them and rebuild.",
        )
