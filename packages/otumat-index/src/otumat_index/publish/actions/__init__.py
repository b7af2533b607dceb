"""Every write to the catalogue: one function per thing a person may do, one journal row each."""

from __future__ import annotations

from otumat_index.publish.actions.classifiers import add_classifiers, remove_classifier
from otumat_index.publish.actions.invitations import accept, decline, invite, withdraw
from otumat_index.publish.actions.project import remove_file, require_second_factor, set_status, set_visibility
from otumat_index.publish.actions.roles import assign_name, assign_role, remove_role
from otumat_index.publish.actions.sent import NOT_METADATA, Upload
from otumat_index.publish.actions.submit import submit_release
from otumat_index.publish.actions.upload import publish_file
from otumat_index.publish.actions.yank import unyank_file, unyank_release, yank_file, yank_release

__all__ = [
    "NOT_METADATA",
    "Upload",
    "accept",
    "add_classifiers",
    "assign_name",
    "assign_role",
    "decline",
    "invite",
    "publish_file",
    "remove_classifier",
    "remove_file",
    "remove_role",
    "require_second_factor",
    "set_status",
    "set_visibility",
    "submit_release",
    "unyank_file",
    "unyank_release",
    "withdraw",
    "yank_file",
    "yank_release",
]
