"""Addresses of alerts."""

from __future__ import annotations

from django.urls import path

from otumat_index.usage.telling import views

urlpatterns = [
    path("manage/project/<str:name>/usage/alerts/", views.alerts, name="alerts"),
    path("manage/project/<str:name>/usage/alerts/<int:alert_id>/remove", views.remove, name="remove_alert"),
]
