"""An index that serves copies of Otumat 0.3, and how such a copy talks."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from otumat_index.config import Config
from otumat_index.usage.legacy import uses
from otumat_index.usage.models import Install

FORM = "application/x-www-form-urlencoded"
HTML = {"Accept": "text/html"}
LISTENER = "http://192.168.1.5:49152"
LINK = {
    "operatingSystem": "linux",
    "macAddress": "02:fc:00:00:00:01",
    "platform": "Python",
    "platformVersion": "3.11.7",
    "packageManager": "pip",
    "packageManagerVersion": "23.2.1",
    "packageName": "roundup",
    "packageVersion": "1.0",
    "location": "Gotham, New Jersey, US",
    "timezone": "UTC, UTC, America/Chicago",
    "timestamp": "1795296000",
    "health": f"{LISTENER}/health",
    "redirect": f"{LISTENER}/install-completed",
    "cancel": f"{LISTENER}/install-cancelled",
}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Config:
    """The setting, on."""
    import dataclasses

    config = dataclasses.replace(settings.CONFIG, legacy_agent=True)
    monkeypatch.setattr(settings, "CONFIG", config)
    return config


class OldCopy:
    """A copy of Otumat 0.3, as it talks."""

    def __init__(self, client: Client, told: dict[str, str]) -> None:
        self.client, self.told = client, told

    @property
    def row(self) -> Install:
        return Install.objects.get(family_id=int(self.told["accessToken"].partition(".")[0]))

    def post(self, *rows: tuple[object, object], **more: Any) -> Any:
        body = {"installId": self.told["installId"], "headers": uses.HEADERS, "rows": rows, **more}
        return self.send(json.dumps(body).encode())

    def send(self, body: bytes) -> Any:
        headers = {"Authorization": f"Bearer {self.told['accessToken']}"}
        return self.client.post("/api/usage-event", body, content_type="application/json", headers=headers)

    def refresh(self, *, client: str = "", secret: str = "", token: str = "", grant: str = "refresh_token") -> Any:
        pair = f"{client or self.told['clientId']}:{secret or self.told['clientSecret']}"
        form = urlencode({"grant_type": grant, "refresh_token": token or self.told["refreshToken"]})
        headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        return self.client.post("/auth/token", form, content_type=FORM, headers=headers)


@pytest.fixture
def link() -> dict[str, str]:
    """What such a copy puts into its link."""
    return dict(LINK)


@pytest.fixture
def answer() -> Callable[..., Any]:
    """What the consent page's form sends."""

    def send(client: Client, said: str, **more: str) -> Any:
        form = {**LINK, "answer": said, **more}
        return client.post("/api/usage-install", urlencode(form), content_type=FORM, headers=HTML)

    return send


@pytest.fixture
def old(project: Any, served: Config, client: Client, answer: Any) -> OldCopy:
    """One that said yes."""
    response = answer(client, "yes")
    assert response.status_code == 303, response.content
    return OldCopy(client, dict(parse_qsl(urlsplit(response["Location"]).query)))


@pytest.fixture
def moment() -> Callable[[float], str]:
    """A time as 0.3 writes it, some seconds from now."""
    now = timezone.now()

    def told(seconds: float = 0) -> str:
        return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")

    return told
