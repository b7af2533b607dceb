"""
Events: how uses are added up into rows, what a batch looks like on the wire, and which rows are refused.

Pure; client and server say the same with the same lines. A use is known by its day, its name, declared properties, and
where it ran (release, Python, system, architecture, CI): nothing else is ever sent. Equal uses are one row with a
count.

Start with `add_up` and `Batch`; the server starts with `read_batch` and `verdicts`.

Source: docs/protocol/usage.md, "Events".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from otumat.errors import Invalid, Problem
from otumat.spec.manifest import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from otumat.spec.manifest import DeclaredEvent

MEDIA_TYPE = "application/vnd.otumat.usage.v1+json"
BATCH_MAX_BYTES = 1024 * 1024
BATCH_MAX_ROWS = 2000
COUNT_MAX = 10**9
OLDEST_DAYS = 400

_BATCH_ID = re.compile(r"[0-9a-f]{32}")
_COPY_ID = re.compile(r"([0-9a-f]{32})?")
_INSTALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,63}")


class Where(NamedTuple):
    """Where a use ran: the package's release, `3.12`, `linux`, `x86_64`, whether in CI. Unknown is ""."""

    release: str = ""
    python: str = ""
    system: str = ""
    machine: str = ""
    ci: bool = False


class Use(NamedTuple):
    """One use: the UTC day, the event's name, its properties sorted by name, and where."""

    day: str
    name: str
    properties: tuple[tuple[str, str], ...] = ()
    where: Where = Where()


class Row(NamedTuple):
    """Equal uses, and how many times there was one."""

    use: Use
    times: int


class Verdict(NamedTuple):
    """Why a row, by its place in the batch, was not counted."""

    row: int
    code: str


@dataclass(frozen=True)
class Batch:
    """
    What one request carries.

    Attributes:
        batch: 32 hexadecimal digits, random: the idempotency key.
        sequence: 1, 2, 3, … per install: a gap tells the server that a batch was lost.
        manifest: Digest of the manifest that was consented to; "" for a package without one.
        lost: What this install had to leave out since its last batch, by reason (`room`, `unreadable`,
            `unanswered`) and event.
        copy: 32 hexadecimal digits, random: which copy of an image tells this; "" for the install itself.
    """

    install: str
    project: str
    batch: str
    sequence: int
    manifest: str = ""
    wording: int = 1
    agent: str = ""
    rows: tuple[Row, ...] = ()
    lost: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    copy: str = ""


def add_up(uses: Iterable[Use]) -> list[Row]:
    """
    Count equal uses. Adding up two halves and adding those equals adding up the whole.

    >>> add_up([Use("2026-11-21", "fetch"), Use("2026-11-20", "fetch"), Use("2026-11-21", "fetch")])[1].times
    2
    """
    counts: dict[Use, int] = {}
    for use in uses:
        counts[use] = counts.get(use, 0) + 1
    return [Row(use, counts[use]) for use in sorted(counts)]


def write_batch(batch: Batch) -> bytes:
    """The exact bytes of a request's body, before compression: JSON without blanks, rows grouped by where they ran."""
    groups: dict[Where, list[list[object]]] = {}
    for use, times in batch.rows:
        groups.setdefault(use.where, []).append([use.day, use.name, dict(use.properties), times])
    value = {
        "batch": batch.batch,
        "sequence": batch.sequence,
        "install": batch.install,
        "project": batch.project,
        "manifest": batch.manifest,
        "wording": batch.wording,
        "agent": batch.agent,
        "uses": [{**where._asdict(), "rows": rows} for where, rows in groups.items()],
        "lost": {why: dict(sorted(names.items())) for why, names in sorted(batch.lost.items())},
        **({"copy": batch.copy} if batch.copy else {}),
    }
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def read_batch(body: bytes) -> Batch:
    """
    Read a body that anybody may have sent.

    Errors:
        Invalid: it is no batch. Rows that are well-formed but not acceptable are for `verdicts`.
    """
    if len(body) > BATCH_MAX_BYTES:
        raise _invalid("body", f"A batch has at most {BATCH_MAX_BYTES} bytes.")
    try:
        return _batch(json.loads(body.decode()))  # bytes would be taken in UTF-16 and 32, too
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError) as exc:
        raise _invalid("body", "The body is no batch of uses.") from exc


