from __future__ import annotations

from django.apps import AppConfig


class Room(AppConfig):
    name = "otumat_index.usage.stores"
    label = "events"
