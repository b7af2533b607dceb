"""
`otumat usage ...` and `otumat upload`: what packages may tell, decided and seen by whoever uses them.

    deciding.py   on, local, off, erase
    showing.py    status, show, sent, export
    looking.py    web, receipt
    sending.py    send, service, upload
    telling.py    a package's state in words
"""

from __future__ import annotations

from otumat.cli.usage.deciding import erase, turn_local, turn_off, turn_on
from otumat.cli.usage.looking import receipt, web
from otumat.cli.usage.sending import send, service, upload
from otumat.cli.usage.showing import export, sent, show, status

__all__ = [
    "erase",
    "export",
    "receipt",
    "send",
    "sent",
    "service",
    "show",
    "status",
    "turn_local",
    "turn_off",
    "turn_on",
    "upload",
    "web",
]
