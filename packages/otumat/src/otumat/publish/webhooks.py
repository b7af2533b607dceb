"""Webhooks: addresses that an index tells of a project's changes, signed with a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.errors import Unreachable
from otumat.publish import reply
from otumat.publish.api import rows, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otumat.publish.api import Api


@dataclass(frozen=True)
class Webhook:
    """
    Where changes are told.

    Attributes:
        actions: Which ones (`release.create`); None is all.
        disabled_because: Empty while it is called.
    """

    id: str
    url: str
    actions: tuple[str, ...] | None
    is_active: bool
    disabled_because: str
    created_by: str


@dataclass(frozen=True)
class Delivery:
    """
    One change told, or to be told.

    Attributes:
        status: What the other side answered; 0 when it did not.
        problem: Why not, in words.
    """

    id: str
    action: str
    state: str
    tries: int
    created_at: str
    due_at: str
    status: int
    problem: str


def webhooks(api: Api, project: str) -> list[Webhook]:
    """A project's webhooks, without their secrets."""
    return [_webhook(each) for each in rows(api.ask("GET", "project", project, "webhooks"), "webhooks")]


def add(api: Api, project: str, url: str, *, actions: Sequence[str] = ()) -> tuple[Webhook, str]:
    """Add a webhook; with it comes the secret, which the index shows this once. No actions are all of them."""
    body = {"url": url, "actions": list(actions) or None}
    answer = api.ask("POST", "project", project, "webhooks", body=body)
    secret = reply.text(answer.get("secret"))
    if not secret:
        raise Unreachable(f"{api.index.url} made a webhook and did not tell its secret.", code="unreachable.form")
    return _webhook(answer), secret


def remove(api: Api, project: str, webhook_id: str) -> None:
    """Delete a webhook and its deliveries."""
    api.ask("DELETE", "project", project, "webhooks", webhook_id)


def enable(api: Api, project: str, webhook_id: str) -> None:
    """Have a webhook called again that failed for too long."""
    api.ask("POST", "project", project, "webhooks", webhook_id, "enable")


def test(api: Api, project: str, webhook_id: str) -> None:
    """Have a test delivery sent."""
    api.ask("POST", "project", project, "webhooks", webhook_id, "test")


def deliveries(api: Api, project: str, webhook_id: str) -> list[Delivery]:
    """The newest deliveries of a webhook, newest first."""
    answer = api.ask("GET", "project", project, "webhooks", webhook_id, "deliveries")
    return [_delivery(each) for each in rows(answer, "deliveries")]


def redeliver(api: Api, project: str, webhook_id: str, delivery_id: str) -> None:
    """Have a change told again."""
    api.ask("POST", "project", project, "webhooks", webhook_id, "deliveries", delivery_id, "redeliver")


def _webhook(told: dict[str, object]) -> Webhook:
    actions = told.get("actions")
    return Webhook(
        id=str(told.get("id", ""))[:100],
        url=reply.text(told.get("url")),
        actions=None if actions is None else texts(actions),
        is_active=told.get("is_active") is True,
        disabled_because=reply.text(told.get("disabled_because")),
        created_by=reply.text(told.get("created_by")),
    )


def _delivery(told: dict[str, object]) -> Delivery:
    tries, status = told.get("tries"), told.get("status")
    return Delivery(
        id=str(told.get("id", ""))[:100],
        action=reply.text(told.get("action")),
        state=reply.text(told.get("state")),
        tries=tries if isinstance(tries, int) else 0,
        created_at=reply.text(told.get("created_at")),
        due_at=reply.text(told.get("due_at")),
        status=status if isinstance(status, int) else 0,
        problem=reply.text(told.get("problem")),
    )
