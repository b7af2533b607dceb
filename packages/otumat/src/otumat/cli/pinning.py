"""`otumat keys fetch` and `otumat keys pin`: the keys an index lists, looked at and taken into the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.cli import keyring
from otumat.cli.connection import transport
from otumat.cli.console import printable
from otumat.cli.credentials import for_reading
from otumat.errors import Conflict, NotFound
from otumat.spec.keys import key_problems
from otumat.trust.fetching import fetch_keys, merged
from otumat.trust.policy import Policy, load, save

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings
    from otumat.spec.vouching.keyring import KeyRecord
    from otumat.trust.fetching import Merged

NEWS = 1
"""Exit code of `pin` when a key was held back: somebody has to decide."""


def fetch(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Show the keys an index lists, beside what the policy says of each. Changes nothing."""
    listed = _listed(options, settings)
    known = {record.public.id for record in load(keyring.policy_path(options, settings)).of(options.project).keys}
    if console.as_json:
        keys = [{**record.to_dict(), "pinned": record.public.id in known} for record in listed]
        console.show_json({"ok": True, "project": options.project, "keys": keys})
        return 0
    rows = [
        (
            record.public.id,
            record.public.kind,
            record.role,
            _state(record),
            _pinned(record, known),
            printable(record.note),
        )
        for record in listed
    ]
    console.show_columns(("key", "kind", "role", "there", "here", "note"), rows)
    return 0


def pin(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Take the keys an index lists into the policy: all at first, later only what takes trust away."""
    path = keyring.policy_path(options, settings)
    policy, listed = load(path), _listed(options, settings)
    own = Policy({options.project: policy.of(options.project)}).projects
    name, trust = next(iter(own.items()))
    if name not in policy.projects and trust.keys:
        message = f"A pattern of your policy covers {options.project} already, and its keys would count no more."
        raise Conflict(message, code="policy.pattern", hint="Add keys of its own with: otumat keys add FILE --for NAME")
    weak = [record for record in listed if not record.revoked_at and key_problems(record.public, others=())]
    result = merged(trust, [record for record in listed if record not in weak], accept_new=options.new)
    if result.added or result.ended:
        save(Policy({**policy.projects, name: result.trust}, enforcement=policy.enforcement, source=path), path)
    _tell(result, weak, options, path, console)
    return NEWS if result.held_back or weak else 0


def _listed(options: argparse.Namespace, settings: Settings) -> tuple[KeyRecord, ...]:
    index = settings.find_index(options.index)
    found = fetch_keys(options.project, on=index, by=for_reading(settings, index), over=transport())
    if not found:
        hint = "Ask its maintainers to add one, or trust a key from elsewhere: otumat keys add FILE --for NAME"
        raise NotFound(f"{index.url} lists no key for {options.project}.", code="keys.none", hint=hint)
    return found


def _tell(result: Merged, weak: list[KeyRecord], options: argparse.Namespace, path: str, console: Console) -> None:
    lines = [
        *(("added", record) for record in result.added),
        *(("ended", record) for record in result.ended),
        *(("held back", record) for record in result.held_back),
        *(("too weak", record) for record in weak),
        *(("not listed there", record) for record in result.unlisted),
    ]
    if console.as_json:
        changes = [{"change": what, **record.to_dict()} for what, record in lines]
        console.show_json({"ok": True, "project": options.project, "policy": path, "changes": changes})
        return
    for what, record in lines:
        console.show(f"{what}: {record.public.id} {printable(record.note)}".rstrip())
    if not lines:
        console.show(f"Nothing is new: {printable(path)} has the keys of {printable(options.project)}.")
    if result.added:
        console.note("Compare them with what its maintainers say elsewhere: the index was taken at its word.")
    if result.held_back:
        console.note("A key is new there. Ask its maintainers whether it is theirs, then: otumat keys pin NAME --new")


def _state(record: KeyRecord) -> str:
    return f"{record.revoked_for} {record.revoked_at[:10]}" if record.revoked_at else f"since {record.added[:10]}"


def _pinned(record: KeyRecord, known: set[str]) -> str:
    return "trusted" if record.public.id in known else "-"
