"""What is in a wheel: read in one pass from the first byte to the last, refused where two readers could disagree."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import BinaryIO

from otumat.errors import Invalid, Problem
from otumat.spec.archive.findings import Findings, Unreadable
from otumat.spec.archive.identity import same_project, same_version
from otumat.spec.archive.limits import Limits
from otumat.spec.archive.record import algorithms, check_record, read_record
from otumat.spec.archive.window import Window
from otumat.spec.archive.zip_archive import open_zip
from otumat.spec.archive.zip_directory import Entry
from otumat.spec.archive.zip_members import member_pieces, read_members
from otumat.spec.digest import EXECUTABLE, REGULAR
from otumat.spec.filenames import parse
from otumat.spec.statement import Malformed, SignedFile, is_left_out, texts
from otumat.spec.vouching.blobs import Blob

SCRIPT_MARK = b"#!python"
_KEPT_BYTES = 256 * 1024
_MOST_KEPT_BYTES = 128 * 1024 * 1024
_LIMITS = Limits()


class Wheel:
    """
    A wheel that holds together.

    Attributes:
        filename, project, version, tags: As the file name has them; name and version also as METADATA has.
        dist_info: Name of its folder.
        entries: Its members, by place. directory_at: Where their table of contents begins.
        files: What a statement lists of it.
        record, envelope, signatures: Bytes of RECORD and of the envelope ("" when there is none), and of each `.sig`.
        entry_points: Bytes of entry_points.txt.

    A `lean` one keeps no more in memory than the envelope is compared with, for strangers' wheels: then `holds` and
    `blob_digests` are not to be asked. A `legacy` one is asked for `blob_digests`, and takes those on its way.
    """

    def __init__(self, file: BinaryIO, filename: str, *, lean: bool = False, legacy: bool = False) -> None:
        parsed = parse(filename)
        if parsed.kind != "wheel":
            raise Invalid(
                [Problem("wheel.kind", "content", f"{filename!r} is no wheel.", hint="Only wheels are signed.")]
            )
        self.filename, self.project, self.tags = filename, parsed.project, parsed.tags
        self.files: list[SignedFile] = []
        self._window, self._is_lean, self._is_legacy = Window(file), lean, legacy
        self._findings = Findings("wheel")
        try:
            self.entries, self.directory_at = open_zip(self._window, self._findings, _LIMITS)
            self._by_name = {entry.name: entry for entry in self.entries if not entry.is_directory}
            self.dist_info = self._find_dist_info()
            self._read()
        except Unreadable:
            pass
        except Malformed as exc:
            self._findings.add("wheel.unclear", f"{exc}.")
        if not self._findings.errors and not same_project(self.name, self.project):
            self._findings.add("wheel.name", f"METADATA says {self.name!r}; the file name says {self.project!r}.")
        if not self._findings.errors and not same_version(self.version, parsed.version):
            self._findings.add("wheel.version", f"METADATA says {self.version!r}; the file name {parsed.version!r}.")
        if self._findings.errors:
            problems = [problem for problem in self._findings.as_tuple() if problem.severity == "error"]
            raise Invalid(problems, message=f"{filename} cannot be signed or checked as it is.")

    def packages(self) -> dict[str, list[str]]:
        """Top-level folders with what is in them: what a legacy signature is made of."""
        found: dict[str, list[str]] = {}
        for file in self.files:
            top, slash, _ = file.path.partition("/")
            if slash and not top.endswith((".dist-info", ".data")):
                found.setdefault(top, []).append(file.path)
        return found

    def holds(self, name: str, data: bytes) -> bool:
        """Whether a small member is there with this very content."""
        return self._kept.get(name) == data

    def add(self, members: Mapping[str, bytes]) -> None:
        """Count these members as files of the wheel, in the place of those of their names."""
        added = [
            SignedFile(name, len(data), REGULAR, hashlib.sha256(data).hexdigest()) for name, data in members.items()
        ]
        self.files = [file for file in self.files if file.path not in members] + added

    def blob_digests(self, name: str) -> tuple[str, str] | None:
        """
        What git names the member, and what 0.3 named it; None where 0.3 had no name that is of this file alone.

        A large member that is no text is left after its first piece.
        """
        entry = self._by_name[name]
        blob = self._blobs.get(name)
        if blob is None:
            blob = Blob(entry.size)
            for piece in [self._kept[name]] if name in self._kept else member_pieces(self._window, entry):
                blob.update(piece)
                if not blob.is_text:
                    break
        if not blob.is_text:
            return None
        if blob.characters == entry.size:
            return blob.hexdigest(), blob.hexdigest()
        content = self._kept.get(name) or b"".join(member_pieces(self._window, entry))
        theirs = hashlib.sha1(b"blob %d\0" % blob.characters + content, usedforsecurity=False).hexdigest()
        return blob.hexdigest(), theirs

    def _find_dist_info(self) -> str:
        tops = {name.partition("/")[0] for name in self._by_name}
        found = sorted(top for top in tops if top.lower().endswith(".dist-info"))
        if len(found) != 1:
            names = ", ".join(map(repr, found[:5])) or "none"
            self._findings.stop("wheel.dist_info", f"The wheel must have one .dist-info folder; it has {names}.")
        missing = [name for name in ("METADATA", "WHEEL", "RECORD") if f"{found[0]}/{name}" not in self._by_name]
        if missing:
            self._findings.stop("wheel.missing", f"The wheel has no {' and no '.join(missing)} in {found[0]!r}.")
        return found[0]

    def _read(self) -> None:
        scripts = self.dist_info.removesuffix(".dist-info") + ".data/scripts/"
        keep = {name for name in self._by_name if name.startswith((scripts, f"{self.dist_info}/"))}
        if self._is_lean and sum(self._by_name[name].size for name in keep) > _MOST_KEPT_BYTES:
            self._findings.stop("wheel.large", "Scripts and metadata are too large to be looked at, each in one piece.")
        if not self._is_lean:
            keep |= {name for name, entry in self._by_name.items() if entry.size <= _KEPT_BYTES}
        large = self._by_name.keys() - keep if self._is_legacy else ()
        self._blobs = {name: Blob(self._by_name[name].size) for name in large}
        contents = read_members(
            self._window, self.entries, self.directory_at, self._findings, algorithms={}, keep=keep, beside=self._blobs
        )
        self._kept = contents.kept
        if self._findings.errors:
            raise Unreadable
        self.record = self._text("RECORD")
        rows = read_record(self.record, self._findings, most_rows=_LIMITS.members)
        sizes = [(name, entry.size) for name, entry in self._by_name.items()]
        exempt = frozenset(f"{self.dist_info}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s"))
        # Our one pass takes SHA-256; of a row with another digest the size is checked alone.
        others = algorithms(rows)
        digests = {name: digest for name, digest in contents.digests.items() if name not in others}
        check_record(rows, sizes, digests, self._findings, exempt=exempt)
        self.name, self.version = texts.identity(self._text("METADATA"))
        self.entry_points = self._text("entry_points.txt")
        self.envelope = self._text("otumat.dsse.json")
        self.signatures = {
            name: contents.kept[name]
            for name in self._by_name
            if name.startswith(f"{self.dist_info}/") and name.endswith(".sig") and name.count("/") == 1
        }
        self.files = [
            self._signed(entry, contents.digests[name].hex(), scripts)
            for name, entry in self._by_name.items()
            if not is_left_out(name, self.dist_info)
        ]

    def _text(self, name: str) -> bytes:
        return self._kept.get(f"{self.dist_info}/{name}", b"")

    def _signed(self, entry: Entry, digest: str, scripts: str) -> SignedFile:
        if not entry.name.startswith(scripts):
            return SignedFile(entry.name, entry.size, EXECUTABLE if entry.is_executable else REGULAR, digest)
        content = without_interpreter(self._kept[entry.name])
        return SignedFile(entry.name, len(content), EXECUTABLE, hashlib.sha256(content).hexdigest())


def without_interpreter(content: bytes) -> bytes:
    """A script without its first line, where that is the one which installers replace (`#!python`)."""
    return content.partition(b"\n")[2] if content.startswith(SCRIPT_MARK) else content
