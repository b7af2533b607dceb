"""
What a package may record: its usage manifest.

A TOML file `otumat-usage.toml` (or the same as JSON, `otumat-usage.json`) in the package's folder names every event,
every property with its closed vocabulary, what for, and until when. Client and server refuse what is not declared.
Pure; start with `from_table`.

    project = "datajoint"
    purpose = "To learn which features are used, before we change them."
    host = "https://index.example.org"

    [[event]]
    name = "fetch"
    purpose = "How often data are read, and from which kind of database."
    expires = 2027-12-31
    properties = {backend = ["mysql", "postgresql", "other"]}

Source: docs/protocol/usage.md, "The manifest".
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from otumat.errors import Invalid, Problem
from otumat.spec.names import normalize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILENAME = "otumat-usage.toml"
FILENAME_JSON = "otumat-usage.json"

MANIFEST_MAX_BYTES = 64 * 1024
MAX_EVENTS = 200
MAX_PROPERTIES = 10
MAX_VALUES = 50
TEXT_MAX_CHARS = 500

ACCOUNTS = ("none", "optional", "required")

EVENT_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.: -]{0,98}[A-Za-z0-9_.:-])?")
_DECLARED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}")
_RESERVED = frozenset({"event_type", "until"})


@dataclass(frozen=True)
class DeclaredEvent:
    """
    One event that a package may record.

    Attributes:
        properties: Pairs (name, values that it may have), sorted by name; values in the order of the manifest.
        expires: Last day on which it is recorded; None for no end.
    """

    name: str
    purpose: str = ""
    properties: tuple[tuple[str, tuple[str, ...]], ...] = ()
    expires: date | None = None

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Every property with every value that it may have."""
        return frozenset((name, value) for name, values in self.properties for value in values)


@dataclass(frozen=True)
class Manifest:
    """
    Everything a package may record.

    Attributes:
        project: Normalised name of the project on the index.
        host: Where events go; "" leaves it to the agent.
        account: Whether an install is bound to a person: `none`, `optional` or `required`.
        expires: Last day of the whole manifest.
    """

    project: str
    purpose: str
    events: tuple[DeclaredEvent, ...]
    host: str = ""
    account: str = "optional"
    expires: date | None = None

    def find(self, name: str) -> DeclaredEvent | None:
        return next((event for event in self.events if event.name == name), None)


def from_table(table: Mapping[str, object]) -> Manifest:
    """
    Read a manifest from what TOML or JSON parsed to.

    Errors:
        Invalid: with every problem of the manifest at once.
    """
    problems: list[Problem] = []
    manifest = Manifest(
        project=normalize(_text(table, "project", problems, needed=True)),
        purpose=_text(table, "purpose", problems, needed=True),
        host=_host(table, problems),
        account=_account(table, problems),
        expires=_day(table, "expires", problems),
        events=tuple(_events(table.get("event", ()), problems)),
    )
    _refuse_unknown(table, {"project", "purpose", "host", "account", "expires", "event"}, "", problems)
    if problems:
        raise Invalid(problems)
    return manifest


def to_table(manifest: Manifest) -> dict[str, object]:
    """The same as JSON-ready values; `from_table` reads it back."""
    events = [
        {
            "name": event.name,
            "purpose": event.purpose,
            "expires": event.expires.isoformat() if event.expires else "",
            "properties": {name: list(values) for name, values in event.properties},
        }
        for event in manifest.events
    ]
    expires = manifest.expires.isoformat() if manifest.expires else ""
    return {
        "project": manifest.project,
        "purpose": manifest.purpose,
        "host": manifest.host,
        "account": manifest.account,
        "expires": expires,
        "event": events,
    }


