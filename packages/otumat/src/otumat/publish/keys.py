"""The keys that an index lists for a project: added, put in the place of others, ended, by its owners."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from otumat.publish.api import Api


def add(api: Api, project: str, key: str, *, role: str, note: str, replaces: str = "") -> dict[str, object]:
    """
    Let a key sign for a project; in the place of another one where that is named.

    Args:
        key: The public key in PEM.

    Returns:
        The key as the index tells it.
    """
    body = {"key": key, "role": role, "note": note, "replaces": replaces}
    return api.ask("POST", "project", project, "keys", body=body)


def add_proven(api: Api, project: str, change: dict[str, object]) -> dict[str, object]:
    """The same by a change that keys of the project signed."""
    return api.ask("POST", "project", project, "keys", body={"change": change})


def revoke(api: Api, project: str, key_id: str, *, kind: str, reason: str = "", since: str = "") -> dict[str, object]:
    """End a key, for good: `superseded`, or `compromised` since a moment."""
    asked = {"kind": kind, "reason": reason, **({"since": since} if since else {})}
    return api.ask("DELETE", "project", project, "keys", key_id, query=urlencode(asked))
