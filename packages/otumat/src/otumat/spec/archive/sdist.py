"""Source distributions: one top directory, PKG-INFO in it, and nothing that reaches outside."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from dataclasses import replace

from otumat.spec.archive.findings import Findings, shown
from otumat.spec.archive.gzip_stream import GzipStream
from otumat.spec.archive.identity import check_identity, same_project, same_version
from otumat.spec.archive.inspection import Inspection
from otumat.spec.archive.limits import Limits
from otumat.spec.archive.paths import check_collisions, check_path
from otumat.spec.archive.tar import Member
from otumat.spec.archive.tar import read_members as read_tar_members
from otumat.spec.archive.window import Window
from otumat.spec.archive.zip_archive import open_zip
from otumat.spec.archive.zip_members import read_members as read_zip_members

_END_OF_ZIP = b"PK\5\6"
_END_OF_ZIP_REACH = 22 + 0xFFFF


def inspect_sdist(window: Window, base: Inspection, findings: Findings, limits: Limits) -> Inspection:
    """
    Look through an sdist, `.tar.gz` or `.zip`; `base` knows the file name already.

    Raises:
        Unreadable: The structure allows several readings, or costs too much; the findings say why.

    Source: source distribution format (PEP 517, 625, 643, 721).
    """
    read = _read_zip if base.filename.endswith(".zip") else _read_tar
    members, pkg_infos = read(window, findings, limits)
    root = _find_root(members, base, findings)
    metadata = pkg_infos.get(f"{root}/PKG-INFO", b"") if root else b""
    if root and f"{root}/PKG-INFO" not in pkg_infos:  # A15
        findings.add("sdist.pkg_info", f"The sdist has no readable PKG-INFO in {shown(root)}.")
    elif root and base.parsed:
        check_identity(metadata, "PKG-INFO", base.parsed, findings)
    return replace(
        base,
        metadata=metadata,
        root=root,
        paths=frozenset(member.path for member in members if member.kind != "directory"),
        unpacked_bytes=sum(member.size for member in members),
    )


def _read_tar(window: Window, findings: Findings, limits: Limits) -> tuple[list[Member], dict[str, bytes]]:
    if not window.at(0, 3).startswith(b"\x1f\x8b\x08"):
        findings.stop("archive.not_gzip", "The file is not a gzip-compressed tar archive.")
    if _could_be_zip(window):  # A2
        findings.add("archive.two_formats", "The file can be read as a tar and as a zip archive.")
    pkg_infos: dict[str, bytes] = {}
    members: list[Member] = []
    name_room = limits.listing_bytes
    for member in read_tar_members(GzipStream(window, findings, limits), findings, limits, pkg_infos):
        name_room -= len(member.path) + len(member.target)
        if name_room < 0:
            findings.stop("archive.too_large", f"The members' names take more than {limits.listing_bytes} bytes.")
        check_path(member.path, findings, name_bytes=limits.name_bytes)
        members.append(member)
    check_collisions((member.path for member in members), findings)
    _check_links(members, findings)
    return members, pkg_infos


def _could_be_zip(window: Window) -> bool:
    """
    Whether a reader of zips could open the file.

    zipfile takes bytes before and behind a zip, so an end record anywhere in its reach counts when a central directory
    lies before it, or when it fits the end of the file.
    """
    first = max(0, window.size - _END_OF_ZIP_REACH)
    tail = window.at(first, _END_OF_ZIP_REACH)
    at = tail.find(_END_OF_ZIP)
    while at >= 0:
        directory = first + at - int.from_bytes(tail[at + 12 : at + 16], "little")
        comment_size = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + 22 + comment_size == len(tail) or (directory >= 0 and window.at(directory, 4) == b"PK\1\2"):
            return True
        at = tail.find(_END_OF_ZIP, at + 1)
    return False


def _read_zip(window: Window, findings: Findings, limits: Limits) -> tuple[list[Member], dict[str, bytes]]:
    entries, ends = open_zip(window, findings, limits)
    keep = {entry.name for entry in entries if entry.name.count("/") == 1 and entry.name.endswith("/PKG-INFO")}
    if any(entry.size > limits.metadata_bytes for entry in entries if entry.name in keep):
        findings.stop("archive.too_large", f"PKG-INFO is larger than {limits.metadata_bytes} bytes.")
    contents = read_zip_members(window, entries, ends, findings, algorithms=None, keep=keep)
    members = [Member(entry.name, "directory" if entry.is_directory else "file", "", entry.size) for entry in entries]
    return members, contents.kept


def _find_root(members: Collection[Member], base: Inspection, findings: Findings) -> str:
    """The one top directory (A15), empty when there is none to rely on."""
    tops = {member.path.partition("/")[0] for member in members}
    loose = sorted(member.path for member in members if "/" not in member.path)
    if len(tops) != 1 or loose:
        found = ", ".join(map(shown, sorted(tops)[:5])) or "nothing"
        findings.add("sdist.root", f"The sdist must have one directory at its top; it has {found}.")
        return ""
    root = tops.pop()
    if base.parsed and not _names(root, base.parsed.project, base.parsed.version):
        findings.add(
            "sdist.root",
            f"The sdist's top directory is {shown(root)}, but its file name says project {shown(base.parsed.project)} "
            f"in version {shown(base.parsed.version)}.",
            rule="PEP 625",
        )
    return root


def _names(root: str, project: str, version: str) -> bool:
    """Whether `root` is `{project}-{version}` in any spelling; names may have hyphens, and so may old versions."""
    cuts = [at for at, character in enumerate(root[:255]) if character == "-"]
    return any(same_project(root[:at], project) and same_version(root[at + 1 :], version) for at in cuts)


def _check_links(members: Collection[Member], findings: Findings) -> None:
    """
    A14: a link must stay below the top directory, whatever other links do.

    Steps up are accepted only at the beginning of a target, where they leave real directories (no member lies below a
    link, see `check_collisions`); later they could climb out of another link's target.
    """
    files: set[str] = set()
    for member in members:
        if member.kind == "file":
            files.add(member.path)
        elif member.kind == "hardlink":
            if member.target not in files:
                _tell_link(member, findings)
        elif member.kind == "symlink" and not _stays_inside(member):
            _tell_link(member, findings)


def _stays_inside(link: Member) -> bool:
    steps = link.target.split("/")
    leading = next((at for at, step in enumerate(steps) if step not in ("..", ".")), len(steps))
    end = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target))
    top = link.path.partition("/")[0]
    stranger = not link.target or "\\" in link.target or link.target[1:2] == ":"  # other meanings on Windows
    return not stranger and ".." not in steps[leading:] and f"{end}/".startswith(f"{top}/")


def _tell_link(member: Member, findings: Findings) -> None:
    findings.add(
        "archive.link",
        f"Member {shown(member.path)} is a {member.kind} to {shown(member.target)}, which leads outside the archive or "
        "to a file that is not in it before.",
        "Put a copy of the file there instead and rebuild.",
    )
