"""JSON doors of webhooks, under `/api/v1/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts.api import caller
from otumat_index.publish.doors import opened
from otumat_index.publish.hooks import actions, queries

router = Router(tags=["webhooks"])


class NewWebhook(Schema):
    """Where to POST, and which changes; leave actions out for all."""

    url: str
    actions: list[str] | None = None


@router.get("/project/{name}/webhooks", summary="A project's webhooks")
def list_webhooks(request: HttpRequest, name: str) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    return {"webhooks": [queries.shown(each) for each in queries.webhooks(project)]}


@router.post("/project/{name}/webhooks", summary="Add a webhook; its secret is shown this once")
def create_webhook(request: HttpRequest, name: str, body: NewWebhook) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    made, secret = actions.create_webhook(project, body.url, actions=body.actions, by=by, at=timezone.now())
    return {"ok": True, "secret": secret, **queries.shown(made)}


@router.delete("/project/{name}/webhooks/{webhook_id}", summary="Delete a webhook and its deliveries")
def delete_webhook(request: HttpRequest, name: str, webhook_id: int) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    actions.delete_webhook(project, webhook_id, by=by, at=timezone.now())
    return {"ok": True}


@router.post("/project/{name}/webhooks/{webhook_id}/enable", summary="Call a disabled webhook again")
def enable_webhook(request: HttpRequest, name: str, webhook_id: int) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    return {"ok": True, **queries.shown(actions.enable_webhook(project, webhook_id, by=by, at=timezone.now()))}


@router.post("/project/{name}/webhooks/{webhook_id}/test", summary="Send a test delivery")
def test_webhook(request: HttpRequest, name: str, webhook_id: int) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    return {"ok": True, "serial": actions.test_webhook(project, webhook_id, by=by, at=timezone.now())}


@router.get("/project/{name}/webhooks/{webhook_id}/deliveries", summary="The newest deliveries of a webhook")
def list_deliveries(request: HttpRequest, name: str, webhook_id: int) -> dict[str, Any]:
    project = opened(request, name, by=caller(request))
    found = queries.deliveries(queries.webhook(project, webhook_id))
    return {"deliveries": [queries.shown_delivery(each) for each in found]}


@router.post(
    "/project/{name}/webhooks/{webhook_id}/deliveries/{delivery}/redeliver", summary="Tell a webhook of a change again"
)
def redeliver(request: HttpRequest, name: str, webhook_id: int, delivery: str) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    return {"ok": True, "serial": actions.redeliver(project, webhook_id, delivery, by=by, at=timezone.now())}
