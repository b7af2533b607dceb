"""
Turning the journal into mail: each row exactly once, whoever crashes and however many machines follow.

A listener reads the rows after its cursor and works out what follows from them; that and the cursor's new place are
written in one transaction, with the cursor's row locked, if nobody else has moved it meanwhile. Who publishes never
waits for the working out. docs/decisions/0006-outbox.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.core.mail import EmailMessage
from django.db import transaction

from otumat_index.jobs.models import Cursor, Mail
from otumat_index.journal import queries as journal
from otumat_index.journal.models import Entry

ROWS_AT_ONCE = 50
WINDOW = 5_000
"""Serials looked through in one transaction: an import's rows are passed over, and writers wait no longer than that."""
QUIET_S = 3
LONGEST_S = 20
"""Changes that may share a mail: it leaves once there was quiet, or when the first of them is this old."""
KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Draft:
    """Who shall be told of a change, and by which kind of mail."""

    kind: str
    address: str
    person: int | None


Write = Callable[[], object]
Plan = Callable[[Sequence[Entry], datetime], Write]
Tell = Callable[[Entry], Iterable[Draft]]
Render = Callable[[Mail], EmailMessage | None]


@dataclass(frozen=True, slots=True)
class Listener:
    """
    What follows from the next journal rows with one of these actions, oldest first.

    `plan` works it out, perhaps in vain, and answers what writes it in the cursor's transaction.
    """

    name: str
    actions: frozenset[str]
    plan: Plan


LISTENERS: dict[str, Listener] = {}
RENDERERS: dict[str, Render] = {}


def listens(name: str, actions: Iterable[str]) -> Callable[[Plan], Plan]:
    """Plan with this what follows from journal rows of these actions, some at a time; an import's are left out."""

    def register(plan: Plan) -> Plan:
        LISTENERS[name] = Listener(name, frozenset(actions), plan)
        return plan

    return register


def mails(name: str, actions: Iterable[str], *, joined: Iterable[str] = ()) -> Callable[[Tell], Tell]:
    """
    Call this for every such journal row and queue a mail for each draft it answers.

    Args:
        joined: Actions of which several in a row, of one project by one actor, share one mail a person.
    """
    shared = frozenset(joined)

    def register(tell: Tell) -> Tell:
        def plan(entries: Sequence[Entry], at: datetime) -> Write:
            groups = [
                (rows, None if may_join(rows, shared, at=at) else list(tell(rows[0])))
                for rows in together(entries, shared)
            ]
            return partial(write, groups, at)

        def write(groups: list[tuple[list[Entry], list[Draft] | None]], at: datetime) -> None:
            for rows, drafts in groups:
                hold = rows[0].action in shared
                if not (hold and join(rows, shared, at=at)):
                    enqueue(rows, tell(rows[0]) if drafts is None else drafts, hold=hold, at=at)

        LISTENERS[name] = Listener(name, frozenset(actions), plan)
        return tell

    return register


def renders(kind: str) -> Callable[[Render], Render]:
    """Call this when a mail of a kind is about to be sent: the message, or None when it is no longer wanted."""

    def register(render: Render) -> Render:
        RENDERERS[kind] = render
        return render

    return register


def begin() -> None:
    """Let listeners that are new to this index begin with what comes next, not with its history."""
    known = set(Cursor.objects.values_list("name", flat=True))
    head = journal.last_serial()
    Cursor.objects.bulk_create(
        [Cursor(name=name, serial=head) for name in LISTENERS if name not in known], ignore_conflicts=True
    )


def follow(*, at: datetime) -> None:
    """Let every listener catch up with the journal."""
    head = journal.last_serial()
    places = dict(Cursor.objects.values_list("name", "serial"))
    skip_idle(places, head)
    for listener in LISTENERS.values():
        place = places.get(listener.name, 0)
        while place < head:
            place = step(listener, at=at)


def skip_idle(places: dict[str, int], head: int) -> None:
    """Move the cursors for which the journal has nothing to its head: one statement, not a transaction each."""
    behind = [place for name, place in places.items() if name in LISTENERS and place < head]
    if not behind or head - min(behind) > WINDOW:
        return
    seen = set(Entry.objects.filter(serial__gt=min(behind), serial__lte=head).values_list("action", flat=True))
    idle = [name for name in places if name in LISTENERS and not LISTENERS[name].actions & seen]
    Cursor.objects.filter(name__in=idle, serial__lt=head).update(serial=head)
    places.update(dict.fromkeys(idle, head))


