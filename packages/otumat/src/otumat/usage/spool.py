"""
Writing uses down: one event is one `os.write` at the end of a file that all processes of the user share.

A *segment* is such a file. `LEVEL-MACHINE.open` is the one being written to; when it is large enough or about to be
sent it is *sealed*: renamed and made read-only. Writers look at their file before each write (one `fstat`, which
also notices when the host program closed our descriptor and got its number for something else) and move on when it
is sealed, or gone because the user withdrew. As long as a writer has a segment open it holds a shared lock on it,
which the system gives back however the process ends; only a segment that nobody holds is ever deleted after sending,
so nothing is lost in between.

The cap holds at every moment: a segment begins read-only, and counts as full already; only whoever has seen that all
of them fit makes it writable. Others who come by do the same for it, so nobody waits for anybody.

On a network file system (NFS) appending is atomic on one machine only, so machines write to segments of their own;
locks ask for more than elsewhere; and the mark of a seal is seen late, which the lock makes up for.

A record begins with the byte RS (as in RFC 7464) and ends with a line feed: what a full disk cuts short spoils no
other.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType

RS = b"\x1e"
SEGMENT_BYTES = 64 * 1024
SPOOL_MAX_BYTES = 1024 * 1024
# A segment is a little larger than it should be by what many write to it at once.
_FULL_BYTES = SPOOL_MAX_BYTES - SEGMENT_BYTES // 2
SEALED_MODE, _OPEN_MODE = 0o400, 0o600
_WRITABLE = 0o200
_TRIES = 50
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def spool_folder(folder: str) -> str:
    """Where the segments of a package lie."""
    return os.path.join(folder, "spool")


def prefix(name: str, properties: dict[str, str]) -> bytes:
    """The part of a record that is the same for every use of an event."""
    pairs = ",".join(f"{key}={value}" for key, value in sorted(properties.items()))
    return RS + f"{name}\t{pairs}\t".encode("ascii")


def suffix(release: str, *, in_ci: bool) -> bytes:
    """The part of a record that is the same for every use in this process: where it ran."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "").lower()
    text = "\t".join(["", release, python, sys.platform, machine, "ci" if in_ci else ""])
    return text.encode("ascii", "replace") + b"\n"


class NoRoom(OSError):
    """What is held takes all there is, and none of it can go right now: others evict, or make batches of it."""


class Writer:
    """
    This process's end of the open segment.

    Attributes:
        fd: Stays the same number while the segments change (`dup2`), so that no thread ever writes to a number that was
            given away; -1 when nothing could be opened.
    """

    __slots__ = ("_device", "_inode", "_lock", "_machine", "_spool", "fd")

    def __init__(self, folder: str, level: str) -> None:
        self._spool = spool_folder(folder)
        self._machine = machine()
        self._lock = allocate_lock()
        self.fd = self._inode = self._device = -1
        try:
            self._open(level)
        except NoRoom:
            pass  # perhaps for the first use

    def write(self, line: bytes) -> bool:
        """
        Append one record.

        Returns:
            Whether it is there; False when the segment is full, sealed or deleted, or our descriptor is not ours: then
            `reopen`, and the answer should be read again.

        Errors:
            OSError: the disk is full or read-only; what of the record got there is skipped by readers.
        """
        found = _fstat(self.fd)
        return (
            found is not None
            and found.st_ino == self._inode
            and found.st_dev == self._device
            and found.st_size < SEGMENT_BYTES
            and bool(found.st_mode & _WRITABLE)
            and bool(found.st_nlink)
            and os.write(self.fd, line) == len(line)
        )

    def reopen(self, level: str) -> None:
        """
        Move on to the open segment of a level; ours is sealed if it is full.

        Errors:
            NoRoom: none can be begun right now.
            OSError: nothing can be written there.
        """
        with _Patient(self._lock):
            self._disown_if_stolen()
            found = _fstat(self.fd)
            path = self._path(level)
            if found is not None and found.st_size >= SEGMENT_BYTES and is_at(path, self.fd):
                seal(path)
            self._open(level)

    def park(self) -> None:
        """
        Write to nowhere from now on. Closing would free a number that another thread is perhaps about to write to.
        """
        with _Patient(self._lock):
            self._disown_if_stolen()
            if self.fd >= 0:
                self._adopt(os.open(os.devnull, os.O_WRONLY))

    def close(self) -> None:
        """Give the segment back; for a writer that no thread uses any more."""
        self._disown_if_stolen()
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # noqa: BLE001, S110 - the interpreter may be half gone
            pass

    def _disown_if_stolen(self) -> None:
        """A host that closes every descriptor, as daemons do, may have got our number for a file of its own."""
        found = _fstat(self.fd)
        if found is None or (found.st_ino, found.st_dev) != (self._inode, self._device):
            self.fd = -1

    def _open(self, level: str) -> None:
        """
        Open and hold the open segment, making it (and its folder) if need be.

        Errors:
            NoRoom, OSError: as for `reopen`.
        """
        path = self._path(level)
        for tries in range(_TRIES):
            try:
                self._announce(path)
                fresh = _hold(path)
            except FileNotFoundError:
                continue
            except PermissionError:
                if tries < _TRIES - 1 and _is_unfinished(path):
                    continue
                if not seal(path):  # somebody else's, as after a `sudo`
                    raise
                continue
            if fresh >= 0:
                self._adopt(fresh)
                return

    def _announce(self, path: str) -> None:
        """
        See to it that there is an open segment that may be written to, because there is room for it.

        Errors:
            NoRoom: there is none.
        """
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CREAT | _FLAGS, SEALED_MODE)
        except FileNotFoundError:
            os.makedirs(self._spool, 0o700, exist_ok=True)
            fd = os.open(path, os.O_RDONLY | os.O_CREAT | _FLAGS, SEALED_MODE)
        try:
            if not os.fstat(fd).st_mode & _WRITABLE:
                self._make_room()
                if os.path.samestat(os.fstat(fd), os.stat(path)):  # else it was filled and sealed meanwhile
                    self._allow(path, fd)
        finally:
            os.close(fd)

    @staticmethod
    def _allow(path: str, fd: int) -> None:
        file = fd if os.chmod in os.supports_fd else path
        os.chmod(file, _OPEN_MODE)
        if not is_at(path, fd):  # it was filled and sealed in this moment
            os.chmod(file, SEALED_MODE)

    def _make_room(self) -> None:
        def fits() -> bool:
            return _total_bytes(self._spool, f"-{self._machine}.open") <= _FULL_BYTES

        if not fits():
            from otumat.usage.evicting import evict

            if not evict(os.path.dirname(self._spool), fits, machine=self._machine):
                raise NoRoom

    def _adopt(self, fresh: int) -> None:
        found = os.fstat(fresh)
        self._inode, self._device = found.st_ino, found.st_dev
        if self.fd < 0:
            self.fd = fresh
        else:
            os.dup2(fresh, self.fd, inheritable=False)
            os.close(fresh)

    def _path(self, level: str) -> str:
        return os.path.join(self._spool, f"{level}-{self._machine}.open")


