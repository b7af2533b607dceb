"""Where the state of a package lies, and whether it is ours to touch. On a host's import path: `os` and `sys` only."""

import os
import sys

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_KEY_MAX_CHARS = 100
PLACE = "place"
_PLACE_MAX_BYTES = 16 * 1024

# What `os.environ` keeps its variables in: asking itself, twice a use, costs as much as writing the use down.
_data = getattr(os.environ, "_data", None)
ENVIRON = _data if isinstance(_data, dict) else os.environ
DO_NOT_TRACK, OTUMAT_USAGE = (
    name if ENVIRON is os.environ else os.environ.encodekey(name) for name in ("DO_NOT_TRACK", "OTUMAT_USAGE")
)


def key(package: str) -> str:
    """
    The name of a package's folder: the project's normalised name, and safe whatever it was given.

    >>> key("Data_Joint.plugin"), key("../etc"), key("a b")
    ('data-joint-plugin', '-etc', 'a_20b')
    """
    pieces: list[str] = []
    for character in package.lower()[:_KEY_MAX_CHARS]:
        if character in "-_./\\":
            if pieces[-1:] != ["-"]:
                pieces.append("-")
        else:
            pieces.append(character if character in _PLAIN else f"_{ord(character):x}")
    return "".join(pieces)


def root() -> str:
    """The user's state folder for all packages; "" when this user has none, as in some containers."""
    environ = os.environ
    home = environ.get("HOME", "")
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = home and home + "/Library/Application Support"
    else:
        base = environ.get("XDG_STATE_HOME", "")
        if not os.path.isabs(base):  # XDG Base Directory Specification: relative paths are to be ignored
            base = home and home + "/.local/state"
    return os.path.join(base, "otumat") if os.path.isabs(base) else ""


def folder(package: str, *, in_ci: bool = False) -> str:
    """
    A package's folder; "" when there is none.

    What CI allows by its variable is kept apart, so that it is never taken for a person's answer.
    """
    name, base = key(package), root()
    if not base or not name.strip("-"):
        return ""
    return os.path.join(base, name, "ci") if in_ci else os.path.join(base, name)


def is_ours(path: str) -> bool:
    """
    Whether a folder, or the nearest one above it that exists, is this user's.

    Root with somebody else's HOME (`sudo`) would leave files there that their owner could not touch. Somebody who is
    not root may well have a HOME that belongs to root, such as /tmp.
    """
    if not hasattr(os, "geteuid"):
        return True
    user, exists = os.geteuid(), True
    while True:
        try:
            owner = os.stat(path).st_uid
            return owner == user or (not exists and user != 0)
        except FileNotFoundError:
            exists, above = False, os.path.dirname(path)
            if above == path:
                return False
            path = above
        except OSError:
            return False


def noted(folder: str) -> dict[str, str]:
    """What `copies.py` noted of where a folder is; empty when nothing was."""
    try:
        fd = os.open(os.path.join(folder, PLACE), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return {}
    try:
        lines = os.read(fd, _PLACE_MAX_BYTES).decode().split("\n")
    except (OSError, ValueError):
        return {}
    finally:
        os.close(fd)
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def is_noted(folder: str) -> bool:
    """Whether a folder is the one that was noted, or a disk's clone of it, and not copied file by file."""
    try:
        return noted(folder).get("inode") == str(os.stat(folder).st_ino)
    except OSError:
        return False


def old_config(author: str, directory: str) -> str:
    """Where Otumat 0.3 kept its config.json (the rule of appdirs); "" without a home."""
    environ = os.environ
    home = environ.get("HOME", "")
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA", "")
        inner = [str(author), str(directory)]
    elif sys.platform == "darwin":
        base, inner = home and home + "/Library/Application Support", [str(directory)]
    else:
        base, inner = environ.get("XDG_DATA_HOME", "") or (home and home + "/.local/share"), [str(directory)]
    return os.path.join(base, *inner, "usage", "config.json") if os.path.isabs(base) else ""


def manifest_files(manifest: object, package: str) -> list[str]:
    """Where a package's manifest may be: where the agent says, or in the package's folder, as TOML or as JSON."""
    if manifest is not None:
        return [os.fspath(manifest)]  # type: ignore[call-overload]
    file = getattr(sys.modules.get(package), "__file__", None)
    if not isinstance(file, str):
        return []
    inside = os.path.dirname(file)
    return [os.path.join(inside, "otumat-usage.toml"), os.path.join(inside, "otumat-usage.json")]


def stamp(manifest: object, package: str) -> str:
    """Size and time of the manifest's file, to notice cheaply that it is another one."""
    for path in manifest_files(manifest, package):
        try:
            found = os.stat(path)
        except OSError:
            continue
        return f"{found.st_size} {found.st_mtime_ns}"
    return "none"


def exists(path: str) -> bool:
    """Whether there is something, be it a broken link."""
    return os.path.lexists(path)
