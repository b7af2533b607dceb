"""Addresses of trusted publishing, part of the room's."""

from __future__ import annotations

from django.urls import path

from otumat_index.publish.trusted import oidc, views

urlpatterns = [
    path(".well-known/pytp", oidc.discover, name="oidc_discover"),
    path("_/oidc/audience", oidc.audience, name="oidc_audience"),
    path("_/oidc/mint-token", oidc.mint, name="oidc_mint"),
    path("_/oidc/burn-token", oidc.burn, name="oidc_burn"),
    path("manage/project/<str:name>/publishing/", views.project, name="publishers"),
    path("manage/project/<str:name>/publishing/<int:publisher_id>/remove", views.remove, name="remove_publisher"),
    path("account/publishing/", views.pending, name="pending_publishers"),
    path("account/publishing/<int:publisher_id>/remove", views.remove_pending, name="remove_pending_publisher"),
]