def digest(manifest: Manifest) -> str:
    """
    Identify what is asked for: the order of events, properties and values, and comments in the file, do not matter.

    Returns:
        `sha256:` and 64 hexadecimal digits of the canonical JSON (sorted keys, no blanks, UTF-8).
    """
    canonical = replace(
        manifest,
        events=tuple(
            replace(event, properties=tuple((name, tuple(sorted(values))) for name, values in sorted(event.properties)))
            for event in sorted(manifest.events, key=lambda each: each.name)
        ),
    )
    text = json.dumps(to_table(canonical), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def what_is_new(manifest: Manifest, accepted: Mapping[str, DeclaredEvent]) -> tuple[DeclaredEvent, ...]:
    """
    What a manifest asks beyond what was accepted: new events, and known ones with only their new properties and values.

    A later expiry is new, too. What the manifest no longer has needs no answer.
    """
    return tuple(new for event in manifest.events if (new := _beyond(event, accepted.get(event.name))))


def _beyond(event: DeclaredEvent, known: DeclaredEvent | None) -> DeclaredEvent | None:
    if known is None:
        return event
    before = dict(known.properties)
    properties = tuple(
        (name, fresh)
        for name, values in event.properties
        if (fresh := tuple(value for value in values if value not in before.get(name, ())))
    )
    longer = known.expires is not None and (event.expires is None or event.expires > known.expires)
    return replace(event, properties=properties) if properties or longer else None


def _events(value: object, problems: list[Problem]) -> Iterator[DeclaredEvent]:
    if not isinstance(value, list | tuple) or len(value) > MAX_EVENTS:
        problems.append(_problem("event", f"Events are [[event]] tables, at most {MAX_EVENTS}."))
        return
    seen: set[str] = set()
    for table in value:
        if not isinstance(table, dict):
            problems.append(_problem("event", "An event is a table.", value=str(table)))
            continue
        name = _text(table, "name", problems, needed=True)
        if name and (not _DECLARED_NAME.fullmatch(name) or name in seen):
            why = "is declared twice" if name in seen else "is no event name"
            problems.append(
                _problem("event.name", f"{name!r} {why}.", value=name, hint="Letters, digits, _ . : -, at most 64.")
            )
        seen.add(name)
        _refuse_unknown(table, {"name", "purpose", "expires", "properties"}, f"event {name}: ", problems)
        yield DeclaredEvent(
            name,
            _text(table, "purpose", problems, needed=True),
            tuple(_properties(table.get("properties", {}), name, problems)),
            _day(table, "expires", problems),
        )


def _properties(value: object, event: str, problems: list[Problem]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not isinstance(value, dict) or len(value) > MAX_PROPERTIES:
        problems.append(
            _problem("event.properties", f"Properties of {event!r} are a table of at most {MAX_PROPERTIES}.")
        )
        return
    for name, values in sorted(value.items()):
        if not _PROPERTY.fullmatch(name) or name in _RESERVED:
            problems.append(
                _problem("event.properties", f"{name!r} is no name of a property.", value=name, hint="Use a-z, 0-9, _.")
            )
        if not _is_vocabulary(values):
            problems.append(
                _problem(
                    "event.properties",
                    f"{name!r} of {event!r} needs a list of 1 to {MAX_VALUES} different values.",
                    value=str(values),
                    hint="Letters, digits, _ . + -, at most 40: what a user types never becomes a value.",
                )
            )
            continue
        yield name, tuple(values)


def _is_vocabulary(values: object) -> bool:
    if not isinstance(values, list | tuple) or not 1 <= len(values) <= MAX_VALUES:
        return False
    return all(isinstance(each, str) and _VALUE.fullmatch(each) for each in values) and len(set(values)) == len(values)


def _text(table: Mapping[str, object], field: str, problems: list[Problem], *, needed: bool = False) -> str:
    value = table.get(field, "")
    if not isinstance(value, str) or len(value) > TEXT_MAX_CHARS or not value.isprintable():
        problems.append(
            _problem(field, f"{field} is one line of text, at most {TEXT_MAX_CHARS} characters.", value=str(value))
        )
        return ""
    if needed and not value.strip():
        problems.append(_problem(field, f"{field} is missing.", hint="People are asked with these words."))
    return value.strip()


def _host(table: Mapping[str, object], problems: list[Problem]) -> str:
    host = _text(table, "host", problems).rstrip("/")
    if host and not is_host(host):
        problems.append(
            _problem("host", f"{host} is no address of an index.", value=host, hint="https://…, or http on loopback.")
        )
    return host


def is_host(host: str) -> bool:
    """
    Whether events may go there: https, or plain http to this very machine; no password, query or fragment.

    >>> is_host("https://index.example.org"), is_host("http://localhost:8000"), is_host("http://index.example.org")
    (True, True, False)
    """
    match = re.fullmatch(r"(https?)://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", host)
    if not match:
        return False
    return match[1] == "https" or match[2] in ("localhost", "127.0.0.1", "[::1]")


def _account(table: Mapping[str, object], problems: list[Problem]) -> str:
    account = _text(table, "account", problems) or "optional"
    if account not in ACCOUNTS:
        problems.append(_problem("account", f"account is one of {', '.join(ACCOUNTS)}.", value=account))
    return account


def _day(table: Mapping[str, object], field: str, problems: list[Problem]) -> date | None:
    value = table.get(field) or None
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            pass
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    problems.append(_problem(field, f"{field} is a day, such as 2027-12-31.", value=str(value)))
    return None


def _refuse_unknown(table: Mapping[str, object], known: set[str], where: str, problems: list[Problem]) -> None:
    for name in sorted(set(table) - known):
        problems.append(_problem(name, f"{where}{name!r} is no field of a usage manifest.", value=name))


def _problem(field: str, message: str, *, value: str = "", hint: str = "") -> Problem:
    return Problem(
        f"manifest.{field}", field, message, value=value, hint=hint, rule="docs/protocol/usage.md, The manifest"
    )
