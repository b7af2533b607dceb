"""
What all our mails have in common: plain text and HTML, headers that thread and filter well, nothing that a stranger
can put into a header.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from otumat_index.jobs.models import Mail

SUBJECT_MAX_CHARS = 160
TEXT_MAX_CHARS = 600


def compose(
    mail: Mail, template: str, *, subject: str, about: Mapping[str, Any], **headers: str
) -> EmailMultiAlternatives:
    """
    A mail from the templates `TEMPLATE.txt` and `TEMPLATE.html`.

    Args:
        headers: More headers, `_` for `-`.
    """
    config = settings.CONFIG
    subject = one_line(f"[{config.index_name}] {subject}", SUBJECT_MAX_CHARS)
    words = {"index_name": config.index_name, "index_url": link("/"), "subject": subject, **about}
    message = EmailMultiAlternatives(
        subject,
        render_to_string(f"{template}.txt", words).strip() + "\n",
        to=[mail.address],
        headers={
            "Message-ID": message_id(mail),
            "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office notes, please
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )
    message.attach_alternative(render_to_string(f"{template}.html", words), "text/html")
    return message


def message_id(mail: Mail) -> str:
    """The same for the same change and recipient: a mail that did arrive twice would be shown once."""
    whom = hashlib.sha256(f"{mail.kind} {mail.address.lower()}".encode()).hexdigest()[:16]
    return f"<change.{mail.serial}.{whom}@{domain()}>"


def link(path: str) -> str:
    """A path of ours as an address people outside can open: by PUBLIC_URL, never by a request's Host."""
    return urljoin(settings.CONFIG.public_url, path)


def domain() -> str:
    """The host of PUBLIC_URL, as the right-hand side of ids."""
    host = urlsplit(settings.CONFIG.public_url).hostname or "localhost"
    return "localhost" if ":" in host else host.encode("idna").decode() if not host.isascii() else host


def one_line(text: str, most: int = TEXT_MAX_CHARS) -> str:
    """
    Text of strangers, safe in a header and unable to pass for our own lines: one line, bounded, without control
    characters, and without those that turn the direction of writing or cannot be seen.
    """
    shown = "".join(" " if is_unseen(char) else char for char in text[: 4 * most])
    line = " ".join(shown.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def is_unseen(char: str) -> bool:
    """Whether a character is a control, a line break, invisible formatting, or no character at all."""
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
