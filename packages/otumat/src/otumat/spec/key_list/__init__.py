"""
The keys of a project as an index tells them: a history that only grows, in a list that is signed and expires.

    changes.py   one change: a key that came, a key that ended; each names the one before by its digest
    lists.py     the signed list of all of them; `vouching.keyring.Pin` is what a reader remembers of the last one
    proving.py   which new keys the old ones vouch for

Pure: no file, no socket, no clock. Source: `docs/protocol/index-trust.md`, "The signed list".
"""

from __future__ import annotations

from otumat.spec.key_list.changes import CHANGE_TYPE, Change, composed_addition, composed_end, read_change, records_of
from otumat.spec.key_list.lists import LIST_TYPE, KeyList, Unsigned, composed_list, list_problems, read_list
from otumat.spec.key_list.proving import proven

__all__ = [
    "CHANGE_TYPE",
    "LIST_TYPE",
    "Change",
    "KeyList",
    "Unsigned",
    "composed_addition",
    "composed_end",
    "composed_list",
    "list_problems",
    "proven",
    "read_change",
    "read_list",
    "records_of",
]
