"""Requests to the hot lane, byte for byte."""

from __future__ import annotations

HTML = "text/html; charset=utf-8"
JSON = "application/vnd.pypi.simple.v1+json"


def request(path: str, *headers: str, method: str = "GET", version: str = "1.1", host: str = "localhost") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


PAGE = request("/simple/alice/")
