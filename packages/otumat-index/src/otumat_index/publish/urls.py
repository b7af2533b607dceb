"""Addresses of publishing."""

from __future__ import annotations

from django.urls import path

from otumat_index.publish import views

app_name = "publish"
urlpatterns = [
    path("submit", views.submit, name="submit"),
    path("legacy/", views.legacy, name="legacy"),
    path("legacy", views.legacy),
    path("pypi", views.legacy, name="pypi"),
    path("pypi/", views.legacy),
]