def verdicts(
    batch: Batch, declared: Mapping[str, DeclaredEvent] | None, *, consented: date, today: date
) -> list[Verdict]:
    """
    Tell which rows are not to be counted, and why.

    Args:
        declared: The manifest's events by name; None for a project without a manifest, where any bare name will do.
        consented: Day of the consent; earlier uses were nobody's business.
        today: UTC day of the server; clocks ahead of it by a day are forgiven.

    Returns:
        One verdict a refused row, counted from 0 in the order of the body: `malformed`, `undeclared`, `expired`,
        `before_consent`, `future`, `too_old`.
    """
    fine: dict[str, bool] = {}  # days: what is declared without an end, on a day that is fine, needs no second look
    found: list[Verdict] = []
    for number, (use, times) in enumerate(batch.rows):
        day, name, properties, _ = use
        if day not in fine:
            fine[day] = not _fault(Use(day, "any"), None, consented, today)
        event = declared.get(name) if declared else None
        if event and not event.expires and event.pairs.issuperset(properties) and fine[day] and times:
            continue
        code = _fault(use, declared, consented, today) if times else "malformed"
        if code:
            found.append(Verdict(number, code))
    return found


def _fault(use: Use, declared: Mapping[str, DeclaredEvent] | None, consented: date, today: date) -> str:
    day = _day(use.day)
    if day is None or not EVENT_NAME.fullmatch(use.name):
        return "malformed"
    if not is_declared(use, declared):
        return "undeclared"
    expires = declared[use.name].expires if declared is not None else None
    if expires is not None and day > expires:
        return "expired"
    if day < consented:
        return "before_consent"
    if day > today:
        return "future" if (day - today).days > 1 else ""
    return "too_old" if (today - day).days > OLDEST_DAYS else ""


def is_declared(use: Use, declared: Mapping[str, DeclaredEvent] | None) -> bool:
    """
    Whether an event and every one of its properties stands in the manifest.

    >>> from otumat.spec.manifest import DeclaredEvent
    >>> declared = {"fetch": DeclaredEvent("fetch", properties=(("backend", ("mysql", "other")),))}
    >>> is_declared(Use("2026-11-21", "fetch", (("backend", "mysql"),)), declared)
    True
    >>> is_declared(Use("2026-11-21", "fetch", (("backend", "alice"),)), declared)
    False
    """
    if declared is None:
        return not use.properties
    event = declared.get(use.name)
    return event is not None and event.pairs.issuperset(use.properties)


def _day(text: str) -> date | None:
    """A day in the one spelling that is taken; ISO 8601 has more."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.isoformat() == text else None


def _batch(value: dict[str, object]) -> Batch:
    rows = [row for group in _list(value["uses"]) for row in _rows(_list(group["rows"]), _where(group))]
    if len(rows) > BATCH_MAX_ROWS:
        raise _invalid("uses", f"A batch has at most {BATCH_MAX_ROWS} rows.")
    return Batch(
        install=_matching(_INSTALL_ID, value["install"]),
        project=_matching(_CONTEXT, value["project"]),
        batch=_matching(_BATCH_ID, value["batch"]),
        sequence=_whole(value["sequence"]),
        manifest=_matching(re.compile(r"(sha256:[0-9a-f]{64})?"), value.get("manifest", "")),
        wording=_whole(value.get("wording", 1)),
        agent=_matching(re.compile(r"[ -~]{0,64}"), value.get("agent", "")),
        rows=tuple(rows),
        lost=_lost(value.get("lost", {})),
        copy=_matching(_COPY_ID, value.get("copy", "")),
    )


def _rows(cells: list[object], where: Where) -> Iterator[Row]:
    """Checked in place, and made without the call that names fields: a row is read in a microsecond."""
    made = tuple.__new__
    for each in cells:
        if type(each) is not list:
            raise TypeError
        day, name, properties, times = each
        if type(day) is not str or type(name) is not str or type(properties) is not dict or type(times) is not int:
            raise TypeError
        for value in properties.values():
            if type(value) is not str:
                raise TypeError
        if not 0 <= times <= COUNT_MAX:
            raise ValueError
        use = made(Use, (day, name, tuple(sorted(properties.items())), where))
        yield made(Row, (use, times))


def _where(group: dict[str, object]) -> Where:
    release, python, system, machine = (_known(group.get(name)) for name in Where._fields[:4])
    return Where(release, python, system, machine, group.get("ci") is True)


def _known(value: object) -> str:
    """What does not look like a release, a Python or a system is not known."""
    return value if isinstance(value, str) and _CONTEXT.fullmatch(value) else ""


def _lost(value: object) -> dict[str, dict[str, int]]:
    if not isinstance(value, dict) or len(value) > 10:
        raise TypeError
    kept: dict[str, dict[str, int]] = {}
    for why, names in value.items():
        if not isinstance(names, dict) or len(names) > 1000:
            raise TypeError
        kept[_str(why)[:40]] = {_matching(EVENT_NAME, name): _whole(count) for name, count in names.items()}
    return kept


def _list(value: object) -> list:  # type: ignore[type-arg]
    if not isinstance(value, list):
        raise TypeError
    return value


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= COUNT_MAX:
        raise TypeError
    return value


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if not pattern.fullmatch(_str(value)):
        raise ValueError
    return _str(value)


def _invalid(where: str, message: str) -> Invalid:
    return Invalid([Problem(f"batch.{where}", where, message, rule="docs/protocol/usage.md, Events")])