def step(listener: Listener, *, at: datetime) -> int:
    """Turn the next rows of the journal into work; returns how far the listener is now."""
    cursor, _ = Cursor.objects.get_or_create(name=listener.name)
    end = min(journal.last_serial(), cursor.serial + WINDOW)
    rows = Entry.objects.filter(serial__gt=cursor.serial, serial__lte=end, action__in=listener.actions)
    entries = list(rows.exclude(data__has_key="import").order_by("serial")[:ROWS_AT_ONCE])
    write = listener.plan(entries, at) if entries else None
    place = entries[-1].serial if len(entries) == ROWS_AT_ONCE else max(end, cursor.serial)
    return move(cursor, place, write)


@transaction.atomic
def move(cursor: Cursor, place: int, write: Write | None) -> int:
    """Write what was planned and the cursor's new place; nothing if another machine was first. Returns the place."""
    locked = Cursor.objects.select_for_update().get(name=cursor.name)
    if locked.serial != cursor.serial:
        return locked.serial
    if write is not None:
        write()
    locked.serial = place
    locked.save(update_fields=["serial"])
    return place


def together(entries: Iterable[Entry], joined: Collection[str]) -> list[list[Entry]]:
    """The rows that share a mail, each group at the place of its first: those of one project by one actor."""
    groups: dict[object, list[Entry]] = {}
    for entry in entries:
        alone = entry.action not in joined or not entry.topic
        groups.setdefault(entry.serial if alone else (entry.topic, entry.actor), []).append(entry)
    return [*groups.values()]


def enqueue(entries: Sequence[Entry], drafts: Iterable[Draft], *, hold: bool, at: datetime) -> None:
    """Queue one mail about these changes for each address and kind."""
    first, last = entries[0], entries[-1]
    due_at = at + timedelta(seconds=QUIET_S) if hold else at
    once = {(draft.kind, draft.address.lower()): draft for draft in drafts}
    Mail.objects.bulk_create(
        [
            Mail(
                serial=first.serial,
                last_serial=last.serial,
                kind=draft.kind,
                address=draft.address,
                person=draft.person,
                topic=first.topic,
                actor=first.actor,
                created_at=at,
                due_at=due_at,
            )
            for draft in once.values()
        ]
    )


def post(kind: str, drafts: Iterable[Draft], *, number: int, topic: str, at: datetime) -> None:
    """
    Queue a mail that no change caused, for each address; in the transaction that writes down that it was.

    Args:
        number: What it tells, 1 or more, the caller's own. It stands where others have a serial, as its negative.
    """
    once = {draft.address.lower(): draft for draft in drafts}
    Mail.objects.bulk_create(
        [
            Mail(
                serial=-number,
                last_serial=-number,
                kind=kind,
                address=draft.address,
                person=draft.person,
                topic=topic,
                created_at=at,
                due_at=at,
            )
            for draft in once.values()
        ]
    )


def may_join(entries: Sequence[Entry], actions: frozenset[str], *, at: datetime) -> bool:
    """Whether it is worth trying to `join`: a look without a lock."""
    if entries[0].action not in actions or not entries[0].topic:
        return False
    mine = Mail.objects.filter(topic=entries[0].topic, actor=entries[0].actor)
    return mine.filter(state=Mail.State.QUEUED, due_at__gt=at).exists()


def join(entries: Sequence[Entry], actions: frozenset[str], *, at: datetime) -> bool:
    """
    Add changes to the mails that are still held back for the changes just before them, if they all are.

    Their rows are locked, so none of them leaves meanwhile: everybody is told of these changes, and once.
    """
    mine = Mail.objects.filter(topic=entries[0].topic, actor=entries[0].actor)
    newest = mine.filter(last_serial__lt=entries[0].serial).order_by("-serial").first()
    if newest is None or not entries[0].topic:
        return False
    first = Entry.objects.filter(serial=newest.serial).first()
    held = list(mine.filter(serial=newest.serial).select_for_update())
    latest = newest.created_at + timedelta(seconds=LONGEST_S)
    if first is None or first.action not in actions or at >= latest:
        return False
    if any(mail.state != Mail.State.QUEUED or mail.tries or mail.due_at <= at for mail in held):
        return False
    due_at = min(at + timedelta(seconds=QUIET_S), latest)
    Mail.objects.filter(pk__in=[mail.pk for mail in held]).update(last_serial=entries[-1].serial, due_at=due_at)
    return True


def told(mail: Mail) -> list[Entry]:
    """The journal rows a mail may tell of: those of its project and actor, from its first to its last change."""
    rows = Entry.objects.filter(serial__gte=mail.serial, serial__lte=mail.last_serial)
    return list(rows.filter(topic=mail.topic, actor=mail.actor).order_by("serial"))


def forget(*, at: datetime) -> None:
    """Delete mails that were done with long ago."""
    Mail.objects.filter(done_at__lt=at - timedelta(days=KEPT_DAYS)).delete()
