"""
Everything that changes usage: `collecting` (a project), `installs` (a copy), `events` (what a copy tells); `legacy`
does all that for copies of Otumat 0.3, and is imported by its doors alone.
"""

from __future__ import annotations

from otumat_index.usage.actions.collecting import catch_up, declare, learn, set_collecting
from otumat_index.usage.actions.copies import forget_copies, note_copy
from otumat_index.usage.actions.enrolments import allow_link, answer_device, ask_for_code, exchange_code, poll_device
from otumat_index.usage.actions.erasing import erase_install, erased_before, finish_erasures
from otumat_index.usage.actions.events import accept_events
from otumat_index.usage.actions.installs import make_install, unlink_closed, withdraw_install

__all__ = [
    "accept_events",
    "allow_link",
    "answer_device",
    "ask_for_code",
    "catch_up",
    "declare",
    "erase_install",
    "erased_before",
    "exchange_code",
    "finish_erasures",
    "forget_copies",
    "learn",
    "make_install",
    "note_copy",
    "poll_device",
    "set_collecting",
    "unlink_closed",
    "withdraw_install",
]
