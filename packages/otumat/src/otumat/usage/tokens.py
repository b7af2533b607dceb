"""
The credential of an install: one file of mode 0600, refreshed under a lock.

Two processes that refresh at once would make the server think that the token was stolen (RFC 9700, 4.14). So: lock,
read again, refresh only if the token is still the stale one, have the new pair on disk before it is used. An answer
that gets lost costs nothing either: within 60 s the server gives the old token another pair.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from otumat.errors import Conflict, Unreachable
from otumat.transport import Request, basic_auth
from otumat.usage import clock
from otumat.usage.files import locked, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otumat.transport import Response, Transport

CLIENT_ID = "otumat-usage"
SCOPE = "usage"
FORM = "application/x-www-form-urlencoded"
_LOCK_WAIT_S = 90  # longer than a request may take
_FRESH_SHARE = 0.8


@dataclass(frozen=True)
class Credential:
    """
    What proves that an install is this one.

    Attributes:
        endpoints: The host's, as it told when this machine enrolled: `token`, `event`, `install`.
        got_s, expires_in: When the access token was given, seconds since 1970, and how long it holds.
        account: Whether it is linked to a person's account, as far as the host tells.
        ended: Why it is of no use any more; "" while it is.
        proof: What proves the install for as long as its host has it; "" from hosts that give none.
        copy: The name of this copy of an image, which tells by the proof alone; "" where the install itself is.
        client_id, client_secret: Of the dialect of Otumat 0.3 only.
    """

    install: str
    host: str
    access_token: str
    refresh_token: str
    got_s: float
    expires_in: float
    endpoints: dict[str, str]
    dialect: str = "1.0"
    account: bool = False
    ended: str = ""
    client_id: str = ""
    client_secret: str = ""
    proof: str = ""
    copy: str = ""

    def is_fresh(self, at_s: float) -> bool:
        """Whether the access token should do; a clock that was put back makes it stale. A proof stays fresh."""
        return bool(self.copy) or 0 <= at_s - self.got_s < self.expires_in * _FRESH_SHARE

    @property
    def bearer(self) -> dict[str, str]:
        """What a request with uses carries."""
        return {"Authorization": f"Bearer {self.proof if self.copy else self.access_token}"}

    @property
    def owner(self) -> dict[str, str]:
        """What a request about the install itself carries."""
        return {"Authorization": f"Bearer {self.proof or self.access_token}"}

    @property
    def is_provable(self) -> bool:
        """Whether it ends its install however long its access token has ended: by proof, or as 0.3 by its secret."""
        return bool(self.proof or (self.dialect != "1.0" and self.refresh_token and self.client_secret))

    @property
    def erasing_only(self) -> Credential:
        """What is left of it after a withdrawal: what proves it."""
        refresh = "" if self.dialect == "1.0" else self.refresh_token
        return replace(self, access_token="", refresh_token=refresh, got_s=0, expires_in=0)


def path_of(folder: str) -> str:
    return os.path.join(folder, "credential.json")


def read(path: str) -> Credential | None:
    """The credential in a file, without what only later versions know; None when there is none that can be read."""
    known = {field.name for field in fields(Credential)}
    try:
        return Credential(**{name: value for name, value in read_json(path).items() if name in known})
    except TypeError:
        return None


def write(path: str, credential: Credential) -> None:
    write_json(path, asdict(credential))


def become_copy(path: str, name: str) -> None:
    """Tell as a copy of an image from now on; the tokens that rotate are left to the install."""
    known = read(path)
    if known is None or known.dialect != "1.0":
        return
    ended = known.ended or ("" if known.proof else f"This is a copy of an image, and {known.host} counts none.")
    write(path, replace(known.erasing_only, copy=name, ended=ended))


def from_answer(answer: Response, *, host: str, endpoints: Mapping[str, str]) -> Credential:
    """
    The credential that a token or install endpoint answered with.

    Errors:
        Unreachable: the answer is not what the protocol says.
    """
    value = json_of(answer)
    try:
        texts = {name: value[name] for name in ("install", "access_token", "refresh_token")}
        expires_in = float(value["expires_in"])
    except (KeyError, TypeError, ValueError) as exc:
        raise _unexpected(host) from exc
    if not all(isinstance(text, str) and text.isprintable() and 0 < len(text) <= 4096 for text in texts.values()):
        raise _unexpected(host)
    return Credential(
        host=host,
        got_s=clock.now_s(),
        expires_in=expires_in,
        endpoints=dict(endpoints),
        account=value.get("account") is True,
        proof=_proof(value),
        **texts,
    )


def refreshed(path: str, stale: str, *, over: Transport) -> Credential:
    """
    A credential with another access token than the stale one, got by whoever was first.

    Errors:
        Conflict: `credential.ended`, the server says that this install is over.
        Unreachable: no answer, or a passing fault; nothing changed.
        Busy: another process has been refreshing for too long.
    """
    with locked(path + ".lock", wait_s=_LOCK_WAIT_S):
        known = read(path)
        if known is None:
            raise Conflict("There is no credential any more.", code="credential.ended")
        if known.copy:
            raise _over(path, known)
        if known.access_token != stale:
            return known
        answer = over.send(_refresh_request(known))
        if answer.status == 400 and json_of(answer).get("error") == "invalid_grant":
            raise _over(path, known)
        if answer.status != 200:
            raise Unreachable(f"{known.host} answered {answer.status} when asked for new tokens.", code="tokens.status")
        fresh = _merged(known, json_of(answer))
        _replace(path, known, fresh)
        return fresh


def _over(path: str, known: Credential) -> Conflict:
    ended = f"{known.host} ended this install."
    _replace(path, known, replace(known, ended=ended))
    return Conflict(ended, code="credential.ended")


def _replace(path: str, known: Credential, fresh: Credential) -> None:
    """What the user withdrew while the host was asked does not come back."""
    if read(path) != known:
        raise Conflict("This install was withdrawn.", code="credential.ended")
    write(path, fresh)


def json_of(answer: Response) -> dict[str, Any]:
    """An answer's JSON object; empty when it is none."""
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _refresh_request(known: Credential) -> Request:
    form = {"grant_type": "refresh_token", "refresh_token": known.refresh_token}
    headers = {"Content-Type": FORM, "Accept": "application/json"}
    if known.dialect == "1.0":
        form["client_id"] = CLIENT_ID
    else:
        headers["Authorization"] = basic_auth(known.client_id, known.client_secret)
    return Request("POST", known.endpoints["token"], headers, urlencode(form).encode())


def _merged(known: Credential, value: dict[str, Any]) -> Credential:
    """RFC 6749, 5.1 and 6: the refresh token may stay the same, and the lifetime may be left out."""
    access, refresh = value.get("access_token"), value.get("refresh_token") or known.refresh_token
    try:
        expires_in = float(value.get("expires_in", known.expires_in))
    except (TypeError, ValueError) as exc:
        raise _unexpected(known.host) from exc
    if not (isinstance(access, str) and access and isinstance(refresh, str)):
        raise _unexpected(known.host)
    account = value.get("account", known.account) is True
    got_s = clock.now_s()
    fresh = replace(known, access_token=access, refresh_token=refresh, proof=_proof(value) or known.proof)
    return replace(fresh, got_s=got_s, expires_in=expires_in, account=account)


def _proof(value: dict[str, Any]) -> str:
    proof = value.get("proof", "")
    return proof if isinstance(proof, str) and proof.isprintable() and len(proof) <= 4096 else ""


def _unexpected(host: str) -> Unreachable:
    return Unreachable(f"{host} answered something else than tokens.", code="tokens.unexpected")
