"""Addresses of accounts; signing up, in and out are allauth's, below `/account/` too."""

from __future__ import annotations

from django.urls import path

from otumat_index.accounts import views

app_name = "accounts"
urlpatterns = [
    path("account/", views.home, name="home"),
    path("account/tokens/", views.tokens, name="tokens"),
    path("account/tokens/<int:token_id>/revoke", views.revoke_token, name="revoke_token"),
    path("account/first-admin/<str:secret>/", views.first_admin, name="first_admin"),
]
