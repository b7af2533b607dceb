"""What was signed against what is there: pure. What is there comes as `Observed`, from a disk or from a wheel."""

from __future__ import annotations

from otumat.spec.digest import EXECUTABLE
from otumat.spec.vouching.verdict import ERROR, MODIFIED, UNSAFE, UNVERIFIABLE, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from otumat.spec.statement import Statement

FILE, FOLDER, LINK, SPECIAL = "file", "folder", "link", "special"
_WRITABLE_BY_ALL, _SET_ID = 0o002, 0o6000
MOST_TOLD = 1000


class Seen:
    """
    One path of the statement as it was found.

    Attributes:
        kind: `file`, `folder`, `link`, `special`, `missing` or `unreadable`.
        sha256: Of a file with the signed size; empty for one with another size, which is not read.
        mode: Permissions; 0 where they mean nothing.
        executable: None where the system knows no such thing.
        shebang: Of a script whose first line installers write: whether it names an interpreter of this environment.
    """

    __slots__ = ("executable", "kind", "mode", "sha256", "shebang")

    def __init__(
        self, kind: str, sha256: str = "", *, mode: int = 0, executable: bool | None = None, shebang: bool = True
    ) -> None:
        self.kind, self.sha256, self.mode, self.executable, self.shebang = kind, sha256, mode, executable, shebang


class Bytecode:
    """A compiled file: `proven`, `forged` (not what its source compiles to) or `unknown` (that cannot be told)."""

    __slots__ = ("path", "reason", "state")

    def __init__(self, path: str, state: str, reason: str = "") -> None:
        self.path, self.state, self.reason = path, state, reason


class Observed:
    """
    What is there.

    Attributes:
        seen: Every path of the statement.
        added: (path, kind) of what lies where only signed files may lie.
        bytecode: The compiled files.
        too_many: There was more than could be looked at.
    """

    __slots__ = ("added", "bytecode", "seen", "too_many")

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.added: list[tuple[str, str]] = []
        self.bytecode: list[Bytecode] = []
        self.too_many = False


def differences(statement: Statement, observed: Observed) -> list[Finding]:
    """Everything in which what is there is not what was signed."""
    found: list[Finding] = []
    for file in statement.files:
        found += _of_file(file.path, file.sha256, file.mode, observed.seen.get(file.path) or Seen("missing"))
    found += [_of_added(path, kind) for path, kind in observed.added]
    found += of_bytecode(observed.bytecode)
    if observed.too_many:
        told = "There is more here than can be looked at."
        found.append(Finding(MODIFIED, "tree.large", told))
    return found[:MOST_TOLD]


def _of_file(path: str, sha256: str, mode: str, seen: Seen) -> list[Finding]:
    if seen.kind == "missing":
        return [Finding(MODIFIED, "file.removed", f"{path} is missing.", path=path)]
    if seen.kind == "unreadable":
        return [Finding(ERROR, "file.unreadable", f"{path} cannot be read.", path=path)]
    if seen.kind != FILE:
        what = {FOLDER: "a folder", LINK: "a link"}.get(seen.kind, "no file")
        return [Finding(MODIFIED, "file.kind", f"{path} is {what}; a file was signed.", path=path)]
    found = []
    if seen.sha256 != sha256:
        found.append(Finding(MODIFIED, "file.modified", f"{path} has another content than was signed.", path=path))
    if not seen.shebang:
        told = f"{path} is run by an interpreter that is none of this environment."
        found.append(Finding(MODIFIED, "file.modified", told, path=path))
    if seen.executable is not None and seen.executable != (mode == EXECUTABLE):
        word = "can" if seen.executable else "cannot"
        told = f"{path} {word} be executed, other than was signed."
        found.append(Finding(MODIFIED, "file.mode", told, path=path))
    if seen.mode & (_WRITABLE_BY_ALL | _SET_ID):
        why = "may be changed by every user" if seen.mode & _WRITABLE_BY_ALL else "runs as its owner (set-id)"
        hint = "Take that away with: chmod go-w,ug-s"
        found.append(Finding(UNSAFE, "file.unsafe", f"{path} {why}.", path=path, hint=hint))
    return found


def _of_added(path: str, kind: str) -> Finding:
    if kind == FOLDER:
        return Finding(MODIFIED, "folder.added", f"{path}/ is not part of what was signed.", path=path)
    what = {LINK: "is a link that is", FILE: "is"}.get(kind, "is no file, and")
    return Finding(MODIFIED, "file.added", f"{path} {what} not part of what was signed.", path=path)


def of_bytecode(files: Iterable[Bytecode]) -> list[Finding]:
    """What there is to tell of compiled files; of proven ones, nothing."""
    found = []
    for each in files:
        if each.state == "forged":
            told = f"{each.path} is not what its source compiles to: {each.reason}."
            hint = "Delete it; Python makes it anew. Then find out who wrote it."
            found.append(Finding(MODIFIED, "bytecode.forged", told, path=each.path, hint=hint))
        elif each.state == "unknown":
            told = f"{each.path} cannot be compared with its source: {each.reason}."
            found.append(Finding(UNVERIFIABLE, "bytecode.unknown", told, path=each.path, hint="Delete it if in doubt."))
    return found
