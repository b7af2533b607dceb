"""What discovery does after a commit: prepare pages of changed projects, rebuild the list, clean up after crashes."""

from __future__ import annotations

import time

from django.conf import settings

from otumat_index.discover import listing, prepare
from otumat_index.jobs import follower
from otumat_index.journal import queries as journal
from otumat_index.publish import files
from otumat_index.publish import queries as publish
from otumat_index.publish.models import Project
from otumat_index.web import hints

# More changes at once than this is an import: its pages are prepared when first asked for.
EAGER_PROJECTS = 200
QUIET_S = 0.4


class PageKeeper:
    """
    Renders the pages of changed projects ahead of their readers, once a project has been quiet for a moment.

    A project whose files arrive one after the other would otherwise be rendered whole after each of them; meanwhile
    whoever asks gets a fresh page by way of Django.
    """

    def __init__(self) -> None:
        self.changed_at: dict[str, float] = {}

    def note(self, topics: dict[str, int]) -> None:
        """Remember changed projects; so many at once are an import, whose pages wait for their first readers."""
        if len(topics) <= EAGER_PROJECTS:
            self.changed_at |= dict.fromkeys(topics, time.monotonic())

    def __call__(self) -> None:
        quiet = [topic for topic, at in self.changed_at.items() if time.monotonic() - at >= QUIET_S]
        for topic in quiet:
            del self.changed_at[topic]
        store = hints.running() if quiet else None
        if store is not None:
            seen = journal.last_serial()  # before the rows, see `prepare.project_answers`
            serials = journal.serials_of(quiet[:EAGER_PROJECTS])
            for project in Project.objects.filter(normalized__in=list(serials), is_private=False):
                answers = prepare.project_answers(project, serial=serials[project.normalized])
                store.put(project.normalized, seen, answers)


pages = PageKeeper()
follower.listens(pages.note)
follower.every(0.2)(pages)


class ListKeeper:
    """Rebuilds the list of projects after changes, spending at most about a fifth of a core on it."""

    def __init__(self) -> None:
        self.built_serial, self.seen_serial = -1, -1
        self.not_before = 0.0

    def __call__(self) -> None:
        serial = journal.last_serial()
        store = hints.running()
        if store is None or serial == self.built_serial:
            return
        hidden = journal.newest_since(self.seen_serial, listing.HIDING) if self.seen_serial >= 0 else {}
        if hidden:
            store.mark_stale(hints.LIST_TOPIC, max(hidden.values()))  # as the action did, on the machine where it ran
        self.seen_serial = serial
        if time.monotonic() < self.not_before:
            return
        begun = time.monotonic()
        made = listing.build()
        store.mark_stale(hints.LIST_TOPIC, made.serial)
        store.put(hints.LIST_TOPIC, made.serial, [prepare.list_answer(made, form) for form in ("json", "html")])
        self.built_serial = made.serial
        self.not_before = time.monotonic() + 4 * (time.monotonic() - begun)


follower.every(0.2)(ListKeeper())


@follower.every(600)
def clean_up() -> None:
    """Delete bytes of uploads that died between file and row."""
    files.recover(publish.file_key_is_known, older_than_s=settings.CONFIG.body_timeout_s + 3600)
