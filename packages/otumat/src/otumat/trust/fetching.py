"""
The keys that an index lists for a project, and what becomes of a policy that takes them in.

An index is asked once, and from then on believed only when it takes trust away: that a key ended is always taken in, a
key that is new to a policy with keys only when somebody says so. Whoever holds the index could name keys of their own.
"""

from __future__ import annotations

from otumat.errors import NotFound, Refused, Unauthenticated, Unreachable
from otumat.spec.statement import strict_json
from otumat.spec.statement.strict_json import Malformed
from otumat.spec.vouching.keyring import COMPROMISED, KeyRecord, ProjectTrust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from otumat.settings import Credentials, Index
    from otumat.transport import Response, Transport

MAX_KEYS = 200


class Merged:
    """
    A project's entry after an index was asked.

    Attributes:
        trust: The entry to be kept.
        added: Keys that are new in it. held_back: Keys that would be, had somebody said so.
        ended: Keys whose end was news. unlisted: Keys of the policy that the index does not know.
    """

    __slots__ = ("added", "ended", "held_back", "trust", "unlisted")

    def __init__(
        self,
        trust: ProjectTrust,
        *,
        added: Iterable[KeyRecord],
        held_back: Iterable[KeyRecord],
        ended: Iterable[KeyRecord],
        unlisted: Iterable[KeyRecord],
    ) -> None:
        self.trust, self.added, self.held_back = trust, tuple(added), tuple(held_back)
        self.ended, self.unlisted = tuple(ended), tuple(unlisted)


def fetch_keys(project: str, *, on: Index, by: Credentials | None, over: Transport) -> tuple[KeyRecord, ...]:
    """
    The keys an index lists for a project, those that ended included.

    Args:
        by: Sent when there are any, for private projects.

    Errors:
        NotFound, Unauthenticated, Refused; Unreachable: no answer, or none in the expected form.
    """
    from urllib.parse import quote

    from otumat.transport import Request, basic_auth

    headers = {"Accept": "application/json"}
    if by is not None:
        headers["Authorization"] = basic_auth(by.username, by.password)
    url = f"{on.url}/api/v1/project/{quote(project, safe='')}/keys"
    response = over.send(Request("GET", url, headers))
    if response.status != 200:
        raise _refusal(response, project, on)
    try:
        listed = strict_json.get(strict_json.read(response.body), "keys", list)
        if len(listed) > MAX_KEYS:
            raise Malformed(f"it lists {len(listed)} keys")
        return tuple(_record(each) for each in listed)
    except Malformed as exc:
        raise Unreachable(f"What {on.url} says of the keys of {project} cannot be read: {exc}.") from None


def merged(trust: ProjectTrust, listed: Iterable[KeyRecord], *, accept_new: bool = False) -> Merged:
    """
    Take what an index lists into a project's entry. Pure; whatever is asked of the project besides stays.

    Args:
        accept_new: Take keys that are new although there are some already.
    """
    theirs = {record.public.id: record for record in listed}
    mine = {record.public.id: record for record in trust.keys}
    new = [record for key_id, record in theirs.items() if key_id not in mine]
    # A key that ended may be taken in at any time: so it is known why it does not count.
    takes = [record for record in new if accept_new or not mine or record.revoked_at]
    kept = [_ended(record, theirs.get(record.public.id)) for record in trust.keys]
    values = {name: getattr(trust, name) for name in ProjectTrust.__slots__} | {"keys": [*kept, *takes]}
    return Merged(
        ProjectTrust(**values),
        added=[record for record in takes if not record.revoked_at],
        held_back=[record for record in new if record not in takes],
        ended=[now for was, now in zip(trust.keys, kept, strict=True) if now is not was],
        unlisted=[record for key_id, record in mine.items() if key_id not in theirs],
    )


def _ended(mine: KeyRecord, theirs: KeyRecord | None) -> KeyRecord:
    """A key of the policy with the end that the index knows of, where that comes earlier or is graver than our own."""
    if theirs is None or not theirs.revoked_at:
        return mine
    is_graver = theirs.revoked_for == COMPROMISED and mine.revoked_for != COMPROMISED
    if mine.revoked_at and mine.revoked_at <= theirs.revoked_at and not is_graver:
        return mine
    return KeyRecord(
        mine.public,
        role=mine.role,
        note=mine.note,
        added=mine.added,
        expires=mine.expires,
        revoked_at=min(mine.revoked_at or theirs.revoked_at, theirs.revoked_at),
        revoked_for=COMPROMISED if COMPROMISED in (mine.revoked_for, theirs.revoked_for) else theirs.revoked_for,
    )


def _record(told: Mapping[str, Any]) -> KeyRecord:
    """A key as the API tells it, in the form of a policy; its id must be that of the key itself."""
    names = {"id": "id", "spki": "spki", "role": "role", "note": "note", "revokedFor": "revoked_for"}
    record = {name: strict_json.get(told, theirs, str, default="") for name, theirs in names.items()}
    if not all(each.isprintable() for each in record.values()):
        raise Malformed("a text in it is none to be shown")
    return KeyRecord.from_dict({**record, "added": _moment(told, "added_at"), "revokedAt": _moment(told, "revoked_at")})


def _moment(told: Mapping[str, Any], name: str) -> str:
    """A moment to the second; the API may say it with a fraction."""
    text = told.get(name) or ""
    if type(text) is not str:
        raise Malformed(f"{name!r} is no moment")
    return f"{text[:19]}Z" if text.endswith("Z") and len(text) > 20 and text[19] == "." else text


def _refusal(response: Response, project: str, index: Index) -> Exception:
    if response.status == 404:
        hint = "It has no such project, or is another kind of index; private projects need credentials."
        return NotFound(f"{index.url} lists no keys for {project!r}.", code="keys.none", hint=hint)
    if response.status == 401:
        return Unauthenticated(f"{index.url} does not accept these credentials.", hint="Check them, or ask without.")
    if response.status in (403, 429):
        return Refused(f"{index.url} refuses to tell the keys of {project!r} now.", hint="Try again later.")
    return Unreachable(f"{index.url} answered with status {response.status} {response.reason}".rstrip() + ".")
