"""Every write to the catalogue: one function per thing a person may do, one journal row each."""

from __future__ import annotations

from otumat_index.publish.actions.project import remove_file, set_status, set_visibility
from otumat_index.publish.actions.roles import assign_role, remove_role
from otumat_index.publish.actions.submit import submit_release
from otumat_index.publish.actions.upload import NOT_METADATA, Upload, publish_file
from otumat_index.publish.actions.yank import unyank_file, unyank_release, yank_file, yank_release

__all__ = [
    "NOT_METADATA",
    "Upload",
    "assign_role",
    "publish_file",
    "remove_file",
    "remove_role",
    "set_status",
    "set_visibility",
    "submit_release",
    "unyank_file",
    "unyank_release",
    "yank_file",
    "yank_release",
]
