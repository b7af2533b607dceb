"""`otumat keys fetch` and `otumat keys pin`: the keys an index lists, looked at and taken into the policy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from otumat.cli import keyring
from otumat.cli.connection import transport
from otumat.cli.console import RED, YELLOW, printable
from otumat.cli.credentials import for_reading
from otumat.errors import Conflict, NotFound, OtumatError
from otumat.trust.fetching import checked_list, fetch_list
from otumat.trust.pinning import merged
from otumat.trust.policy import Policy, load, save

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings
    from otumat.spec.key_list import KeyList
    from otumat.spec.vouching.keyring import KeyRecord, Pin
    from otumat.trust.pinning import Merged

NEWS = 1
"""Exit code of `pin` when a key was held back: somebody has to decide."""


def fetch(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Show the keys an index lists, beside what the policy says of each. Changes nothing."""
    trust = load(keyring.policy_path(options, settings)).of(options.project)
    listed = _listed(options.project, options, settings, trust.source)
    known = {record.public.id for record in trust.keys}
    if console.as_json:
        keys = [{**record.to_dict(), "pinned": record.public.id in known} for record in listed.records.values()]
        console.show_json({"ok": True, "project": listed.project, "keys": keys, "list": listed.pin.to_dict()})
        return 0
    rows = [
        (each.public.id, each.public.kind, each.role, _state(each), _pinned(each, known), printable(each.note))
        for each in listed.records.values()
    ]
    console.show_columns(("key", "kind", "role", "there", "here", "note"), rows)
    signers = ", ".join(f"{each.id[:16]}…" for each in listed.signers)
    count = "1 change" if len(listed.changes) == 1 else f"{len(listed.changes)} changes, the last one"
    console.note(f"{count} {listed.head[:16]}…, signed by the index's key {signers}.")
    return 0


def pin(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Take the keys an index lists into the policy: all at first; later what takes trust away, and what is proven."""
    if bool(options.project) == options.all:
        raise OtumatError("Name a project, or say --all.", code="project.none")
    if options.all:
        return _pin_all(options, settings, console)
    path = keyring.policy_path(options, settings)
    result = _pin(options.project, options, settings, path)
    if console.as_json:
        console.show_json({"ok": True, **_as_json(options.project, result, path)})
    else:
        _tell(options.project, _lines(result), path, console)
        _warn(options.project, result, options, console)
    return NEWS if result.held_back or result.weak else 0


def _pin_all(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The same for every project that was pinned before, each at its index; one that fails keeps none from the rest."""
    path = keyring.policy_path(options, settings)
    told: list[dict[str, object]] = []
    code = 0
    for name, trust in sorted(load(path).projects.items()):
        if trust.source is None:
            continue
        try:
            result = _pin(name, options, settings, path, at_index=trust.source.index)
        except OtumatError as exc:
            console.note(console.style(f"{name}: {printable(str(exc))}", RED, on_stderr=True))
            told.append({"project": name, "error": {"code": exc.code, "message": exc.message}})
            code = NEWS
            continue
        told.append(_as_json(name, result, path))
        code = NEWS if result.held_back or result.weak else code
        if not console.as_json and (lines := _lines(result)):
            console.show(f"{printable(name)}:")
            _tell(name, lines, path, console)
            _warn(name, result, options, console)
    if console.as_json:
        console.show_json({"ok": not code, "projects": told})
    else:
        console.note(f"{len(told)} asked about." if told else f"{printable(path)} has no project from an index yet.")
    return code


def _pin(project: str, options: argparse.Namespace, settings: Settings, path: str, *, at_index: str = "") -> Merged:
    policy = load(path)
    name, trust = next(iter(Policy({project: policy.of(project)}).projects.items()))
    if name not in policy.projects and trust.keys:
        message = f"A pattern of your policy covers {project} already, and its keys would count no more."
        raise Conflict(message, code="policy.pattern", hint="Add keys of its own with: otumat keys add FILE --for NAME")
    known = None if options.force else trust.source
    listed = _listed(project, options, settings, known, at_index=at_index)
    result = merged(trust, listed, accept_new=options.new or options.force)
    save(Policy({**policy.projects, name: result.trust}, enforcement=policy.enforcement, source=path), path)
    return result


def _listed(
    project: str, options: argparse.Namespace, settings: Settings, known: Pin | None, *, at_index: str = ""
) -> KeyList:
    index = settings.find_index(options.index or at_index)
    data = fetch_list(project, on=index, by=for_reading(settings, index), over=transport())
    given = [keyring.read_public(options.index_key)] if options.index_key else []
    found = checked_list(data, project, asked=index.url, pin=known, given=given, at=time.time())
    if not found.records:
        hint = "Ask its maintainers to add one, or trust a key from elsewhere: otumat keys add FILE --for NAME"
        raise NotFound(f"{index.url} lists no key for {project}.", code="keys.none", hint=hint)
    return found


def _lines(result: Merged) -> list[tuple[str, KeyRecord]]:
    """What is to be told of each key."""
    return [
        *(("added, proven by the keys before it" if each in result.proven else "added", each) for each in result.added),
        *(("ended", record) for record in result.ended),
        *(("held back", record) for record in result.held_back),
        *(("too weak", record) for record in result.weak),
        *(("not listed there", record) for record in result.unlisted),
    ]


def _as_json(project: str, result: Merged, path: str) -> dict[str, object]:
    changes = [
        {"change": what.partition(",")[0], "proven": each in result.proven, **each.to_dict()}
        for what, each in _lines(result)
    ]
    source = result.trust.source
    told = {"project": project, "policy": path, "changes": changes}
    return {**told, "list": source.to_dict() if source else {}}


def _tell(project: str, lines: list[tuple[str, KeyRecord]], path: str, console: Console) -> None:
    for what, record in lines:
        console.show(f"{what}: {record.public.id} {printable(record.note)}".rstrip())
    if not lines:
        console.show(f"Nothing is new: {printable(path)} has the keys of {printable(project)}.")


def _warn(project: str, result: Merged, options: argparse.Namespace, console: Console) -> None:
    taken = [record for record in result.added if record not in result.proven]
    name = printable(project)
    if options.force:
        told = "What was known of this index is forgotten: its key, and every list that it gave before."
        console.note(console.style(f"WARNING: {told}", RED, on_stderr=True))
    if taken and (options.new or options.force):
        ids = ", ".join(record.public.id[:16] + "…" for record in taken)
        told = f"Nothing but the index says that {ids} belongs to {name}: no key you trusted before vouches for it."
        console.note(console.style(f"WARNING: {told}", RED, on_stderr=True))
    elif taken:
        told = "Compare them with what its maintainers say elsewhere: the index was taken at its word, this once."
        console.note(console.style(told, YELLOW, on_stderr=True))
    if result.held_back:
        told = "A key is new there, and no key that you trust vouches for it. Ask its maintainers whether it is theirs,"
        console.note(f"{told} then: otumat keys pin {name} --new")


def _state(record: KeyRecord) -> str:
    return f"{record.revoked_for} {record.revoked_at[:10]}" if record.revoked_at else f"since {record.added[:10]}"


def _pinned(record: KeyRecord, known: set[str]) -> str:
    return "trusted" if record.public.id in known else "-"
