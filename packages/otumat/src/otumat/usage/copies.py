"""
Noticing that a package's state was copied, its answer and credential with it: an image that was started, a cloned disk.

What is noted beside the answer, in the file `place`, never leaves this machine: the number of the folder's inode, where
it is, and salted digests of the machine's id and name, too short to be guessed back. `changing.settle` compares.

Why so: docs/decisions/0019-copies-of-images.md.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import NamedTuple

from otumat.usage import places
from otumat.usage.files import write_whole

MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
MOUNTS = "/proc/self/mountinfo"
SHARED = {
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "gfs2",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
}
SHARED |= {"ocfs2", "panfs", "smb3", "virtiofs"}
"""File systems on which several machines see the same files."""


class Facts(NamedTuple):
    """Where a folder is: `machine` and `name` are digests, "" when unknown."""

    inode: str
    machine: str
    name: str
    path: str


def was_copied(before: Facts, now: Facts, *, is_shared: bool, is_still_there: bool) -> bool:
    """
    Whether a folder is a copy of the one that was noted, and not that one after a restart, a move or a new name.

    Args:
        is_shared: It lies on a network, where several machines have the very same files.
        is_still_there: The noted folder is where it was, beside this one.

    >>> built = Facts("7", "", "9a3f", "~/.local/state/otumat/sundial")
    >>> was_copied(built, built._replace(inode="8", name="c01d"), is_shared=False, is_still_there=False)
    True
    >>> was_copied(built, built._replace(name="c01d"), is_shared=False, is_still_there=False)
    False
    """
    is_elsewhere = _differ(before.machine, now.machine)
    if now.inode == before.inode:
        return is_elsewhere and not is_shared  # the disk was cloned whole
    if is_still_there:
        return True
    return not is_shared and (is_elsewhere or _differ(before.name, now.name))


def noted(folder: str) -> tuple[Facts, str]:
    """What was noted, with empty texts when nothing was; and the salt."""
    there = places.noted(folder)
    return Facts(*(there.get(name, "") for name in Facts._fields)), there.get("salt", "")


def seen(folder: str, salt: str) -> Facts:
    """Where a folder is now."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    # Of a name, which could be tried out, so little is kept that one of 65,536 others would pass for it.
    return Facts(
        str(os.stat(folder).st_ino), _digest(salt, _machine_id())[:16], _digest(salt, name)[:4], os.path.abspath(folder)
    )


def is_copied(folder: str) -> bool:
    """Whether a folder is a copy of the noted one; not while nothing was noted."""
    before, salt = noted(folder)
    if not before.inode:
        return False
    now = seen(folder, salt)
    is_still_there = now.path != before.path and _inode(before.path) == before.inode != now.inode
    return was_copied(before, now, is_shared=_is_shared(folder), is_still_there=is_still_there)


def note(folder: str, *, copy: str = "") -> None:
    """Note where a folder is, under a new salt; with a name, that it is a copy."""
    salt = os.urandom(16).hex()
    there = {**seen(folder, salt)._asdict(), "salt": salt, "copy": copy}
    text = "".join(f"{name}: {value}\n" for name, value in there.items() if value)
    write_whole(os.path.join(folder, places.PLACE), text.encode())


def is_unchanged(folder: str) -> bool:
    """Whether everything is as it was noted."""
    before, salt = noted(folder)
    return bool(salt) and before == seen(folder, salt)


def name_of(folder: str) -> str:
    """By which name a copy of an image tells its uses; "" for what is no copy."""
    return places.noted(folder).get("copy", "")


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other


def _digest(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt} {text}".encode()).hexdigest() if text else ""


def _machine_id() -> str:
    """What systemd and D-Bus call this machine; "" where they do not, as in most containers."""
    for path in MACHINE_IDS:
        with suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            text = file.read(64).strip()
            if len(text) == 32:
                return text
    return ""


def _inode(path: str) -> str:
    try:
        return str(os.stat(path).st_ino)
    except OSError:
        return ""


def _is_shared(folder: str) -> bool:
    """Whether a folder lies on a file system of `SHARED`; proc(5) tells of each by its device."""
    try:
        device = os.stat(folder).st_dev
        with open(MOUNTS, encoding="utf-8", errors="replace") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return False
    numbers = f"{os.major(device)}:{os.minor(device)}"
    return any(words[2] == numbers and words[words.index("-") + 1] in SHARED for words in mounts if "-" in words)
