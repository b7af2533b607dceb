"""JSON doors of admins to the index's own classifiers. The list itself is `discover`'s."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from otumat_index.accounts.admin_api import admin_of
from otumat_index.publish import actions

router = Router(tags=["admin"])


class Classifiers(Schema):
    """Classifiers in full: `Acme :: Team :: Payments`."""

    classifiers: list[str] = []


@router.post("/admin/classifiers", summary="Add classifiers of this index's own to the list")
def add_classifiers(request: HttpRequest, body: Classifiers) -> dict[str, Any]:
    by = admin_of(request)
    return {"ok": True, "added": actions.add_classifiers(body.classifiers, by=by, at=timezone.now())}


@router.delete("/admin/classifiers", summary="Take one of this index's own classifiers off the list")
def remove_classifier(request: HttpRequest, classifier: str = "") -> dict[str, Any]:
    by = admin_of(request)
    actions.remove_classifier(classifier, by=by, at=timezone.now())
    return {"ok": True, "removed": classifier}
