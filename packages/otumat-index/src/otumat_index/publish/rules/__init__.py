"""Pure decisions: `access` says who may do what, `doors` which door is for what, `entry` what a release may say."""

from __future__ import annotations

from otumat_index.publish.rules.access import (
    STRONGEST,
    TABLE,
    Deed,
    Standing,
    check_may,
    check_may_assign,
    check_quarantine,
    is_closed,
    is_hidden,
    may,
    roles_of,
    strongest,
)
from otumat_index.publish.rules.classifiers import check_own
from otumat_index.publish.rules.doors import AUDIENCES, DOORS, address, asked_at
from otumat_index.publish.rules.entry import (
    FILETYPES,
    STATIC,
    as_json,
    check_digests,
    check_entry,
    check_filetype,
    check_siblings,
    check_widths,
    entry_values,
    metadata_of,
    slot,
    spec_number,
)

__all__ = [
    "AUDIENCES",
    "DOORS",
    "FILETYPES",
    "STATIC",
    "STRONGEST",
    "TABLE",
    "Deed",
    "Standing",
    "address",
    "as_json",
    "asked_at",
    "check_digests",
    "check_entry",
    "check_filetype",
    "check_may",
    "check_may_assign",
    "check_own",
    "check_quarantine",
    "check_siblings",
    "check_widths",
    "entry_values",
    "is_closed",
    "is_hidden",
    "may",
    "metadata_of",
    "roles_of",
    "slot",
    "spec_number",
    "strongest",
]
