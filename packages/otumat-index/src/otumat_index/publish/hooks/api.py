"""JSON doors of webhooks, under `/api/v1/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts.api import caller
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries as publish
from otumat_index.publish import rules as roles
from otumat_index.publish.hooks import actions, queries
from otumat_index.publish.models import Project

router = Router(tags=["webhooks"])


class NewWebhook(Schema):
    """Where to POST, and which changes; leave actions out for all."""

    url: str
    actions: list[str] | None = None


def managed(request: HttpRequest, name: str) -> tuple[Project, Actor]:
    """The project, if whoever asks manages it: what a webhook is told, and where it goes, is for nobody else."""
    by = caller(request)
    project = publish.project(name, by=by)
    roles.check_may(by, "manage", publish.standing_of(by, project.normalized), name_claims="admin")
    return project, by


@router.get("/project/{name}/webhooks", summary="A project's webhooks")
def list_webhooks(request: HttpRequest, name: str) -> dict[str, Any]:
    project, _ = managed(request, name)
    return {"webhooks": [queries.shown(each) for each in queries.webhooks(project)]}


@router.post("/project/{name}/webhooks", summary="Add a webhook; its secret is shown this once")
def create_webhook(request: HttpRequest, name: str, body: NewWebhook) -> dict[str, Any]:
    project, by = managed(request, name)
    made, secret = actions.create_webhook(project, body.url, actions=body.actions, by=by, at=timezone.now())
    return {"ok": True, "secret": secret, **queries.shown(made)}


@router.delete("/project/{name}/webhooks/{webhook_id}", summary="Delete a webhook and its deliveries")
def delete_webhook(request: HttpRequest, name: str, webhook_id: int) -> dict[str, Any]:
    project, by = managed(request, name)
    actions.delete_webhook(project, webhook_id, by=by, at=timezone.now())
    return {"ok": True}


@router.post("/project/{name}/webhooks/{webhook_id}/enable", summary="Call a disabled webhook again")
def enable_webhook(request: HttpRequest, name: str, webhook_id: int) -> dict[str, Any]:
    project, by = managed(request, name)
    return {"ok": True, **queries.shown(actions.enable_webhook(project, webhook_id, by=by, at=timezone.now()))}


@router.post("/project/{name}/webhooks/{webhook_id}/test", summary="Send a test delivery")
def test_webhook(request: HttpRequest, name: str, webhook_id: int) -> dict[str, Any]:
    project, by = managed(request, name)
    return {"ok": True, "serial": actions.test_webhook(project, webhook_id, by=by, at=timezone.now())}


@router.get("/project/{name}/webhooks/{webhook_id}/deliveries", summary="The newest deliveries of a webhook")
def list_deliveries(request: HttpRequest, name: str, webhook_id: int) -> dict[str, Any]:
    project, _ = managed(request, name)
    found = queries.deliveries(queries.webhook(project, webhook_id))
    return {"deliveries": [queries.shown_delivery(each) for each in found]}


@router.post(
    "/project/{name}/webhooks/{webhook_id}/deliveries/{delivery}/redeliver", summary="Tell a webhook of a change again"
)
def redeliver(request: HttpRequest, name: str, webhook_id: int, delivery: str) -> dict[str, Any]:
    project, by = managed(request, name)
    return {"ok": True, "serial": actions.redeliver(project, webhook_id, delivery, by=by, at=timezone.now())}
