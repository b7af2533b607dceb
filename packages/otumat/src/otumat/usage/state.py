"""What there is to tell about a package: its level and who decided, what is held, what was sent, what is due."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from otumat.spec.consent import may_record
from otumat.usage import answers, batches, clock, copies, denials, due, held, outbox, places, tokens, tombstones
from otumat.usage.dialect03 import event_date

if TYPE_CHECKING:
    from otumat.usage.answers import Answer


def packages() -> list[str]:
    """The packages that there is any state of."""
    root = places.root()
    try:
        return sorted(name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name)))
    except OSError:
        return []


def logged(folder: str) -> list[tuple[str, str]]:
    """Every use that is held, as (UTC time, event); what was counted is one line a day, with how often."""
    return [
        (event_date(record.at_us), record.name if record.times == 1 else f"{record.name} × {record.times}")
        for record in outbox.unsent(folder)
    ]


def counts(folder: str) -> dict[str, int]:
    """How often each event is held."""
    found: dict[str, int] = {}
    for record in outbox.unsent(folder):
        found[record.name] = found.get(record.name, 0) + record.times
    return dict(sorted(found.items()))


def describe(package: str) -> dict[str, Any]:
    """Everything that `otumat usage status` tells, as JSON-ready values."""
    folder = places.folder(package)
    answer = answers.read(folder) if folder else answers.Answer()
    level, source = denials.effective(package, answer.level)
    rounds = due.read(folder) if folder else {}
    credential = tokens.read(tokens.path_of(folder)) if folder else None
    ended = credential.ended if credential else ""
    sent = batches.sent(folder)
    return {
        "package": places.key(package),
        "level": level,
        "decided_by": _decided_by(answer, level, source),
        "unknown_word": denials.unknown_word(source),
        "records": may_record(level),
        "answer": _answer(answer),
        "install": credential.install if credential else "",
        "copy_of_an_image": bool(folder and copies.name_of(folder)),
        "linked_to_account": bool(credential and credential.account),
        "ended": ended,
        "held": counts(folder),
        "batches_waiting": len(batches.waiting(folder)),
        "batches_sent": len(sent),
        "last_sent": max((str(each.note["sent"]) for each in sent), default=""),
        "lost": held.lost(folder),
        "next_round": rounds.get("due", "") if level == answers.ON and not ended else "",
        "last_success": rounds.get("last_success", ""),
        "trouble": rounds.get("trouble", "") if level == answers.ON else "",
        "hosts_to_be_told": len(tombstones.buried(folder)),
        "left_behind": len(tombstones.left(folder)),
        "folder": folder,
        "at": clock.moment(clock.now_s()),
    }


def _decided_by(answer: Answer, level: str, source: str) -> str:
    if level == answers.UNSET:
        return "nobody"
    if source == "user":
        return answer.reason or "you"
    return source


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "level": answer.level,
        "since": answer.since,
        "source": answer.source,
        "host": answer.host,
        "manifest": answer.manifest,
        "any_bare_name": answer.bare,
        "events": {
            name: {"until": until, "properties": {key: list(values) for key, values in properties.items()}}
            for name, (until, properties) in answer.events.items()
        },
    }
