"""
What is done about an install at its host: told that it is over, however long that takes, and erased, however late.

Withdrawing moves the credential to `tombstones/`; `tell` sends, and once the host has answered leaves in `left/` what
proves the install and no more. With that, and only when its user asks, `erase` has it erased there.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from otumat.errors import Conflict, Unreachable
from otumat.transport import Request, basic_auth
from otumat.usage import tokens
from otumat.usage.files import Busy, locked, read_json, write_json
from otumat.usage.held import remove
from otumat.usage.hosts import discover

if TYPE_CHECKING:
    from otumat.transport import Response, Transport
    from otumat.usage.tokens import Credential

KEPT_S = 366 * 24 * 60 * 60
LEFT_MOST = 20
_REFRESH_WAIT_S = 2
TOMBSTONES, LEFT = "tombstones", "left"
ERASING = ".erasing"
"""Beside a credential: the key that its erasure was asked for with, and the receipt can be again."""
_OVER = (200, 202, 204, 404, 410)


def current_install(folder: str) -> str:
    """The id of this machine's install; "" when there is none."""
    known = tokens.read(tokens.path_of(folder))
    return known.install if known else ""


def is_there(folder: str, install: str) -> bool:
    """Whether an install goes on, or what proves it is kept; not once it was erased."""

    def proves_it(path: str) -> bool:
        known = tokens.read(path)
        return known is not None and known.install == install and (known.is_provable or not known.ended)

    # In the order in which it moves on, so that it is not missed.
    return proves_it(tokens.path_of(folder)) or any(map(proves_it, buried(folder))) or any(map(proves_it, left(folder)))


def bury(folder: str) -> None:
    """Make a tombstone of the install, if there is one. A copy of an image has none: the install goes on elsewhere."""
    path = tokens.path_of(folder)
    if not os.path.exists(path):
        return
    try:
        with locked(path + ".lock", wait_s=_REFRESH_WAIT_S):
            _bury(folder, path)  # after a refresh that was under way, so that the newest tokens are buried
    except Busy:
        _bury(folder, path)  # whoever refreshes finds it gone


def _bury(folder: str, path: str) -> None:
    known = tokens.read(path)
    if known is not None and known.copy:
        _drop(path)
        return
    os.makedirs(os.path.join(folder, TOMBSTONES), 0o700, exist_ok=True)
    tombstone = _tombstone(folder)
    for end in (ERASING, ""):  # the key first: it must never be the next install's
        with suppress(OSError):
            os.replace(path + end, tombstone + end)


def bury_unused(folder: str, credential: Credential) -> None:
    """Make a tombstone of an install whose user withdrew before it was there."""
    tokens.write(_tombstone(folder), credential)


def _tombstone(folder: str) -> str:
    return os.path.join(folder, TOMBSTONES, os.urandom(8).hex() + ".json")


def buried(folder: str) -> list[str]:
    """Paths of the tombstones whose hosts do not know yet."""
    return _files(os.path.join(folder, TOMBSTONES))


def left(folder: str) -> list[str]:
    """Paths of what proves installs that were withdrawn and not erased, oldest first."""
    return sorted(_files(os.path.join(folder, LEFT)), key=_made_s)


def tell(folder: str, *, over: Transport) -> list[str]:
    """Tell every host that was not told yet; returns the hosts that could not be reached."""
    unreached = []
    for path in buried(folder):
        known = tokens.read(path)
        if known is None or (known.ended and not known.is_provable) or _is_old(path):
            _drop(path)
            continue
        try:
            answer = ask(path, "DELETE", over=over)
        except (Unreachable, OSError):
            unreached.append(known.host)
            continue
        except Conflict:
            # Perhaps it was erased, and the receipt was lost: `erase` asks for that.
            _leave(folder, path) if os.path.exists(path + ERASING) else _drop(path)
            continue
        if answer.status in _OVER:
            _leave(folder, path)
        else:
            unreached.append(known.host)
    return unreached


