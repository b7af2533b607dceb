"""
Batches on disk: the same bytes when they are shown, sent, sent again and kept.

A file of `outbox/` (and, afterwards, of `sent/`) is one line of JSON for us, then the exact body of the request. The
line tells which bytes of which segments the batch covers. A mark beside it says that it was tried: from then on it may
have arrived, whatever came back.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from otumat.usage import clock, held
from otumat.usage.files import write_whole

SENT_MAX = 100
REFUSED = "refused"
REFUSALS = {"malformed", "undeclared", "expired", "before_consent", "future", "too_old", REFUSED}
"""Why a host does not count a row of a batch that it takes; `refused` stands for what later protocols may say."""
_TRIED = ".tried"


@dataclass(frozen=True)
class Frozen:
    """
    A batch as it is on disk.

    Attributes:
        note: What we keep beside the body: `batch`, `sequence`, `covers`, `lost`, `dialect`; after sending `sent` and
            `answer`.
        body: The exact bytes, before compression.
    """

    path: str
    note: dict[str, Any]
    body: bytes

    @property
    def name(self) -> str:
        """Of its file, which stays, in whosever name the batch speaks."""
        return os.path.basename(self.path)

    @property
    def batch(self) -> str:
        return str(self.note["batch"])

    @property
    def sequence(self) -> int:
        return int(self.note["sequence"])

    @property
    def dialect(self) -> str:
        return str(self.note.get("dialect", ""))

    @property
    def install(self) -> str:
        """In whose name it speaks."""
        said = json.loads(self.body)
        return str(said.get("install") or said.get("installId", ""))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def is_tried(self) -> bool:
        """Whether it may have arrived."""
        return os.path.exists(self.path + _TRIED)

    def note_tried(self) -> None:
        write_whole(self.path + _TRIED, b"")

    def forget_tried(self) -> None:
        """After what can only mean that it did not arrive."""
        held.remove(self.path + _TRIED)


def waiting(folder: str) -> list[Frozen]:
    """Batches that were not taken yet, in the order of their sequence."""
    return sorted(_all(os.path.join(folder, "outbox")), key=lambda each: each.sequence)


def sent(folder: str) -> list[Frozen]:
    """Batches that were taken, oldest first."""
    return sorted(_all(os.path.join(folder, "sent")), key=lambda each: str(each.note.get("sent", "")))


def settle(folder: str, frozen: Frozen, answer: dict[str, Any], *, kept: bool) -> None:
    """Move a batch to what was sent, if that is kept."""
    note = frozen.note | {"sent": clock.moment(clock.now_s()), "answer": answer}
    if kept:
        write(os.path.join(folder, "sent", frozen.name), note, frozen.body)
    _remove(frozen)
    for old in sent(folder)[:-SENT_MAX]:
        held.remove(old.path)


def set_aside(folder: str, frozen: Frozen, *, why: str) -> None:
    """Give a batch up; the next one tells what was lost. Killed in between, it is given up again and counts once."""
    held.count_lost(folder, why, _uses(frozen), segment=frozen.name)
    _remove(frozen)


def write(path: str, note: dict[str, Any], body: bytes) -> None:
    write_whole(path, json.dumps(note, sort_keys=True).encode() + b"\n" + body)


def refused(frozen: Frozen, answer: dict[str, Any]) -> dict[str, dict[str, int]]:
    """What of a batch its host did not count, by reason and event."""
    told = answer.get("refused") if frozen.dialect == "1.0" else None
    verdicts = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    whys = {each.get("row"): each.get("code") for each in verdicts if isinstance(each.get("row"), int)}
    found: dict[str, dict[str, int]] = {}
    for number, (name, times) in enumerate(_rows(frozen)):
        if number in whys:
            why = str(whys[number]) if str(whys[number]) in REFUSALS else REFUSED
            of_why = found.setdefault(why, {})
            of_why[name] = of_why.get(name, 0) + times
    return found


def _uses(frozen: Frozen) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, times in _rows(frozen):
        found[name] = found.get(name, 0) + times
    return found


def _rows(frozen: Frozen) -> list[tuple[str, int]]:
    """Event and count of each row, in the order of the body."""
    value = json.loads(frozen.body)
    if frozen.dialect == "1.0":
        return [(name, times) for group in value["uses"] for _, name, _, times in group["rows"]]
    return [(name, 1) for _, name in value["rows"]]


def _remove(frozen: Frozen) -> None:
    """The batch before its mark, without which it would look as if it had never left."""
    held.remove(frozen.path)
    frozen.forget_tried()


def _all(folder: str) -> list[Frozen]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError:
        return []
    return [frozen for name in names if (frozen := _frozen(os.path.join(folder, name))) is not None]


def _frozen(path: str) -> Frozen | None:
    line, _, body = held.read(path).partition(b"\n")
    try:
        return Frozen(path, json.loads(line), body)
    except ValueError:
        return None
