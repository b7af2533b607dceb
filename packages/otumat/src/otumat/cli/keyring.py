"""`otumat keys`: the policy file, one change at a time."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from otumat.cli.console import printable
from otumat.errors import Invalid, NotFound, OtumatError, Problem
from otumat.spec.keys import BadKey, PublicKey, key_problems
from otumat.spec.statement import Malformed
from otumat.trust.enforce.rules import Dependencies, GroupRules
from otumat.trust.policy import KeyRecord, Policy, ProjectTrust, default_path, is_moment, load, save

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings

_MAX_KEY_BYTES = 64 * 1024


def add(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Trust a key for a project."""
    check_apart(options, "index", "sign_with")
    path = policy_path(options, settings)
    policy = load(path)
    public = read_public(options.file)
    known = [record.public for trust in policy.projects.values() for record in trust.keys]
    if problems := key_problems(public, others=known):
        raise Invalid(problems, message=f"{options.file} is not trusted.")
    record = KeyRecord(
        public,
        role=options.role,
        note=options.note,
        added=_now(),
        expires=_day(options.expires) if options.expires else "",
    )
    trust = _own(policy, options.project)
    kept = [each for each in trust.keys if each.public != public]
    _save(policy, options.project, _with(trust, keys=[*kept, record]), path)
    return _done(console, path, f"{public.id} is trusted for {options.project} now.", record.to_dict())


