from __future__ import annotations

from django.apps import AppConfig


class Room(AppConfig):
    name = "otumat_index.discover"
    label = "discover"

    def ready(self) -> None:
        from otumat_index.discover import tasks  # noqa: F401 - registers its listeners once models exist
