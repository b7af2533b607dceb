"""Addresses for operators."""

from __future__ import annotations

from django.urls import path

from otumat_index.web import operations

app_name = "web"
urlpatterns = [
    path("health/live", operations.live, name="live"),
    path("health/ready", operations.ready, name="ready"),
    path(".well-known/security.txt", operations.security, name="security_txt"),
    path("metrics", operations.metrics, name="metrics"),
]
