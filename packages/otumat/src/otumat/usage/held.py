"""
What is held on disk: reading segments, making room, wiping.

Not on a host's import path. See `otumat.usage.spool` for what a segment is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from otumat.spec.consent import ON
from otumat.spec.event import Where
from otumat.usage.spool import RS, is_at, seal, share, spool_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

LOST = "lost"
LOST_MAX_BYTES = 32 * 1024
_TRIES = 50
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
    for path in _listed(spool_folder(folder)):
        if os.path.basename(path).startswith(level) and path.endswith((".sealed", ".open")):
            try:
                found.append((os.stat(path).st_mtime_ns, path))
            except OSError:
                continue  # somebody was quicker
    return [path for _, path in sorted(found)]


def _listed(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []


def seal_all(folder: str, level: str = ON) -> list[str]:
    """Seal what is open, so that writers move on, and return every segment of the level."""
    for path in segments(folder, level):
        if path.endswith(".open"):
            seal(path)
    return segments(folder, level)


def read(path: str) -> bytes:
    """A segment's bytes; none when it is gone."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def whole(data: bytes) -> int:
    """How many bytes at the beginning are whole records: somebody may be writing the last one right now."""
    return data.rfind(b"\n") + 1


def records(data: bytes) -> Iterator[Record | None]:
    """The records of a segment in order; None for one that cannot be read."""
    for line in data.split(RS)[1:]:
        yield _record(line)


def held(folder: str) -> list[Record]:
    """Every use that is held for a package, at any level, in the order of time."""
    found = [each for path in segments(folder) for each in records(read(path)) if each is not None]
    return sorted(found)


def evict(folder: str, room_bytes: int, *, at_most_bytes: int) -> None:
    """
    Delete the oldest sealed segments until the rest fits, and count what that lost.

    Args:
        room_bytes: What may stay of those that no writer holds: one that was about to write would lose that use unseen.
        at_most_bytes: What may stay at all.
    """
    if _evict_down_to(room_bytes, folder, held_too=False) > at_most_bytes:
        _evict_down_to(at_most_bytes, folder, held_too=True)


def _evict_down_to(room_bytes: int, folder: str, *, held_too: bool) -> int:
    """Evict; returns how many bytes are left."""
    kept = [path for path in segments(folder) if path.endswith(".sealed")]
    sizes = {path: _size(path) for path in kept}
    total = sum(sizes.values())
    for path in kept:
        if total <= room_bytes:
            break
        if _evict(folder, path, held_too=held_too):
            total -= sizes[path]
    return total


def _evict(folder: str, path: str, *, held_too: bool) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return True  # gone
    try:
        if not (_nobody_holds(fd) or held_too):
            return False
        taken = path + ".evicted"
        os.rename(path, taken)  # of several that want to, one does
        counts: dict[bytes, int] = {}
        for line in read(taken)[_batched_bytes(folder, path) :].split(RS)[1:]:  # a host is waiting: names only
            name, times = line.partition(b"\t")[0], line.rpartition(b"\t")[2].rstrip(b"\n")
            counts[name] = counts.get(name, 0) + (int(times) if times.isdigit() else 1)
        count_lost(folder, ROOM, {name.decode(errors="replace"): times for name, times in counts.items()})
        return remove(taken)
    except OSError:
        return True
    finally:
        os.close(fd)


def _batched_bytes(folder: str, path: str) -> int:
    """How much of a segment is in batches already, and not lost with it."""
    from otumat.usage.outbox import cursor_of

    return cursor_of(folder, path)


def count_lost(folder: str, why: str, counts: dict[str, int]) -> None:
    """Note what was left out, from any number of processes; what cannot be noted is not."""
    _note_lost(folder, {why: counts})
    path = os.path.join(folder, LOST)
    if _size(path) > LOST_MAX_BYTES:
        _fold_lost(folder, path)


def _fold_lost(folder: str, path: str) -> None:
    """Begin the notes anew with their sums, unless somebody is writing one right now."""
    folded = path + "." + os.urandom(6).hex()
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        if not _nobody_holds(fd) or not is_at(path, fd, mode=0):
            return
        os.rename(path, folded)
    except OSError:
        return
    finally:
        os.close(fd)
    _note_lost(folder, _counts(read(folded)))
    remove(folded)


def _note_lost(folder: str, by_reason: dict[str, dict[str, int]]) -> None:
    lines = [f"{why}\t{name}\t{times}\n" for why, counts in by_reason.items() for name, times in counts.items() if name]
    path = os.path.join(folder, LOST)
    for _ in range(_TRIES if lines else 0):
        try:
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if share(file) and is_at(path, file):
                    os.write(file, "".join(lines).encode())  # one write, so that processes do not disturb each other
                    return
            finally:
                os.close(file)
        except FileNotFoundError:
            continue  # it was folded under our hands
        except OSError:
            return


def lost(folder: str) -> dict[str, dict[str, int]]:
    """What was left out since the answer was given, by reason and event."""
    return _counts(read(os.path.join(folder, LOST)))


def _counts(data: bytes) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for line in data.decode(errors="replace").splitlines():
        why, _, rest = line.partition("\t")
        name, _, times = rest.partition("\t")
        if times.isdecimal():
            of_why = counts.setdefault(why, {})
            of_why[name] = of_why.get(name, 0) + int(times)
    return counts


def delete_if_done(path: str, read_bytes: int) -> bool:
    """Delete a sealed segment that was read to its end and that nobody can write to any more."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return not os.path.exists(path)
    try:
        if not _nobody_holds(fd) or os.fstat(fd).st_size != read_bytes:
            return False
    finally:
        os.close(fd)
    return remove(path)


def wipe(folder: str) -> None:
    """
    Delete everything that is held. Writers notice before their next write.

    Where an open file cannot be deleted (Windows) it is emptied and sealed.
    """
    for path in segments(folder):
        if not remove(path):
            try:
                os.truncate(path, 0)
                os.chmod(path, 0o400)
            except OSError:
                pass
    remove(os.path.join(folder, LOST))


def remove(path: str) -> bool:
    """Delete a file; whether it is gone."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _nobody_holds(fd: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return True  # Windows refuses to delete what is open
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
