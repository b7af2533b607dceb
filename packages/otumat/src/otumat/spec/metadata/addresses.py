"""Rules about addresses: URLs, labelled URLs, and mail addresses."""

from __future__ import annotations

import re
import string
from email.utils import getaddresses
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otumat.errors import Problem
from otumat.spec.remembering import remember

if TYPE_CHECKING:
    from collections.abc import Sequence

URL_SCHEMES = ("http", "https", "ftp", "mailto")
"""What a page may link (D18): nothing that runs."""

LABEL_MAX_CHARS = 32

_NOT_IN_URL = re.compile(r'[\s<>"\\^`{|}\x00-\x1f\x7f]')
_MAIL_ADDRESS = re.compile(
    r"[^\s@<>()\[\]\\,;:\"]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?"
)
_LABEL_NOISE = str.maketrans("", "", string.punctuation + string.whitespace)


@remember(8192)
def fault_of_url(url: str) -> str:
    """What is wrong with a URL, as the end of a sentence; empty when it may be linked."""
    if _NOT_IN_URL.search(url):
        return "has characters that must be percent-encoded"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return "is no valid URL"
    if parts.scheme not in URL_SCHEMES:
        return "has no scheme" if not parts.scheme or "." in parts.scheme else f"has the scheme {parts.scheme!r}"
    if parts.scheme == "mailto":
        return "" if "@" in parts.path else "names no mail address"
    return "" if host else "names no host"


def check_home_page(url: str) -> Sequence[Problem]:
    """A URL that may be linked."""
    return _check_url("home_page", url)


def check_download_url(url: str) -> Sequence[Problem]:
    """A URL that may be linked."""
    return _check_url("download_url", url)


def _check_url(field: str, url: str, label: str = "") -> Sequence[Problem]:
    fault = fault_of_url(url)
    if not fault:
        return ()
    hint = f"Write a complete address beginning with {', '.join(f'{scheme}:' for scheme in URL_SCHEMES)}."
    completed = f"https://{url}"
    suggestions = (completed,) if fault == "has no scheme" and not fault_of_url(completed) else ()
    what = f"{label}: {url[:160]!r} {fault}." if label else f"{url[:160]!r} {fault}."
    return [Problem(f"{field}.url", field, what, value=url, hint=hint, rule=_URL_RULE, suggestions=suggestions)]


_URL_RULE = "core metadata: URLs are http, https, ftp or mailto"


def check_project_urls(pairs: tuple[tuple[str, str], ...]) -> Sequence[Problem]:
    """Each with a label of 1 to 32 characters, different from the others, and a URL that may be linked."""
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for label, url in pairs:
        if not url:
            message = f"{label[:160]!r} has no URL."
            problems.append(_label("project_urls.url", message, label, 'Write "Label, URL".'))
        else:
            problems += _check_url("project_urls", url, label[:LABEL_MAX_CHARS])
        problems += _check_label(label)
        key = canonical_label(label)
        if key in seen and key:
            problems.append(_same_label(label, seen[key]))
        seen.setdefault(key, label)
    return problems


def canonical_label(label: str) -> str:
    """PEP 753: without punctuation and space, in lower case, so that "Home-page" and "Homepage" are one."""
    return label.translate(_LABEL_NOISE).lower()


def _check_label(label: str) -> list[Problem]:
    if not label:
        return [_label("project_urls.label", "A URL has no label.", label, 'Write "Label, URL".')]
    if len(label) > LABEL_MAX_CHARS:
        message = f"The label {label[:80]!r} has {len(label)} characters; it may have {LABEL_MAX_CHARS}."
        return [_label("project_urls.label_too_long", message, label, "Shorten it.")]
    if "," in label:
        return [_label("project_urls.label_comma", f"The label {label!r} has a comma.", label, "Take it out.")]
    return []


def _label(code: str, message: str, value: str, hint: str, severity: str = "error") -> Problem:
    rule = "core metadata: Project-URL"
    return Problem(code, "project_urls", message, value=value, hint=hint, rule=rule, severity=severity)


def _same_label(label: str, first: str) -> Problem:
    message = f"The labels {first[:40]!r} and {label[:40]!r} mean the same."
    return Problem(
        "project_urls.same_label",
        "project_urls",
        message,
        value=label,
        hint="Keep one.",
        rule="PEP 753",
        severity="warning",
    )


@remember(8192)
def check_author_email(value: str) -> Sequence[Problem]:
    """A comma-separated list of mail addresses, with or without names."""
    return tuple(_check_mail("author_email", value))


@remember(8192)
def check_maintainer_email(value: str) -> Sequence[Problem]:
    """A comma-separated list of mail addresses, with or without names."""
    return tuple(_check_mail("maintainer_email", value))


def _check_mail(field: str, value: str) -> list[Problem]:
    faulty = [address for address in _mail_addresses(value) if not _MAIL_ADDRESS.fullmatch(address)]
    if not faulty:
        return []
    shown = faulty[0][:80] or value[:80]
    return [
        Problem(
            f"{field}.address",
            field,
            f"{shown!r} is no mail address.",
            value=value,
            hint='Write "name@example.org" or "Name <name@example.org>", several with commas between.',
            rule="RFC 5322",
        )
    ]


def _mail_addresses(value: str) -> list[str]:
    """The addresses of an RFC 5322 list; an empty one stands for what could not be read."""
    if value.isascii() and _MAIL_ADDRESS.fullmatch(value):
        return [value]
    # The standard library's reader takes time that grows with the square of the length of some lists.
    if len(value) > _MAIL_LIST_MAX_CHARS:
        return [""]
    try:
        return [address for _, address in getaddresses([value])] or [""]
    except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
        return [""]


_MAIL_LIST_MAX_CHARS = 4096
