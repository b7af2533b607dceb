"""A project that collects, and copies of it that tell."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from harness.clickhouse import NEEDED, Cluster, cluster
from harness.waiting import stay_in_one_day
from otumat.spec.event import MEDIA_TYPE
from otumat_index.accounts.models import User
from otumat_index.publish.models import Project
from otumat_index.usage import queries
from otumat_index.usage.models import Install


@pytest.fixture(autouse=True)
def one_day() -> None:
    """What is told, stored and shown is of today, whichever of them asks first."""
    stay_in_one_day(60)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A ClickHouse cluster of real servers."""
    if missing := [str(path) for path in NEEDED if not path.exists()]:
        pytest.skip(
            f"{', '.join(missing)} missing: apt-get install clickhouse-server libzookeeper-java default-jre-headless"
        )
    with cluster(tmp_path_factory.mktemp("clickhouse")) as started:
        yield started


MANIFEST = """
project = "roundup"
purpose = "To learn which features are used."
[[event]]
name = "fetch"
purpose = "How often data are read."
properties = {backend = ["mysql", "other"]}
[[event]]
name = "import"
purpose = "Whether it is used at all."
"""


@pytest.fixture
def project(upload: Any, wheel: Any, alice: User) -> Project:
    """Alice's project, whose wheel has a manifest."""
    file = wheel(members={"roundup/otumat-usage.toml": MANIFEST.encode()})
    assert upload(alice, file).status_code == 200
    return Project.objects.get(normalized="roundup")


class Copy:
    """One copy of the project, enrolled, and how it talks."""

    def __init__(self, client: Client, told: dict[str, Any]) -> None:
        self.client, self.told, self.sequence = client, told, itertools.count(1)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.told['access_token']}"}

    @property
    def row(self) -> Install:
        return Install.objects.get(family_id=int(self.told["access_token"].partition(".")[0]))

    def batch(self, *rows: list[Any], **more: Any) -> dict[str, Any]:
        number = next(self.sequence)
        where = {"release": "1.0", "python": "3.12", "system": "linux", "machine": "x86_64", "ci": False}
        batch = {"batch": f"{number:032x}", "sequence": number, "install": self.told["install"], "project": "roundup"}
        return {**batch, "uses": [{**where, "rows": list(rows)}], **more}

    def send(self, batch: dict[str, Any], **headers: str) -> Any:
        return self.send_bytes(gzip.compress(json.dumps(batch).encode()), batch["batch"], **headers)

    def send_bytes(self, packed: bytes, key: str, **headers: str) -> Any:
        said = {**self.bearer, "Content-Encoding": "gzip", "Idempotency-Key": key, **headers}
        return self.client.post("/api/usage-event", packed, content_type=MEDIA_TYPE, headers=said)

    def own(self, method: str, query: str = "", of: str = "") -> Any:
        path = f"/api/usage-install/{of or self.told['install']}{query}"
        return self.client.generic(method, path, headers=self.bearer)

    def refresh(self, token: str) -> Any:
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "otumat-usage"}
        return self.client.post("/auth/token", form)


@pytest.fixture
def ask(client: Client) -> Callable[..., Any]:
    """POST for an anonymous install."""

    def post(key: str = "0" * 32, **told: Any) -> Any:
        body = {"project": "roundup", "release": "1.0", "manifest": "", "wording": 1, **told}
        return client.post(
            "/api/usage-install", body, content_type="application/json", headers={"Idempotency-Key": key}
        )

    return post


@pytest.fixture
def copy(project: Project, client: Client, ask: Any) -> Callable[[], Copy]:
    """Another copy that said yes."""
    numbers = itertools.count(1)

    def make() -> Copy:
        answer = ask(f"{next(numbers):032x}")
        assert answer.status_code == 201, answer.content
        return Copy(client, answer.json())

    return make


@pytest.fixture
def today() -> str:
    return timezone.now().date().isoformat()


@pytest.fixture
def counted(project: Project) -> Callable[[], dict[str, int]]:
    """How often each event was counted, over all days."""

    def read() -> dict[str, int]:
        found: dict[str, int] = {}
        for event, _, times in queries.STORE.counted(project.pk, date.min, date.max):
            found[event] = found.get(event, 0) + times
        return found

    return read
