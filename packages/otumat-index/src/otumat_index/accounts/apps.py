from __future__ import annotations

from django.apps import AppConfig


class Room(AppConfig):
    name = "otumat_index.accounts"
    label = "accounts"

    def ready(self) -> None:
        from otumat_index.accounts import (
            tasks,  # noqa: F401 - registers its listeners once models exist
            traces,
        )

        traces.connect()
