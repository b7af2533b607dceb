"""Addresses of one's own installs, by account and by visit."""

from __future__ import annotations

from django.urls import path

from otumat_index.usage.mine import views
from otumat_index.usage.mine.holding import by_account, by_visit

ONE = "account/installs/<int:number>/"
urlpatterns = [
    path("account/installs/", views.installs, name="mine"),
    path(ONE, by_account(views.show), name="install_page"),
    path(ONE + "export.json", by_account(views.export), name="install_export"),
    path(ONE + "batches/<str:batch>.json", by_account(views.batch), name="install_batch"),
    path(ONE + "withdraw", by_account(views.withdraw), name="install_withdraw"),
    path(ONE + "erase/", views.erase_by_account, name="install_erase"),
    path("usage/visit/<str:secret>/", views.visit, name="visit"),
    path("usage/mine/", by_visit(views.show), name="visited"),
    path("usage/mine/export.json", by_visit(views.export), name="visited_export"),
    path("usage/mine/batches/<str:batch>.json", by_visit(views.batch), name="visited_batch"),
    path("usage/mine/withdraw", by_visit(views.withdraw), name="visited_withdraw"),
    path("usage/mine/erase/", views.erase_by_visit, name="visited_erase"),
    path("usage/mine/leave", by_visit(views.leave), name="visited_leave"),
    path("usage/receipt/", views.receipt, name="receipt"),
]
