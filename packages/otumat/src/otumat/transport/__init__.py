"""
The wire: one request out, one answer back. The only place of the client that opens a socket.

    exchange.py    Request, Response, and Transport, which is all that the rest of the client knows
    form.py        multipart forms that stream their files
    by_urllib.py   UrllibTransport, the standard library's way; `otumat.testing.RecordingTransport` needs no network

Nothing heavy is imported before the first request.
"""

from __future__ import annotations

from otumat.transport.by_urllib import UrllibTransport
from otumat.transport.exchange import Request, Response, Transport, basic_auth
from otumat.transport.form import FilePart, Form

__all__ = ["FilePart", "Form", "Request", "Response", "Transport", "UrllibTransport", "basic_auth"]
