"""
Telling a host that an install is over, even if that takes until there is a network again.

Withdrawing moves the credential to `tombstones/`; `tell` sends, and deletes each once its host has answered.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from otumat.errors import Conflict, Unreachable
from otumat.transport import Request
from otumat.usage import tokens
from otumat.usage.files import Busy, locked
from otumat.usage.held import remove

if TYPE_CHECKING:
    from otumat.transport import Response, Transport
    from otumat.usage.tokens import Credential

KEPT_S = 366 * 24 * 60 * 60
_OVER = (200, 202, 204, 404, 410)


def current_install(folder: str) -> str:
    """The id of this machine's install; "" when there is none."""
    known = tokens.read(tokens.path_of(folder))
    return known.install if known else ""


def bury(folder: str) -> None:
    """Make a tombstone of the install, if there is one."""
    path = tokens.path_of(folder)
    if not os.path.exists(path):
        return
    with suppress(Busy), locked(path + ".lock", wait_s=2):
        pass  # let a refresh that is under way end, so that the newest tokens are buried
    os.makedirs(os.path.join(folder, "tombstones"), 0o700, exist_ok=True)
    with suppress(OSError):
        os.replace(path, os.path.join(folder, "tombstones", os.urandom(8).hex() + ".json"))


def buried(folder: str) -> list[str]:
    """Paths of the tombstones whose hosts do not know yet."""
    place = os.path.join(folder, "tombstones")
    try:
        return sorted(os.path.join(place, name) for name in os.listdir(place) if name.endswith(".json"))
    except OSError:
        return []


def tell(folder: str, *, over: Transport) -> list[str]:
    """Tell every host that was not told yet; returns the hosts that could not be reached."""
    unreached = []
    for path in buried(folder):
        known = tokens.read(path)
        if known is None or known.dialect != "1.0" or known.ended or _is_old(path):
            remove(path)
            continue
        try:
            answer = ask(path, "DELETE", over=over)
        except (Unreachable, OSError):
            unreached.append(known.host)
            continue
        except Conflict:
            remove(path)
            continue
        if answer.status in _OVER:
            remove(path)
        else:
            unreached.append(known.host)
    return unreached


def ask(file: str, method: str, *, path: str = "", query: str = "", key: str = "", over: Transport) -> Response:
    """
    Ask the host about the install whose credential is in a file, with fresh tokens if need be.

    Args:
        path: Below the install's own address, such as `/visits`.
        key: Random; the same request with the same key, after an answer that was lost, gets the same answer.

    Errors:
        Unreachable: no answer. Conflict: the install is over already.
    """
    known = tokens.read(file)
    if known is None:
        raise Conflict("This machine is not enrolled.", code="credential.none")
    answer = over.send(_request(known, method, path + query, key))
    if answer.status == 401:
        known = tokens.refreshed(file, known.access_token, over=over)
        answer = over.send(_request(known, method, path + query, key))
    return answer


def receipt(answer: Response) -> dict[str, Any]:
    """What the host certifies about an erasure."""
    return tokens.json_of(answer)


def _request(known: Credential, method: str, rest: str, key: str) -> Request:
    url = f"{known.endpoints['install']}/{known.install}{rest}"
    once = {"Idempotency-Key": key} if key else {}
    return Request(method, url, {**known.bearer, "Accept": "application/json", **once})


def _is_old(path: str) -> bool:
    return time.time() - os.stat(path).st_mtime > KEPT_S
