"""What a signature of the 0.3 kind is compared with, on disk: the value of each package, and its bytecode."""

from __future__ import annotations

import os

from otumat.errors import OtumatError
from otumat.spec.vouching.comparing import of_bytecode
from otumat.spec.vouching.verdict import ERROR, MODIFIED, Finding
from otumat.trust import legacy, tree
from otumat.trust.installed import bytecode
from otumat.trust.judging import legacy_verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.spec.vouching.verdict import Verdict
    from otumat.trust.installed.finding import Installed
    from otumat.trust.policy import ProjectTrust


def judge(
    installed: Installed,
    signatures: dict[str, bytes],
    trust: ProjectTrust,
    *,
    at: str,
    findings: list[Finding],
    protected_by: str,
) -> Verdict:
    """The verdict on a distribution that carries signatures of the 0.3 kind alone."""
    found, told = values(installed, signatures)
    return legacy_verdict(
        installed.name,
        installed.version,
        values=found,
        signatures=signatures,
        trust=trust,
        at=at,
        findings=[*findings, *told],
        location=installed.path,
        protected_by=protected_by,
    )


def values(installed: Installed, signatures: dict[str, bytes]) -> tuple[dict[str, list[str]], list[Finding]]:
    """
    Each top-level package to git's value and, where it has one, that of 0.3; and what else there is to tell.

    Which packages there are, the signatures and RECORD say; a package that neither names is not covered by anything.
    """
    found: dict[str, list[str]] = {}
    told: list[Finding] = []
    for name in sorted({*signatures, *_packages(installed)}):
        top = f"{installed.site}/{name}"
        try:
            found[name] = [legacy.hash_pkg(top)]
        except (OtumatError, OSError) as exc:
            found[name] = []
            told.append(Finding(MODIFIED, "tree.refused", f"The package {name!r} has no value: {exc}", path=name))
            continue
        try:
            found[name].append(legacy.hash_pkg(top, legacy=True))
        except OtumatError:
            pass  # most trees have no value of that kind, and need none
        told += _of_bytecode(top, name)
    return found, told


def _packages(installed: Installed) -> set[str]:
    """The top-level folders with an `__init__` that RECORD says are its own; RECORD is not signed, and only adds."""
    try:
        lines = installed.read("RECORD").decode("utf-8", "replace").splitlines()
    except (OSError, ValueError, OtumatError):
        return set()
    parts = [line.strip('"').split("/") for line in lines]
    return {each[0] for each in parts if len(each) == 2 and each[1].startswith("__init__.py,")}


def _of_bytecode(top: str, name: str) -> list[Finding]:
    told = []
    for found in tree.scan(top):
        folder, _, file = found.path.rpartition("/")
        if found.kind != tree.FILE or not tree.is_cached_bytecode(found.path) or not file.endswith(".pyc"):
            continue
        source = os.path.join(top, os.path.dirname(folder), f"{tree.source_name(file)[0]}.py")
        seen = tree.look_at(source)
        path = f"{name}/{found.path}"
        if seen is None or seen.kind != tree.FILE:
            told.append(Finding(MODIFIED, "file.added", f"{path} has no source.", path=path))
            continue
        try:
            pyc, content = tree.read(f"{top}/{found.path}", found.size_bytes), tree.read(source, seen.size_bytes)
            proof = bytecode.prove(path, pyc, content, file)
        except (OSError, OtumatError):
            told.append(Finding(ERROR, "file.unreadable", f"{path} cannot be read.", path=path))
            continue
        told += of_bytecode([proof])
    return told
