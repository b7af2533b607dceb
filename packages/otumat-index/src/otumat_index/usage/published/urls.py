"""Addresses of what is published."""

from __future__ import annotations

from django.urls import path

from otumat_index.usage.published import views

urlpatterns = [
    path("project/<str:name>/usage/", views.page, name="public"),
    path("project/<str:name>/usage.svg", views.badge, name="badge"),
    path("project/<str:name>/usage.csv", views.csv, name="public_csv"),
    path("manage/project/<str:name>/usage/public/", views.switch, name="public_switch"),
]
