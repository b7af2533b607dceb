"""Wheels: the one `.dist-info`, what must lie in it, and whether it speaks of this wheel."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import product

from otumat.spec.archive.findings import Findings, shown
from otumat.spec.archive.identity import check_identity, same_project, same_version
from otumat.spec.archive.inspection import Inspection
from otumat.spec.archive.limits import Limits
from otumat.spec.archive.record import Row, algorithms, check_record, read_record
from otumat.spec.archive.window import Window
from otumat.spec.archive.zip_archive import open_zip
from otumat.spec.archive.zip_directory import Entry
from otumat.spec.archive.zip_members import read_member, read_members
from otumat.spec.filenames import ParsedFilename

_REQUIRED = ("METADATA", "WHEEL", "RECORD")
_TEXTS = ("METADATA", "WHEEL", "entry_points.txt")
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_SCHEMES = frozenset({"purelib", "platlib", "headers", "scripts", "data"})
_WHEEL_VERSION = re.compile(rb"^wheel-version[ \t]*:[ \t]*([0-9]+)\.[0-9]+[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_TAG = re.compile(rb"^tag[ \t]*:[ \t]*([!-~]+)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_TAGS_MOST = 1000
_SCRIPT_GROUPS = ("console_scripts", "gui_scripts")


def inspect_wheel(window: Window, base: Inspection, findings: Findings, limits: Limits) -> Inspection:
    """
    Look through a wheel; `base` knows the file name already.

    Raises:
        Unreadable: As `read_directory` and `read_members`.

    Source: binary distribution format (PEP 427), PEP 376, PEP 815.
    """
    entries, ends = open_zip(window, findings, limits)
    by_name = {entry.name: entry for entry in entries}
    root = _find_dist_info(by_name, base, findings)
    _check_data_folders(by_name, root, findings)
    rows = _read_rows(window, by_name.get(f"{root}/RECORD"), findings, limits)
    contents = read_members(
        window,
        entries,
        ends,
        findings,
        algorithms=algorithms(rows or {}),
        keep=_texts_to_keep(root, by_name, findings, limits),
    )
    if rows is not None:
        exempt = frozenset(f"{root}/{name}" for name in ("RECORD", *_SIGNATURES))
        files = ((entry.name, entry.size) for entry in entries if not entry.is_directory)
        check_record(rows, files, contents.digests, findings, exempt=exempt)
    metadata, wheel_metadata, entry_points = (contents.kept.get(f"{root}/{name}", b"") for name in _TEXTS)
    if metadata and base.parsed:
        check_identity(metadata, "METADATA", base.parsed, findings)
    if wheel_metadata:
        _check_wheel_version(wheel_metadata, findings)
        _check_tags(wheel_metadata, base.parsed, findings)
    _check_entry_points(entry_points, findings)
    return replace(
        base,
        metadata=metadata,
        wheel_metadata=wheel_metadata,
        entry_points=entry_points,
        root=root,
        paths=frozenset(entry.name for entry in entries if not entry.is_directory),
        unpacked_bytes=sum(entry.size for entry in entries),
    )


def _find_dist_info(by_name: Mapping[str, Entry], base: Inspection, findings: Findings) -> str:
    """The name of the one `.dist-info` directory (A19), empty when there is none to rely on."""
    tops = {name.partition("/")[0] for name in by_name if "/" in name}
    found = sorted(top for top in tops if top.lower().endswith(".dist-info"))
    if not found:
        findings.add("wheel.dist_info", "The wheel has no .dist-info directory.")
        return ""
    if len(found) > 1:
        names = ", ".join(map(shown, found[:5]))
        findings.add("wheel.dist_info", f"The wheel has {len(found)} .dist-info directories: {names}.")
        return ""
    root = found[0]
    project, _, version = root[: -len(".dist-info")].partition("-")
    promised = base.parsed
    if promised and not (same_project(project, promised.project) and same_version(version, promised.version)):
        findings.add(
            "wheel.dist_info",
            f"The wheel has {shown(root)}, but its file name says project {shown(promised.project)} in version "
            f"{shown(promised.version)}.",
        )
    for name in _REQUIRED:  # A15
        if f"{root}/{name}" not in by_name:
            findings.add("wheel.missing", f"The wheel has no {name} in {shown(root)}.")
    for name in _SIGNATURES:
        if f"{root}/{name}" in by_name:
            findings.warn(
                "wheel.signature",
                f"{name} is a kind of signature that no installer checks.",
                "Leave it out; sign with attestations instead.",
                rule="PEP 815",
            )
    return root


def _check_data_folders(by_name: Mapping[str, Entry], root: str, findings: Findings) -> None:
    """Installers spread `{name}-{version}.data` by the names of its folders, and fail on others."""
    for folder in sorted({"/".join(name.split("/", 2)[:2]) for name in by_name if ".data/" in name.lower()}):
        top, _, scheme = folder.partition("/")
        if (
            top.lower().endswith(".data")
            and root
            and (top != root.removesuffix(".dist-info") + ".data" or scheme not in {*_SCHEMES, ""})
        ):
            findings.add("wheel.data", f"The wheel has {shown(folder)}, which installers do not know where to put.")


def _read_rows(window: Window, entry: Entry | None, findings: Findings, limits: Limits) -> dict[str, Row] | None:
    """The rows of RECORD, ahead of the pass over all members, so that each is hashed once with the right digest."""
    if entry is None:
        return None
    if entry.size > limits.listing_bytes:
        findings.stop("archive.too_large", f"RECORD is larger than {limits.listing_bytes} bytes.")
    content = read_member(window, entry)
    return None if content is None else read_record(content, findings, most_rows=limits.members)


def _texts_to_keep(root: str, by_name: Mapping[str, Entry], findings: Findings, limits: Limits) -> set[str]:
    keep = set()
    for name in _TEXTS if root else ():
        entry = by_name.get(f"{root}/{name}")
        if entry and entry.size > limits.metadata_bytes:
            findings.add("archive.too_large", f"{name} is larger than {limits.metadata_bytes} bytes.")
        elif entry:
            keep.add(entry.name)
    return keep


def _check_wheel_version(wheel_metadata: bytes, findings: Findings) -> None:
    versions = _WHEEL_VERSION.findall(wheel_metadata)
    if versions != [b"1"]:
        findings.add("wheel.version", "WHEEL does not declare a Wheel-Version of 1.x, the only one installers know.")


def _check_tags(wheel_metadata: bytes, promised: ParsedFilename | None, findings: Findings) -> None:
    """
    Installers choose by the tags of the file name; those in WHEEL, which it was built for, must be the same set.

    Either may be compressed (`py2.py3-none-any` is two). The build tag is no part of them.
    """
    lines = [line.decode("ascii") for line in _TAG.findall(wheel_metadata)]
    if not lines:
        findings.warn("wheel.tags", "WHEEL names no Tag, so nothing says what the wheel was built for.", rule="PEP 427")
        return
    found: set[str] = set()
    for line in lines[:_TAGS_MOST]:
        found |= _expanded(line)
        if len(found) > _TAGS_MOST:
            break
    if promised and found != set(promised.tags):
        findings.add(
            "wheel.tags",
            f"WHEEL says the wheel is for {_listed(found)}, but its file name says {_listed(promised.tags)}.",
            "Do not rename wheels; 'wheel tags' changes name and WHEEL together.",
            rule="PEP 427",
        )


def _expanded(tag: str) -> set[str]:
    """`py2.py3-none-any` as the tags it stands for; of anything else nothing is left out, so that it fits no name."""
    parts = [part.split(".") for part in tag.lower().split("-")]
    if len(parts) != 3 or len(parts[0]) * len(parts[1]) * len(parts[2]) > _TAGS_MOST:
        return {tag}
    return {"-".join(each) for each in product(*parts)}


def _listed(tags: Collection[str]) -> str:
    names = sorted(tags)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(shown, names[:5])) + more


def _check_entry_points(content: bytes, findings: Findings) -> None:
    """A18: the name of a script becomes a file name; it must not lead anywhere else."""
    group = ""
    for raw in content.decode("utf-8-sig", "backslashreplace").splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip().lower()
        elif line.startswith("["):  # a section to some readers, an entry to others
            findings.add("entry_points.unreadable", f"entry_points.txt has the unclear line {shown(line)}.")
        elif group in _SCRIPT_GROUPS and line and not line.startswith(("#", ";")):
            name = line.partition("=")[0].strip()
            if "/" in name or "\\" in name or name in ("", ".", ".."):
                findings.add(
                    "entry_points.path",
                    f"entry_points.txt has a script named {shown(name)}, which is a path and no file name.",
                    "Give the script a plain name and rebuild.",
                )
