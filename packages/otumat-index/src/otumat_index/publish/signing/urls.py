"""Addresses of keys and signatures, part of the room's."""

from __future__ import annotations

from django.urls import path

from otumat_index.publish.signing import views

urlpatterns = [
    path("manage/project/<str:name>/keys/", views.keys, name="keys"),
    path("manage/project/<str:name>/keys/<str:key_id>/revoke", views.revoke, name="revoke_key"),
    path("manage/project/<str:name>/signatures", views.signatures, name="manage_signatures"),
    path("trust/project/<str:name>/keys", views.key_list, name="key_list"),
    path("trust/sha256/<str:digest>", views.origin, name="origin"),
    path("integrity/<str:name>/<str:version>/<str:filename>/provenance", views.provenance, name="provenance"),
]
