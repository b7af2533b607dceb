"""Which database uses are in."""

from __future__ import annotations

from typing import Any

from django.conf import settings

APP = "events"


def alias() -> str:
    """`events`, or `default` where the catalogue's PostgreSQL has them, too."""
    return APP if APP in settings.DATABASES else "default"


class EventsApart:
    """The tables of uses are in their own database, and nothing else is."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return alias() if model._meta.app_label == APP else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        if app_label == APP:
            return db == alias()
        return False if db == APP else None
