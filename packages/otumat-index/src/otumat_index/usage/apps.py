from __future__ import annotations

from django.apps import AppConfig


class Room(AppConfig):
    name = "otumat_index.usage"
    label = "usage"

    def ready(self) -> None:
        from otumat_index.usage import tasks  # noqa: F401 - registers its chores once models exist
