"""
Which keys that are new to somebody are vouched for by those that he trusts already.

An index may add a key to its list: it holds the list. So a new key counts without asking only where as many old keys
signed its coming as must sign a wheel. One stolen key then never makes itself a second one.
"""

from __future__ import annotations

from otumat.spec.key_list.changes import ends_of
from otumat.spec.vouching.keyring import COMPROMISED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from otumat.spec.key_list.changes import Change
    from otumat.spec.keys import PublicKey
    from otumat.spec.vouching.keyring import KeyRecord, ProjectTrust

OWNER, REVIEWER = "owner", "reviewer"


def proven(trust: ProjectTrust, changes: Iterable[Change], *, at: str) -> frozenset[str]:
    """
    Ids of the new keys whose coming enough old ones signed.

    Who may: keys trusted as `owner`, where there ever was one; else all but reviewers. A key that ended here, or that
    anybody calls compromised, vouches for nothing, whatever date it writes; one that ends in this row, for nothing
    after. A key that is proven vouches for those after it.

    Args:
        trust: The project's entry, as it is before this list.
        changes: All changes of the list, the first first.
        at: When the list was issued: who is trusted until an earlier moment vouches for nothing any more.
    """
    changes = list(changes)
    known = {record.public.id for record in trust.keys}
    by_owners = any(record.role == OWNER for record in trust.keys)
    lost = {each for change in changes for each, kind, _ in ends_of(change) if kind == COMPROMISED}
    standing = {
        record.public.id: record.public
        for record in trust.keys
        if _may(record, by_owners) and _is_standing(record, at) and record.public.id not in lost
    }
    found: set[str] = set()
    for change in changes:
        new = change.added
        if new is not None and new.public.id not in known and _vouching(change, standing) >= trust.threshold:
            found.add(new.public.id)
            if _may(new, by_owners) and new.public.id not in lost:
                standing[new.public.id] = new.public
        for key_id, _, _ in ends_of(change):
            standing.pop(key_id, None)
    return frozenset(found)


def _may(record: KeyRecord, by_owners: bool) -> bool:
    return record.role == OWNER if by_owners else record.role != REVIEWER


def _is_standing(record: KeyRecord, at: str) -> bool:
    return not record.revoked_at and (not record.expires or record.expires > at)


def _vouching(change: Change, standing: dict[str, PublicKey]) -> int:
    """How many of these keys signed it; each counts once, however often it signed."""
    return sum(change.is_signed_by(key) for key in standing.values())
