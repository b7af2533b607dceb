"""What usage does by itself: it learns manifests, lets bodies of batches go, finishes erasures that were cut short."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from otumat_index.jobs import follower, outbox
from otumat_index.usage import actions
from otumat_index.usage.models import Collection
from otumat_index.usage.published.actions import end_of_who_left, make_all_weeks
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.telling import letters, queries
from otumat_index.usage.telling.actions import tell_all

outbox.renders(queries.USES)(letters.write)


@follower.listens
def learn_manifests(topics: dict[str, int]) -> None:
    """What a new release declares is known before its first copy tells."""
    found = Collection.objects.filter(is_on=True, project__normalized__in=list(topics))
    for collection in found.select_related("project"):
        actions.catch_up(collection.project, at=timezone.now())


@follower.listens
def end_yeses(topics: dict[str, int]) -> None:
    """An owner who leaves takes along the yes to publish."""
    end_of_who_left(topics, at=timezone.now())


@follower.every(60)
def finish_erasures() -> None:
    actions.finish_erasures(at=timezone.now())


@follower.every(60)
def unlink_closed() -> None:
    actions.unlink_closed()


@follower.every(3600)
def expire_batches() -> None:
    STORE.expire(timezone.now().date() - timedelta(days=settings.CONFIG.usage_raw_days))


@follower.every(3600)
def forget_copies() -> None:
    actions.forget_copies(today=timezone.now().date())


@follower.every(3600)
def publish_weeks() -> None:
    end_of_who_left(at=timezone.now())  # of a group's members the journal names no project
    make_all_weeks(at=timezone.now())


@follower.every(3600)
def tell() -> None:
    tell_all(at=timezone.now())
