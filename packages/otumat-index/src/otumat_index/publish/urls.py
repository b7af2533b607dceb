"""Addresses of publishing."""

from __future__ import annotations

from django.urls import path

from otumat_index.publish import admin_views, views
from otumat_index.publish import classifier_views as classifiers
from otumat_index.publish import manage_views as manage
from otumat_index.publish import people_views as people
from otumat_index.publish.hooks import views as hooks
from otumat_index.publish.notices import views as notices
from otumat_index.publish.signing import urls as signing
from otumat_index.publish.trusted import urls as trusted

app_name = "publish"
urlpatterns = [
    path("account/mail/", notices.mail, name="mail"),
    path("manage/project/<str:name>/webhooks/", hooks.webhooks, name="webhooks"),
    path("manage/project/<str:name>/webhooks/<int:number>/", hooks.webhook, name="webhook"),
    *trusted.urlpatterns,
    *signing.urlpatterns,
    path("submit", views.submit, name="submit"),
    path("legacy/", views.legacy, name="legacy"),
    path("legacy", views.legacy),
    path("manage/submit/", manage.submit, name="submit_form"),
    path("manage/project/<str:name>/", manage.project, name="manage"),
    path("manage/project/<str:name>/yank", manage.yank, name="manage_yank"),
    path("manage/project/<str:name>/status", manage.status, name="manage_status"),
    path("manage/project/<str:name>/visibility", manage.visibility, name="manage_visibility"),
    path("manage/project/<str:name>/second-factor", manage.second_factor, name="manage_second_factor"),
    path("manage/project/<str:name>/role", manage.role, name="manage_role"),
    path("manage/project/<str:name>/role/remove", manage.remove_role, name="manage_remove_role"),
    path("manage/project/<str:name>/leave", people.leave, name="leave"),
    path("manage/project/<str:name>/invite", people.invite, name="invite"),
    path("manage/project/<str:name>/invite/<int:invitation_id>/withdraw", people.withdraw, name="withdraw"),
    path("manage/project/<str:name>/transfer", people.transfer, name="transfer"),
    path("manage/project/<str:name>/journal/", people.project_journal, name="journal"),
    path("account/invitations/", people.invitations, name="invitations"),
    path("account/invitations/<int:invitation_id>/accept", people.accept, name="accept_invitation"),
    path("account/invitations/<int:invitation_id>/decline", people.decline, name="decline_invitation"),
    path("account/invitations/<str:secret>/", people.invitation, name="invitation"),
    path("admin/projects/", admin_views.projects, name="admin_projects"),
    path("admin/classifiers/", classifiers.page, name="admin_classifiers"),
    path("manage/project/<str:name>/file/remove", manage.remove_file, name="manage_remove_file"),
    path("manage/project/<str:name>/file/<str:filename>/remove", manage.confirm_removal, name="manage_confirm_removal"),
]