def _hold(path: str) -> int:
    """A descriptor of the open segment, or -1 when it was sealed under our hands."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | _FLAGS)
    except FileNotFoundError:
        return -1
    try:
        if share(fd) and is_at(path, fd):
            return fd
    except OSError:
        pass
    give_back(fd)
    return -1


def _is_unfinished(path: str) -> bool:
    """Whether the open segment is one of ours that was begun meanwhile, or gone: it is to be announced again."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return True
    return hasattr(os, "geteuid") and found.st_uid == os.geteuid()


def seal(path: str) -> str:
    """
    Make a segment read-only under a name of its own, and return that; "" when somebody else did or it is not there.
    """
    sealed = sealed_name(path)
    try:
        os.rename(path, sealed)
        os.chmod(sealed, SEALED_MODE)
    except OSError:
        return sealed if os.path.exists(sealed) else ""
    return sealed


def sealed_name(path: str) -> str:
    """What an open segment is to be called for ever."""
    return f"{os.path.splitext(path)[0]}-{os.urandom(8).hex()}.sealed"


def _total_bytes(folder: str, ours: str) -> int:
    """What all segments take, and those that this machine writes to once they are full."""
    for _ in range(_TRIES):
        try:
            sizes = {name: os.stat(os.path.join(folder, name)).st_size for name in os.listdir(folder)}
        except FileNotFoundError:
            continue  # somebody makes room, too; it was renamed, and perhaps is there still
        return sum(max(size, SEGMENT_BYTES) if name.endswith(ours) else size for name, size in sizes.items())
    return SPOOL_MAX_BYTES


class _Patient:
    """A lock that is not waited for for ever: a child forked while another thread held it would wait in vain."""

    __slots__ = ("_lock", "_taken")

    def __init__(self, lock: LockType) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        self._taken = self._lock.acquire(timeout=0.5)

    def __exit__(self, *exc: object) -> None:
        if self._taken:
            self._lock.release()


def _fstat(fd: int) -> os.stat_result | None:
    try:
        return os.fstat(fd)
    except OSError:
        return None


def machine() -> str:
    """
    Whose processes append to the same file, for that is atomic in one running kernel only: on Linux its boot id (so
    containers share one, and two machines of the same name do not); on Windows, where it is not even that, each
    process.
    """
    if not hasattr(os, "uname"):
        return f"p{os.getpid()}"
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            name = file.read(18).decode()
    except (OSError, ValueError):
        name = os.uname().nodename[:40]
    return "".join(each for each in name if each.isascii() and each.isalnum()) or "machine"


def share(fd: int) -> bool:
    """Take a shared lock for as long as the descriptor lives; Windows needs none, it does not delete open files."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks; then `held.py` deletes nothing but to make room
    return True


def give_back(fd: int) -> None:
    """
    Unlock a file, and close it. Closing alone would not do while somebody else has the descriptor, too, and with it the
    lock: a child that another thread forked meanwhile, for as long as it lives, or a map of the file.
    """
    try:
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_UN)
    except (ImportError, OSError):
        pass  # Windows, or a file system without locks
    os.close(fd)


def is_at(path: str, fd: int) -> bool:
    """Whether an open file is the one with that name, and may be written to."""
    try:
        ours, there = os.fstat(fd), os.stat(path)
    except FileNotFoundError:
        return False
    return (ours.st_ino, ours.st_dev) == (there.st_ino, there.st_dev) and bool(ours.st_mode & _WRITABLE)
