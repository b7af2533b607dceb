"""Addresses of usage."""

from __future__ import annotations

from django.urls import path

from otumat_index.usage import api, owner_views, views
from otumat_index.usage.legacy import dialects
from otumat_index.usage.mine import urls as mine
from otumat_index.usage.published import urls as published
from otumat_index.usage.surveys import views as surveys
from otumat_index.usage.telling import urls as telling

app_name = "usage"
urlpatterns = [
    path(".well-known/oauth-authorization-server", api.discovery, name="discovery"),
    path("api/usage-install", dialects.answer(api.installs), name="installs"),
    path("api/usage-install/<str:install>", api.install, name="install"),
    path("api/usage-install/<str:install>/visits", api.visits, name="visits"),
    path("api/usage-event", dialects.events(api.events), name="events"),
    path("auth/token", dialects.token(api.token), name="token"),
    path("oauth/device", api.device, name="device_code"),
    path("oauth/revoke", dialects.revoke(api.revoke), name="revoke"),
    path("user/usage-install", dialects.consent(views.consent), name="consent"),
    path("device", views.device, name="device"),
    path("manage/project/<str:name>/survey/", surveys.survey, name="survey"),
    *mine.urlpatterns,
    path("manage/project/<str:name>/usage/", owner_views.usage, name="owner"),
    path("manage/project/<str:name>/usage/<slug:table>.csv", owner_views.table, name="owner_table"),
    path("manage/project/<str:name>/usage/event/<str:event>/", owner_views.event, name="owner_event"),
    path(
        "manage/project/<str:name>/usage/event/<str:event>/<slug:table>.csv",
        owner_views.event_table,
        name="owner_event_table",
    ),
    *published.urlpatterns,
    *telling.urlpatterns,
]
