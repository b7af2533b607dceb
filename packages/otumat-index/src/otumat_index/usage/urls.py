"""Addresses of usage."""

from __future__ import annotations

from django.urls import path

from otumat_index.usage import api, views
from otumat_index.usage.legacy import dialects

app_name = "usage"
urlpatterns = [
    path(".well-known/oauth-authorization-server", api.discovery, name="discovery"),
    path("api/usage-install", dialects.answer(api.installs), name="installs"),
    path("api/usage-install/<str:install>", api.install, name="install"),
    path("api/usage-event", dialects.events(api.events), name="events"),
    path("auth/token", dialects.token(api.token), name="token"),
    path("oauth/device", api.device, name="device_code"),
    path("oauth/revoke", api.revoke, name="revoke"),
    path("user/usage-install", dialects.consent(views.consent), name="consent"),
    path("device", views.device, name="device"),
]
