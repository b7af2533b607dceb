"""The same people everywhere: Alice owns, Bob maintains, Charlie has nothing to do with it."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from otumat_index.accounts import actions as accounts
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        call_command("createcachetable", verbosity=0)


@functools.lru_cache(maxsize=1)
def hashed_password() -> str:
    """Argon2 takes its time; everybody here has one password, so once is enough."""
    return make_password(PASSWORD)


def make_person(name: str, **words: Any) -> User:
    user = accounts.create_user(
        name,
        email=f"{name}@example.org",
        password=None,
        **{"confirmed": True, "admin": False, "by": command("tests"), "at": NOW, **words},
    )
    user.password = hashed_password()
    user.save(update_fields=["password"])
    return user


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Somebody else, by name."""
    return make_person


@pytest.fixture
def alice(db: None) -> User:
    return make_person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return make_person("bob")


@pytest.fixture
def charlie(db: None) -> User:
    return make_person("charlie")


@pytest.fixture
def admin(db: None) -> User:
    return make_person("dora", admin=True)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def token_of() -> Callable[..., str]:
    """An API token of a user, with limits if named."""

    def make(user: User, **limits: Any) -> str:
        from otumat_index.accounts.credentials import of_user

        return accounts.create_token(user, name="test", **limits, by=of_user(user, "session"), at=NOW)[1]

    return make


@pytest.fixture
def auth(token_of: Callable[..., str]) -> Callable[..., dict[str, str]]:
    """Headers that say who one is, by API token: `client.post(url, fields, headers=auth(alice))`."""

    def headers(user: User, **limits: Any) -> dict[str, str]:
        return basic("__token__", token_of(user, **limits))

    return headers


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def submit(client: Client, auth: Callable[..., dict[str, str]]) -> Callable[..., Any]:
    """POST metadata to `/submit` as a user; JSON answers."""

    def post(user: User | None, **fields: Any) -> Any:
        headers = {"Accept": "application/json", **(auth(user) if user else {})}
        return client.post("/submit", {"name": "roundup", "version": "1.0", **fields}, headers=headers)

    return post


def make_wheel(
    name: str = "roundup",
    version: str = "1.0",
    *,
    metadata: str = "",
    members: Mapping[str, bytes] | None = None,
    tag: str = "py3-none-any",
    record: bytes | None = None,
) -> tuple[str, bytes]:
    """A small, valid wheel: its file name and bytes. `metadata` is added to METADATA's headers (and body)."""
    safe = name.replace("-", "_")
    info = f"{safe}-{version}.dist-info"
    contents: dict[str, bytes] = {
        f"{safe}/__init__.py": b"x = 1\n",
        **(members or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    rows = [f"{path},sha256={urlsafe(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = record if record is not None else "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), data)
    return f"{safe}-{version}-{tag}.whl", target.getvalue()


def urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.fixture
def wheel() -> Callable[..., tuple[str, bytes]]:
    return make_wheel


@pytest.fixture
def upload(client: Client, auth: Callable[..., dict[str, str]]) -> Callable[..., Any]:
    """POST a file to `/legacy/` as a user; JSON answers. `fields` are added to the form."""

    def post(user: User | None, file: tuple[str, bytes], **fields: Any) -> Any:
        filename, data = file
        content = io.BytesIO(data)
        content.name = filename
        project, version = filename.split("-")[:2]
        form = {
            ":action": "file_upload",
            "protocol_version": "1",
            "name": project,
            "version": version.removesuffix(".tar.gz"),
            "sha256_digest": hashlib.sha256(data).hexdigest(),
            "content": content,
            **fields,
        }
        headers = {"Accept": "application/json", **(auth(user) if user else {})}
        return client.post(
            "/legacy/", {key: value for key, value in form.items() if value is not None}, headers=headers
        )

    return post


@pytest.fixture(autouse=True)
def _no_memory_of_other_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        cache.clear()


@pytest.fixture
def post(transactional_db: None) -> Callable[..., list[Any]]:
    """Turn the journal into mail and send what is due: the messages that left. `later`: seconds after now."""
    from datetime import timedelta

    from django.core import mail
    from django.utils import timezone

    from otumat_index.jobs import mailer, outbox

    def deliver(later: float = 3600) -> list[Any]:
        mail.outbox.clear()
        outbox.follow(at=timezone.now())
        mailer.Mailer().send_due(at=timezone.now() + timedelta(seconds=later))
        return list(mail.outbox)

    return deliver
