"""
Distributions that carry signatures of the 0.3 kind alone, where a policy takes those.

Such a signature is over one value of a folder, and says nothing of single files. So the files are read here, once: the
value (git's; that of 0.3 will not do here) is made of these very bytes, and what is run later must have the digests
that they have now. What it does not cover (entry points, metadata, other packages) stays uncovered; only modules of
signed packages are loaded.
"""

from __future__ import annotations

import hashlib
import os

from otumat.spec.digest import blob_digest, listing_digest
from otumat.spec.statement import SignedFile
from otumat.spec.vouching.verdict import ERROR, Finding
from otumat.trust import tree
from otumat.trust.judging import legacy_verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.spec.vouching.verdict import Verdict
    from otumat.trust.installed.finding import Installed
    from otumat.trust.policy import Policy

_MOST_BYTES = 1 << 30


def examine(installed: Installed, policy: Policy, at: str) -> tuple[Verdict, dict[str, SignedFile]]:
    """
    The verdict on the bytes that lie there now, and their digests, by path below the site folder.

    Errors:
        OSError, OtumatError: something cannot be read.
    """
    signatures = installed.signatures()
    files: dict[str, SignedFile] = {}
    values: dict[str, list[str]] = {}
    for package in sorted(signatures):
        values[package], read = _read(installed.site, package)
        files |= read
    verdict = legacy_verdict(
        installed.name, installed.version, values=values, signatures=signatures, trust=policy.of(installed.name), at=at,
        findings=[] if files else [Finding(ERROR, "tree.none", "It has no files.")], location=installed.path,
    )  # fmt: skip
    return verdict, files


def root_of(files: dict[str, SignedFile]) -> str:
    """One digest of them all."""
    lines = "".join(f"{file.sha256} {path}\n" for path, file in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _read(site: str, package: str) -> tuple[list[str], dict[str, SignedFile]]:
    lines, files = [], {}
    top = f"{site}/{package}"
    for found in tree.scan(top):
        if found.kind == tree.FOLDER or tree.is_cached_bytecode(found.path):
            continue
        if found.kind != tree.FILE or found.size_bytes > _MOST_BYTES:
            raise tree.NoTree(f"{package}/{found.path} is no file that could have been signed.")
        data = tree.read(f"{top}/{found.path}", found.size_bytes)
        path = f"{package}/{found.path}"
        lines.append((os.fsencode(path), found.git_mode, blob_digest(data)))
        files[path] = SignedFile(path, len(data), found.git_mode, hashlib.sha256(data).hexdigest())
    return [listing_digest(lines)] if lines else [], files
