"""Pure decisions about publishing: `access` says who may do what, `entry` what a release and its files may say."""

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
    "FILETYPES",
    "STATIC",
    "STRONGEST",
    "TABLE",
    "Deed",
    "Standing",
    "as_json",
    "check_digests",
    "check_entry",
    "check_filetype",
    "check_may",
    "check_may_assign",
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
