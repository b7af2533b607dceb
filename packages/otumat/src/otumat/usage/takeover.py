"""
Taking over what Otumat 0.3 left behind: the answer, the credential, the uses that wait, and its start-up entries.

Its files are only read; 0.3 may still be installed elsewhere. Of them, the config is closed to other users' eyes
(K18). Of the start-up entries exactly those lines and files go that 0.3 itself wrote; the user's own stay byte for
byte (P1, P5).
"""

from __future__ import annotations

import os
import sqlite3
from calendar import timegm
from contextlib import closing, suppress
from time import strptime
from typing import TYPE_CHECKING, Any

from otumat.spec.consent import ON, UNSET
from otumat.spec.manifest import EVENT_NAME, is_host
from otumat.usage import answers, changing, dialect03, tokens
from otumat.usage.files import Busy, locked, read_json, write_whole
from otumat.usage.held import remove
from otumat.usage.manifests import Found
from otumat.usage.places import is_ours
from otumat.usage.spool import Writer, prefix, suffix
from otumat.usage.tokens import Credential

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOCK_WAIT_S = 5
SOURCE = "your answer to Otumat 0.3"


def take_over(folder: str, old: str, *, package: str, config: Mapping[str, Any]) -> None:
    """
    Carry an old answer over. A no stays a no; a yes goes on, for the same host, with less: bare names, and no MAC
    address, place or zone ever again. A config that cannot be read says nothing (K26), nor does one that is another
    user's, as anybody may leave where HOME is a folder for all.
    """
    if not is_ours(old):
        return
    known = read_json(old)
    with suppress(OSError):
        os.chmod(old, 0o600)
    if not isinstance(known.get("collect"), bool):
        return
    with suppress(Busy), locked(os.path.join(folder, "takeover.lock"), wait_s=_LOCK_WAIT_S):
        if answers.read(folder).level == UNSET:  # else another process was quicker
            _take_over(folder, old, known, package, config)


def _take_over(folder: str, old: str, known: Mapping[str, Any], package: str, config: Mapping[str, Any]) -> None:
    host = str(known.get("host") or "").rstrip("/")
    if known.get("collect") is False:
        changing.withdraw(folder, source=SOURCE)
    elif is_host(host):
        found = Found(None, "0.3")  # whatever the manifest says now was not asked then
        given = changing.turn(folder, ON, package=package, found=found, source=SOURCE, host=host, account="required")
        database = os.path.join(os.path.dirname(old), "main.db")
        with locked(os.path.join(folder, "consent.lock"), wait_s=changing.LOCK_WAIT_S):
            if answers.is_still(folder, given):
                _take_credential(folder, known, host)
                _take_events(folder, database, str(known.get("package_version") or ""))
    else:
        return
    remove_entries(package)


def remove_entries(package: str, *, home: str = "") -> None:
    """Delete what 0.3 added to start its daemon at log-in."""
    home = home or os.environ.get("HOME", "")
    if home:
        _clean_profile(os.path.join(home, ".profile"), package)
        remove(os.path.join(home, "Library", "LaunchAgents", f"{package}_usage.startup.plist"))
    if startup := os.environ.get("APPDATA", ""):
        inside = ("Microsoft", "Windows", "Start Menu", "Programs", "Startup")
        remove(os.path.join(startup, *inside, f"{package}_usage.vbs"))


def _take_credential(folder: str, known: Mapping[str, Any], host: str) -> None:
    names = ("install_id", "access_token", "refresh_token")
    values = {name: known.get(name) for name in names}
    if not all(isinstance(value, str) and value for value in values.values()):
        return
    tokens.write(
        tokens.path_of(folder),
        Credential(
            install=str(values["install_id"]),
            host=host,
            access_token=str(values["access_token"]),
            refresh_token=str(values["refresh_token"]),
            got_s=0,  # its `expires_at` is off by the time zone (K28): refresh first
            expires_in=0,
            endpoints=dialect03.endpoints(host, known),
            dialect="0.3",
            account=True,
            client_id=str(known.get("client_id")),  # None is what 0.3 sends for none, too
            client_secret=str(known.get("client_secret")),
        ),
    )


def _take_events(folder: str, database: str, release: str) -> None:
    """Copy the uses that wait; those that are no names (K33) cannot be sent and stay."""
    tail = suffix(release if release.isascii() and release.isprintable() and "\t" not in release else "", in_ci=False)
    with suppress(sqlite3.Error, OSError):
        rows = list(_rows(database))
        writer = Writer(folder, ON)
        for at_us, name in rows:
            writer.write(prefix(name, {}) + b"%d" % at_us + tail)
        writer.close()


def _rows(database: str) -> Iterator[tuple[int, str]]:
    if not os.path.exists(database):
        return
    from urllib.parse import quote

    with closing(sqlite3.connect(f"file:{quote(database)}?mode=ro", uri=True, timeout=1)) as connection:
        for at, name in connection.execute("SELECT event_date, event_type FROM event ORDER BY event_date"):
            if isinstance(name, str) and EVENT_NAME.fullmatch(name) and (at_us := _microseconds(at)) is not None:
                yield at_us, name


def _microseconds(at: object) -> int | None:
    text, _, fraction = str(at).partition(".")
    try:
        return timegm(strptime(text, "%Y-%m-%d %H:%M:%S")) * 1_000_000 + int((fraction + "000000")[:6])
    except ValueError:
        return None


def _clean_profile(path: str, package: str) -> None:
    """
    Cut out of `.profile` what 0.3 appended, as bytes: from `otumat upload` of this package to the end of its line.
    What stood before it on the same line, for want of a line end (P1), is the user's.
    """
    try:
        with open(path, "rb") as file:
            before = file.read()
    except OSError:
        return
    lines = [_without_entry(line, package.encode()) for line in before.splitlines(keepends=True)]
    after = b"".join(lines)
    if after != before:
        mode = os.stat(path).st_mode & 0o777
        with suppress(OSError):
            write_whole(os.path.realpath(path), after)
            os.chmod(path, mode)


def _without_entry(line: bytes, package: bytes) -> bytes:
    start = line.find(b"otumat upload ")
    is_ours = start >= 0 and b"OTUMAT_PID" in line[start:] and package in line[start:].replace(b'"', b" ").split()
    if not is_ours:
        return line
    return line[:start] + b"\n" if line[:start].strip() else b""
