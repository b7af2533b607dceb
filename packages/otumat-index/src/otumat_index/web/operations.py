"""What operators ask: is it alive, can it serve, how much does it do."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from datetime import timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from otumat.errors import NotFound, Refused
from otumat_index.web import hints
from otumat_index.web.middleware import UNKNOWN_PROXY, client_address, is_address

SECURITY_DAYS = 180


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"ok": True})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers and the data folder can be written."""
    checks = {"database": database_answers(), "data": data_is_writable()}
    return JsonResponse({"ok": all(checks.values()), "checks": checks}, status=200 if all(checks.values()) else 503)


@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """RFC 9116: whom to tell of a weakness, where the operator has said so. It holds for half a year from today."""
    contact = settings.CONFIG.security_contact
    if not contact:
        raise NotFound("This index names no contact for its security.")
    ends = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=SECURITY_DAYS)
    own = urljoin(settings.CONFIG.public_url, request.path)
    lines = [
        f"Contact: {contact}",
        f"Expires: {ends:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {own}",
    ]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except Error:
        return False


def data_is_writable() -> bool:
    probe = settings.CONFIG.data / f".ready-{secrets.token_hex(4)}"
    try:
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def is_local(request: HttpRequest) -> bool:
    """Whether it comes from this machine, and not through a proxy on it."""
    address = client_address(request)
    return is_address(address) and ipaddress.ip_address(address).is_loopback and UNKNOWN_PROXY not in request.META


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text; for loopback addresses, or with the token METRICS_TOKEN."""
    token = settings.CONFIG.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not (hmac.compare_digest(given.encode(), token.encode()) if token else is_local(request)):
        raise Refused("Metrics are for operators.", hint="Send the METRICS_TOKEN as a bearer token.")
    registry = CollectorRegistry()
    store = hints.running()
    for name, value in (store.counters() if store else {}).items():
        Gauge(f"otumat_lane_{name}", "Answers of the hot lane on this machine", registry=registry).set(value)
    with connection.cursor() as cursor:
        for table, said in (("publish_project", "Projects"), ("publish_file", "Files"), ("accounts_user", "Accounts")):
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - constants
            Gauge(f"otumat_{said.lower()}", said, registry=registry).set(cursor.fetchone()[0])
        cursor.execute("SELECT state, count(*) FROM jobs_mail GROUP BY state")
        mails = Gauge(
            "otumat_mails", "Mails of the last 90 days; unknown ones may have arrived", ["state"], registry=registry
        )
        for state, count in cursor.fetchall():
            mails.labels(state).set(count)
        cursor.execute("SELECT coalesce(max(serial), 0) FROM journal_head")
        Gauge("otumat_journal_serial", "Newest change", registry=registry).set(cursor.fetchone()[0])
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
