"""
What is held on disk: reading segments, counting what was lost of them, wiping.

Not on a host's import path. See `otumat.usage.spool` for what a segment is.
"""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from otumat.spec.consent import LOCAL, ON
from otumat.spec.event import Where
from otumat.usage import answers, notes
from otumat.usage.spool import RS, SEALED_MODE, give_back, is_at, machine, seal, share, spool_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOST, _FOLDING = "lost-", "folding-"
LOST_MAX_BYTES = 32 * 1024
_TRIES = 50
_RENAMED_AT_MOST = 4  # a segment, while somebody lists and deletes: sealed, gathered, let go, evicted
GATHERED, EVICTED = ".gathered", ".evicted"
ROOM, UNREADABLE = "room", "unreadable"


class Record(NamedTuple):
    """One use as it was written down, or several equal ones; `at_us` is microseconds since 1970, UTC."""

    at_us: int
    name: str
    properties: tuple[tuple[str, str], ...]
    where: Where
    times: int = 1


def segments(folder: str, level: str = "") -> list[str]:
    """Every segment of a package, oldest first: paths. With a level, only that level's."""
    found = []
    for path in listed(spool_folder(folder)):
        if os.path.basename(path).startswith(level) and path.endswith((".sealed", ".open", GATHERED)):
            try:
                found.append((os.stat(path).st_mtime_ns, path))
            except OSError:
                continue  # somebody was quicker
    return [path for _, path in sorted(found)]


def name_of(path: str) -> str:
    """What a segment is called, whoever gathers or evicts it right now."""
    return os.path.basename(path).removesuffix(GATHERED).partition(EVICTED)[0]


def listed(folder: str) -> list[str]:
    """What lies in a folder: paths."""
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []


def seal_all(folder: str, level: str = ON) -> list[str]:
    """
    Seal what is open, so that writers move on, and return every sealed segment of the level; none that a writer has
    begun since, for it is yet to get its name.
    """
    for path in segments(folder, level):
        if path.endswith(".open"):
            seal(path)
    return [path for path in segments(folder, level) if path.endswith(".sealed")]


def read(path: str) -> bytes:
    """A segment's bytes; none when it is gone."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def gather(path: str) -> bytes:
    """A sealed segment's bytes, for a batch; until `let_go` it is not evicted, so nothing is both sent and lost."""
    try:
        os.rename(path, path + GATHERED)
    except OSError:
        return b""  # evicted just now
    return read(path + GATHERED)


def let_go(folder: str) -> None:
    """What was gathered is in batches, and noted; or whoever gathered it has ended."""
    for path in listed(spool_folder(folder)):
        if path.endswith(GATHERED):
            try:
                os.rename(path, path.removesuffix(GATHERED))
            except OSError:
                continue  # withdrawn


def whole(data: bytes) -> int:
    """
    How many bytes at the beginning are whole records: somebody may be writing the last one right now. Nor is what comes
    after a hole: another machine's bytes may arrive in any order.
    """
    return data.partition(b"\0")[0].rfind(b"\n") + 1


def records(data: bytes) -> Iterator[Record | None]:
    """The records of a segment in order; None for one that cannot be read."""
    for line in data.split(RS)[1:]:
        yield _record(line)


def held(folder: str) -> list[Record]:
    """Every use that is held for a package, at any level, in the order of time."""
    found = [each for path in segments(folder) for each in records(read(path)) if each is not None]
    return sorted(found)


def count_lost(folder: str, why: str, counts: dict[str, int], *, segment: str = "") -> None:
    """
    Note what was left out, from any number of processes; what cannot be noted is not.

    Args:
        segment: The segment or batch that is given up, by the name of its file, which no other ever has: as long as
            that is there it may be noted again, and counts once.
    """
    path = os.path.join(folder, _LOST + machine())
    noted = notes.lines({why: counts}, segment)
    if noted and not _note_lost(path, noted):  # who folds it has no turn: a host does not wait for that
        _note_lost(f"{path}-{os.getpid()}", noted)
    if _size(path) > LOST_MAX_BYTES:
        _fold_lost(path)
    if answers.read(folder).level not in answers.RECORDING:  # who withdraws stores that, then deletes what is there
        _wipe_notes(folder)


def _fold_lost(path: str) -> None:
    """Put the sums in the place of the notes at once, unless somebody is writing one right now."""
    folding = os.path.join(os.path.dirname(path), _FOLDING + machine())
    try:
        fd = hold_alone(path)
        if fd < 0:
            return
        try:
            if is_at(path, fd):  # else another process folded it
                noted = os.read(fd, os.fstat(fd).st_size)
                _write(folding, notes.folded(noted, there=_may_be_noted_again(os.path.dirname(path))))
                os.replace(folding, path) if is_at(path, fd) else remove(folding)  # the user withdrew
        finally:
            give_back(fd)
    except OSError:
        return


