"""Pages for people."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def project(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse("")


def release(request: HttpRequest, name: str, version: str) -> HttpResponse:
    return HttpResponse("")
