from __future__ import annotations

from django.apps import AppConfig


class Room(AppConfig):
    name = "otumat_index.publish"
    label = "publish"

    def ready(self) -> None:
        from otumat_index.publish import tasks  # noqa: F401 - registers its listeners once models exist