def _may_be_noted_again(folder: str) -> set[str]:
    evicted = {name_of(name) for name in _names(spool_folder(folder)) if name.endswith(EVICTED)}
    return evicted.union(_names(os.path.join(folder, "outbox")))


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:  # anything else: it cannot be told just now
        return []


def _write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if os.write(fd, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        os.close(fd)


def _note_lost(path: str, lines: bytes) -> bool:
    for _ in range(_TRIES):
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if share(file) and is_at(path, file):
                    os.write(file, lines)  # one write, so that processes do not disturb each other
                    return True
            finally:
                give_back(file)
            time.sleep(0.001)  # somebody is about to fold it, and that may be a process that waits for its turn
        except FileNotFoundError:
            continue  # it was folded under our hands
        except OSError:
            break
    return False


def lost(folder: str) -> notes.ByReason:
    """What was left out since the answer was given, by reason and event."""
    return notes.sums(b"".join(map(read, _notes(folder))))


def _notes(folder: str, *beginnings: str) -> list[str]:
    return [path for path in listed(folder) if os.path.basename(path).startswith(beginnings or _LOST)]


def delete_if_done(path: str, read_bytes: int) -> bool:
    """Delete a sealed segment that was read to its end and that nobody can write to any more."""
    try:
        fd = hold_alone(path)
        if fd < 0:
            return False
        try:
            if os.fstat(fd).st_size != read_bytes:
                return False
        finally:
            give_back(fd)
    except OSError:
        return not os.path.exists(path)
    return remove(path)


def keep_here(folder: str) -> None:
    """What was held for sending is held for the user to look at, also what a round gathers right now."""
    seal_all(folder, ON)
    for _ in range(_RENAMED_AT_MOST):
        for path in segments(folder, ON):
            name = LOCAL + os.path.basename(path).removeprefix(ON)
            try:
                if not path.endswith(".open"):  # a writer's; it is about to see that the answer is another
                    os.rename(path, os.path.join(os.path.dirname(path), name))
            except OSError:
                continue  # renamed meanwhile


def wipe(folder: str) -> None:
    """
    Delete everything that is held. Writers notice before their next write.

    An open file that cannot be deleted (Windows), or that goes on under another name until it is closed (NFS), is
    sealed and emptied.
    """
    for _ in range(_RENAMED_AT_MOST):
        for path in listed(spool_folder(folder)):
            try:
                os.truncate(path, 0)
                os.chmod(path, SEALED_MODE)
            except OSError:
                pass
            remove(path)
    _wipe_notes(folder)


def _wipe_notes(folder: str) -> None:
    for path in _notes(folder, _LOST, _FOLDING):
        remove(path)


def remove(path: str) -> bool:
    """Delete a file; whether it is gone."""
    try:
        if os.name == "nt":
            os.chmod(path, 0o600)  # nothing that is read-only can be deleted there
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def hold_alone(path: str) -> int:
    """
    A descriptor of a file that no writer holds, or will before it is closed; -1 when one does.

    Errors:
        OSError: it is gone, or not ours.
    """
    fd = os.open(path, os.O_RDONLY)
    refused = _refused(fd)
    if refused == errno.EBADF:  # NFS locks a file alone only for who may write to it
        os.close(fd)
        fd = _open_to_write(path)
        refused = _refused(fd)
    if refused:
        os.close(fd)
        return -1
    return fd


def _refused(fd: int) -> int:
    """Lock a file alone; the system's error number when that is refused, else 0."""
    try:
        import fcntl
    except ImportError:
        return 0  # Windows refuses to delete what is open
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        return exc.errno or errno.EIO
    return 0


def _open_to_write(path: str) -> int:
    """Open a file that may be sealed; a writer that writes to it in this moment holds it, so nothing comes of it."""
    try:
        return os.open(path, os.O_RDWR)
    except PermissionError:
        os.chmod(path, 0o600)
    try:
        return os.open(path, os.O_RDWR)
    finally:
        os.chmod(path, SEALED_MODE)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _record(line: bytes) -> Record | None:
    if not line.endswith(b"\n"):
        return None
    try:
        name, pairs, at_us, release, python, system, machine, ci, *times = line[:-1].decode("ascii").split("\t")
        properties = tuple((key, value) for key, _, value in (pair.partition("=") for pair in pairs.split(",") if pair))
        return Record(
            int(at_us), name, properties, Where(release, python, system, machine, ci == "ci"), *map(int, times[:1])
        )
    except ValueError:
        return None
