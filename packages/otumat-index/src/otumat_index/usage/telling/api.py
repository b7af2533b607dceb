"""JSON doors of alerts and of mail about uses, under `/api/v1/`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat.errors import Refused
from otumat_index.accounts.api import account_of, caller
from otumat_index.accounts.models import User
from otumat_index.accounts.notices import actions as accounts
from otumat_index.publish.doors import opened
from otumat_index.publish.models import Project
from otumat_index.usage.telling import actions, queries, rules
from otumat_index.usage.telling.models import Alert

router = Router(tags=["usage"])


class NewAlert(Schema):
    """`kind`: fall, yanked, lost or adopted; `number` in percent or whole ones; `event` narrows lost to one event."""

    kind: str
    number: int
    event: str = ""


class Mails(Schema):
    """`digest`: none, week or month."""

    digest: str
    alerts: bool


def told(alert: Alert, facts: rules.Facts) -> dict[str, Any]:
    asked = queries.defined(alert)
    return {
        "id": alert.pk,
        "kind": asked.kind,
        "number": asked.number,
        "event": asked.event,
        "words": asked.words,
        "now": [each.words for each in rules.fired(asked, facts)],
    }


@router.get("/project/{name}/usage/alerts", summary="What a project's owners and maintainers are told of by mail")
def list_alerts(request: HttpRequest, name: str) -> dict[str, Any]:
    """`now` is what each would say today."""
    project = opened(request, name, by=caller(request))
    facts = queries.facts_of(project, today=timezone.now().date())
    return {"alerts": [told(each, facts) for each in queries.alerts_of(project)]}


@router.post("/project/{name}/usage/alerts", summary="Be told by mail when something happens")
def add_alert(request: HttpRequest, name: str, body: NewAlert) -> dict[str, Any]:
    by = caller(request)
    project = opened(request, name, by=by)
    asked = rules.read(body.kind, str(body.number), body.event, declared=queries.events_of(project))
    made = actions.add_alert(project, asked, by=by, at=timezone.now())
    return {"ok": True, "id": made.pk, "words": asked.words}


@router.delete("/project/{name}/usage/alerts/{alert_id}", summary="Be told of it no more")
def remove_alert(request: HttpRequest, name: str, alert_id: int) -> dict[str, Any]:
    by = caller(request)
    actions.remove_alert(opened(request, name, by=by), alert_id, by=by, at=timezone.now())
    return {"ok": True}


@router.get("/project/{name}/usage/mail", summary="What mail about the project's uses you get")
def show_mail(request: HttpRequest, name: str) -> dict[str, Any]:
    by = caller(request)
    return mails_of(account_of(by), opened(request, name, by=by))


@router.put("/project/{name}/usage/mail", summary="Choose what mail about the project's uses you get")
def choose_mail(request: HttpRequest, name: str, body: Mails) -> dict[str, Any]:
    by = caller(request)
    project, user = opened(request, name, by=by), account_of(by)
    topic, at = project.normalized, timezone.now()
    accounts.set_usage_mail(user, topic, digest=body.digest, alerts=body.alerts, by=by, at=at)
    return {"ok": True, **mails_of(user, project)}


def mails_of(user: User, project: Project) -> dict[str, Any]:
    wish = queries.wish_of(user, project)
    if wish is None:
        raise Refused("Only owners and maintainers get mail about uses.", code="role")
    return {"digest": wish.digest, "alerts": wish.alerts}