def list_keys(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Tell the whole policy."""
    path = policy_path(options, settings)
    policy = load(path)
    if console.as_json:
        projects = {name: trust.to_dict() for name, trust in sorted(policy.projects.items())}
        console.show_json({"ok": True, "policy": path, "projects": projects})
        return 0
    rows = [
        (name, record.public.id[:16], record.public.kind, record.role, _state(record), record.note)
        for name, trust in sorted(policy.projects.items())
        for record in trust.keys
    ]
    if rows:
        console.show_columns(("project", "key", "kind", "role", "state", "note"), rows)
    else:
        console.note(f"{path} trusts nobody yet. Add a key with: otumat keys add FILE --for NAME")
    return 0


def remove(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Forget a key: what it signed is signed by a stranger then."""
    path = policy_path(options, settings)
    policy = load(path)
    trust = _own(policy, options.project)
    kept = [record for record in trust.keys if not record.public.id.startswith(options.id)]
    if len(trust.keys) - len(kept) != 1:
        raise _which(options.id, len(trust.keys) - len(kept))
    _save(policy, options.project, _with(trust, keys=kept), path)
    return _done(console, path, f"It is no longer trusted for {options.project}.", {})


def revoke(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Mark a key as revoked, wherever it is listed; the entry stays, so that a verdict can say why."""
    check_apart(options, "index", "since", "words")
    path = policy_path(options, settings)
    policy = load(path)
    found = {
        record.public.id
        for trust in policy.projects.values()
        for record in trust.keys
        if record.public.id.startswith(options.id)
    }
    if len(found) != 1:
        raise _which(options.id, len(found))
    for trust in policy.projects.values():
        for record in trust.keys:
            if record.public.id in found and not (record.revoked_at and record.revoked_for == "compromised"):
                record.revoked_at, record.revoked_for = record.revoked_at or _now(), options.reason
    save(policy, path)
    return _done(console, path, f"{found.pop()} is revoked ({options.reason}).", {})


def ask(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Set what is asked of a project; what is not named stays."""
    path = policy_path(options, settings)
    policy = load(path)
    changes = {
        "threshold": options.threshold,
        "minimum_version": options.minimum_version,
        "minimum_sequence": options.minimum_sequence,
        "modern_from": options.modern_from,
        "legacy": None if options.legacy is None else options.legacy == "yes",
        "stale": options.stale,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    try:
        trust = _with(_own(policy, options.project), **given)
    except Malformed as exc:
        raise Invalid([Problem("policy.value", "policy", f"That cannot be asked: {exc}.")]) from None
    _save(policy, options.project, trust, path)
    return _done(console, path, f"That is asked of {options.project} now.", trust.to_dict())


def mode(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Set how strictly plugins are loaded, all of them or those of one group."""
    path = policy_path(options, settings)
    policy = load(path)
    rules = policy.enforcement
    if options.group:
        rules.groups.setdefault(options.group, GroupRules()).mode = options.mode
    else:
        rules.mode = options.mode
    rules.editable = options.editable or rules.editable
    asked, excepted = rules.dependencies, options.excepted
    rules.dependencies = Dependencies(
        options.dependencies or asked.mode, asked.excepted if excepted is None else excepted
    )
    save(policy, path)
    whose = f"Plugins of {options.group}" if options.group else "Plugins"
    return _done(console, path, f"{whose} are loaded in the mode '{options.mode}' now.", rules.to_dict())


def policy_path(options: argparse.Namespace, settings: Settings) -> str:
    """The file that is meant."""
    chosen: str = options.policy
    return os.path.expanduser(chosen) if chosen else default_path(os.environ, str(settings.home or Path.home()))


def check_apart(options: argparse.Namespace, *others: str) -> None:
    """
    Refuse options of the other half of a command: one is about your policy, one about an index.

    Errors:
        OtumatError: `keys.place`.
    """
    for name in others:
        if getattr(options, name):
            told = f"--{name.replace('_', '-')} goes {'without' if options.at else 'with'} --project."
            hint = "With --project NAME an index is told of a key; without, this is about whom you trust."
            raise OtumatError(told, code="keys.place", hint=hint)


def read_public(path: str) -> PublicKey:
    """
    A public key from a file: PEM, or a line as OpenSSH has it.

    Errors:
        NotFound: `path.missing`. Invalid: `key.unreadable`, it is something else, a private key above all.
    """
    try:
        with open(os.path.expanduser(path), "rb") as file:
            data = file.read(_MAX_KEY_BYTES + 1)
    except OSError as exc:
        raise NotFound(f"{path!r} cannot be read: {exc.strerror or exc}.", code="path.missing") from exc
    try:
        if data.startswith(b"ssh-"):
            return PublicKey.from_openssh(data.decode("utf-8", "replace"))
        return PublicKey.from_pem(data)
    except BadKey as exc:
        told = f"{path} cannot be used: {exc}."
        raise Invalid([Problem("key.unreadable", "key", told)], message=told) from None


def _own(policy: Policy, name: str) -> ProjectTrust:
    """The entry of this very name or pattern; a new one where there is none, whatever a pattern says."""
    return Policy({name: policy.projects.get(next(iter(Policy({name: ProjectTrust()}).projects)), ProjectTrust())}).of(
        name.replace("*", "")
    )


def _with(trust: ProjectTrust, **changes: object) -> ProjectTrust:
    values = {name: getattr(trust, name) for name in ProjectTrust.__slots__} | changes
    return ProjectTrust(values.pop("keys"), **values)


def _save(policy: Policy, name: str, trust: ProjectTrust, path: str) -> None:
    key = next(iter(Policy({name: trust}).projects))
    save(Policy({**policy.projects, key: trust}, enforcement=policy.enforcement, source=path), path)


def _done(console: Console, path: str, text: str, told: dict[str, object] | dict[str, str]) -> int:
    if console.as_json:
        console.show_json({"ok": True, "policy": path, "result": told})
    else:
        console.show(printable(text))
        console.note(f"Kept in {printable(path)}.")
    return 0


def _state(record: KeyRecord) -> str:
    if record.revoked_at:
        return f"revoked {record.revoked_at[:10]}"
    return f"until {record.expires[:10]}" if record.expires else "trusted"


def _which(wanted: str, count: int) -> NotFound:
    how_many = "No key begins" if not count else f"{count} keys begin"
    return NotFound(f"{how_many} with {wanted!r}.", code="key.missing", hint="List them with: otumat keys list")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _day(text: str) -> str:
    if not is_moment(moment := f"{text}T00:00:00Z"):
        raise Invalid([Problem("policy.value", "expires", f"{text!r} is no day such as 2027-12-31.")])
    return moment
