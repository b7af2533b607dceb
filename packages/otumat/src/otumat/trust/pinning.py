"""
What becomes of a policy that takes in a list of keys. Pure.

An index is taken at its word once. From then on it is believed when it takes trust away; a key that is new counts only
where the old ones signed its coming, or where somebody says so.
"""

from __future__ import annotations

from otumat.spec.key_list import proven
from otumat.spec.key_list.changes import ended
from otumat.spec.keys import key_problems
from otumat.spec.vouching.keyring import ProjectTrust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from otumat.spec.key_list import KeyList
    from otumat.spec.vouching.keyring import KeyRecord


class Merged:
    """
    A project's entry after an index was asked.

    Attributes:
        trust: The entry to be kept; it remembers the list.
        added: Keys that are new in it. proven: Those of them that old keys vouch for.
        held_back: Keys that would be new, had somebody said so. weak: Keys that no policy takes.
        ended: Keys whose end was news. unlisted: Keys of the policy that the index does not know.
    """

    __slots__ = ("added", "ended", "held_back", "proven", "trust", "unlisted", "weak")

    def __init__(
        self,
        trust: ProjectTrust,
        *,
        added: Iterable[KeyRecord] = (),
        proven: Iterable[KeyRecord] = (),
        held_back: Iterable[KeyRecord] = (),
        weak: Iterable[KeyRecord] = (),
        ended: Iterable[KeyRecord] = (),
        unlisted: Iterable[KeyRecord] = (),
    ) -> None:
        self.trust, self.added, self.proven, self.held_back = trust, tuple(added), tuple(proven), tuple(held_back)
        self.weak, self.ended, self.unlisted = tuple(weak), tuple(ended), tuple(unlisted)


def merged(trust: ProjectTrust, found: KeyList, *, accept_new: bool = False) -> Merged:
    """
    Take a list that was checked into a project's entry; whatever is asked of the project besides stays.

    Args:
        accept_new: Take keys that are new although there are some already, and none of those vouches for them.
    """
    mine = {record.public.id: record for record in trust.keys}
    new = [record for key_id, record in found.records.items() if key_id not in mine]
    weak = [record for record in new if not record.revoked_at and key_problems(record.public, others=())]
    vouched = proven(trust, found.changes, at=found.issued)
    # One that ended is no exception: it may end in a hundred years, and the index says what it signed before.
    takes = [record for record in new if record not in weak and (accept_new or not mine or record.public.id in vouched)]
    kept = [_ended(record, found.records.get(record.public.id)) for record in trust.keys]
    changed = {"keys": [*kept, *takes], "source": found.pin}
    added = [record for record in takes if not record.revoked_at]
    return Merged(
        ProjectTrust(**{name: getattr(trust, name) for name in ProjectTrust.__slots__} | changed),
        added=added,
        proven=[record for record in added if record.public.id in vouched],
        held_back=[record for record in new if record not in (*takes, *weak) and not record.revoked_at],
        weak=weak,
        ended=[now for was, now in zip(trust.keys, kept, strict=True) if now is not was],
        unlisted=[record for key_id, record in mine.items() if key_id not in found.records],
    )


def _ended(mine: KeyRecord, theirs: KeyRecord | None) -> KeyRecord:
    """A key of the policy with the end that the index knows of, where that comes earlier or is graver than our own."""
    if theirs is None or not theirs.revoked_at:
        return mine
    return ended(mine, theirs.revoked_for, theirs.revoked_at, before=theirs.before)
