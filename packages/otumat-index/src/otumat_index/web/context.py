"""What every page's template may use."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def index(request: HttpRequest) -> dict[str, object]:
    """The index's name and address."""
    config = settings.CONFIG
    return {
        "index_name": config.index_name,
        "public_url": config.public_url.rstrip("/"),
        "sign_up_is_open": config.sign_up,
    }