def erase(file: str, *, over: Transport) -> dict[str, Any]:
    """
    Have the install erased whose credential is in a file, and let that go; a current one is kept as one that has ended.

    Returns:
        The host's receipt; empty from a host that gives none, or had erased it already.

    Errors:
        Unreachable: no answer, or another than that; asked again, the same receipt comes. Conflict: the host erases
            nothing, or the credential is not good any more.
    """
    place = file + ERASING
    key = str(read_json(place).get("key") or os.urandom(16).hex())
    write_json(place, {"key": key})
    known = tokens.read(file)
    try:
        answer = ask(file, "DELETE", query="?erase=1", key=key, over=over)
    except Conflict as exc:
        remove(place)  # nor is there a receipt
        if exc.code == "credential.ended" and not _is_current(file):
            remove(file)
        raise
    if answer.status not in (200, 204, 404, 410):
        host = known.host if known else "The host"
        raise Unreachable(f"{host} answered {answer.status}; nothing was erased there.", code="usage.erase")
    if known is not None and _is_current(file):
        ended = f"{known.host} erased this install."
        tokens.write(file, replace(known.erasing_only, proof="", refresh_token="", ended=ended))
    else:
        remove(file)
    remove(place)
    return receipt(answer)


def ask(file: str, method: str, *, path: str = "", query: str = "", key: str = "", over: Transport) -> Response:
    """
    Ask the host about the install whose credential is in a file: with its proof, or else with fresh tokens if need be.

    Args:
        path: Below the install's own address, such as `/visits`.
        key: Random; the same request with the same key, after an answer that was lost, gets the same answer.

    Errors:
        Unreachable: no answer. Conflict: the install is over already, or its host knows no such requests.
    """
    known = tokens.read(file)
    if known is None:
        raise Conflict("This machine is not enrolled.", code="credential.none")
    if known.dialect != "1.0" and method != "DELETE":
        raise Conflict(f"{known.host} shows nothing to an install of Otumat 0.3.", code="usage.dialect")
    if known.dialect != "1.0":
        return over.send(_old_request(known, query, key, over))
    answer = over.send(_request(known, method, path + query, key))
    if answer.status == 401 and known.proof:
        raise Conflict(f"{known.host} does not know this install any more.", code="credential.ended")
    if answer.status == 401:
        known = tokens.refreshed(file, known.access_token, over=over)
        answer = over.send(_request(known, method, path + query, key))
    return answer


def _is_current(file: str) -> bool:
    return os.path.basename(file) == "credential.json"


def receipt(answer: Response) -> dict[str, Any]:
    """What the host certifies about an erasure."""
    return tokens.json_of(answer)


def _request(known: Credential, method: str, rest: str, key: str) -> Request:
    url = f"{known.endpoints['install']}/{known.install}{rest}"
    return Request(method, url, {**known.owner, "Accept": "application/json", **_once(key)})


def _old_request(known: Credential, query: str, key: str, over: Transport) -> Request:
    """The end of an install of 0.3, at a host that by now knows more (docs/protocol/usage.md, "The 0.3 dialect")."""
    door = discover(known.host, over=over).endpoints.get("revoke")
    if door is None:
        message = f"{known.host} speaks Otumat 0.3, which knows no erasure: what was sent is still there."
        raise Conflict(message, code="usage.dialect", hint="Ask whoever runs it.")
    form = {"token": known.refresh_token, "install": known.install, "erase": "1" if "erase=1" in query else ""}
    headers = {"Content-Type": tokens.FORM, "Authorization": basic_auth(known.client_id, known.client_secret)}
    return Request("POST", door, {**headers, **_once(key)}, urlencode(form).encode())


def _once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}


def _leave(folder: str, path: str) -> None:
    """Keep what proves an install that is over; nothing of one that cannot be proved."""
    known = tokens.read(path)
    if known is not None and known.is_provable:
        there = os.path.join(folder, LEFT, os.path.basename(path))
        tokens.write(there, known.erasing_only)
        with suppress(OSError):
            os.replace(path + ERASING, there + ERASING)
        for oldest in left(folder)[:-LEFT_MOST]:
            _drop(oldest)
    _drop(path)


def _drop(path: str) -> None:
    remove(path)
    remove(path + ERASING)


def _files(place: str) -> list[str]:
    try:
        return sorted(os.path.join(place, name) for name in os.listdir(place) if name.endswith(".json"))
    except OSError:
        return []


def _is_old(path: str) -> bool:
    return time.time() - _made_s(path) > KEPT_S


def _made_s(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return time.time()  # somebody was quicker
