"""
An index's half of the signed lists of keys, and a host's, of the same code as theirs.

`Keeper` holds a history and signs what it is told to, also what it should not; `Host` does what `otumat keys pin` does.
"""

from __future__ import annotations

import calendar
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from otumat.spec.key_list import Change, composed_addition, composed_end, composed_list, read_change
from otumat.spec.statement import strict_json
from otumat.spec.vouching.keyring import KeyRecord, ProjectTrust
from otumat.trust.fetching import checked_list, moment
from otumat.trust.pinning import Merged, merged
from otumat.trust.signing.private import PrivateKey

HOME = "https://index.example.org"
NOW = calendar.timegm((2026, 3, 1, 12, 0, 0))
DAY = 86_400


def new_key() -> PrivateKey:
    return PrivateKey(Ed25519PrivateKey.generate())


class Keeper:
    """Whoever keeps a project's history and can sign lists of it."""

    def __init__(self, project: str = "plugin1", *, index: str = HOME, key: PrivateKey | None = None) -> None:
        self.project, self.index = project, index
        self.signers = [key or new_key()]
        self.changes: list[Change] = []
        self.witnessed: dict[str, list[str]] = {}

    def fork(self) -> Keeper:
        """The same index, with the same past, going its own way from here."""
        other = Keeper(self.project, index=self.index)
        other.signers, other.changes = list(self.signers), list(self.changes)
        return other

    @property
    def place(self) -> dict[str, Any]:
        previous = self.changes[-1].digest if self.changes else ""
        return {"number": len(self.changes) + 1, "previous": previous, "at": moment(NOW - DAY)}

    def add(
        self, key: PrivateKey, *by: PrivateKey, role: str = "maintainer", replaces: PrivateKey | None = None,
        **place: Any
    ) -> Keeper:  # fmt: skip
        """A key comes; these old ones sign its coming."""
        old = replaces.public.id if replaces else ""
        record = KeyRecord(key.public, role=role)
        payload = composed_addition(self.project, key=record, replaces=old, **{**self.place, **place})
        return self._write(payload, by)

    def end(self, key: PrivateKey, kind: str = "superseded", *, days_ago: int = 0) -> Keeper:
        since = moment(NOW - days_ago * DAY)
        payload = composed_end(self.project, key_id=key.public.id, kind=kind, since=since, **self.place)
        return self._write(payload, ())

    def _write(self, payload: bytes, by: tuple[PrivateKey, ...]) -> Keeper:
        told = {"payload": strict_json.base64_of(payload)}
        message = read_change(told).message
        signatures = [{"keyid": each.public.id, "sig": strict_json.base64_of(each.sign(message))} for each in by]
        self.changes.append(read_change({**told, "signatures": signatures}))
        return self

    def listed(self, *, at: float = NOW, days: float = 14) -> bytes:
        signers = [(each.public, each.sign) for each in self.signers]
        return composed_list(
            self.project,
            self.changes,
            index=self.index,
            issued=moment(at),
            expires=moment(at + days * DAY),
            signers=signers,
            witnessed=self.witnessed,
        )


class Host:
    """Somebody who relies on the project: what `otumat keys pin` does, and the entry that it keeps."""

    def __init__(self, trust: ProjectTrust | None = None) -> None:
        self.trust = trust or ProjectTrust()

    def pin(self, data: bytes, *, at: float = NOW, asked: str = HOME, new: bool = False, **words: Any) -> Merged:
        found = checked_list(data, "plugin1", asked=asked, pin=self.trust.source, at=at, **words)
        result = merged(self.trust, found, accept_new=new)
        self.trust = ProjectTrust.from_dict(result.trust.to_dict())  # through the policy file and back
        return result

    @property
    def ids(self) -> set[str]:
        return {each.public.id for each in self.trust.keys if not each.revoked_at}
