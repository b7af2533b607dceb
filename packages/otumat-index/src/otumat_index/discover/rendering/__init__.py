"""
Descriptions as HTML that can do nothing: no script, no style, no form, nothing of ours it could pass for.

A description is a stranger's program for a parser: a megabyte of `<div>` keeps one busy for minutes. So each is
rendered in a process of its own (`child.py`) with limits of time and memory, once, and kept by its digest. What
cannot be rendered within them is shown as the plain text it is.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

CHILD = Path(__file__).parent / "child.py"
FORMS = {"text/markdown": "markdown", "text/x-rst": "rst", "text/plain": "", "": "rst"}
"""How each content type is rendered. Without one, as specified: reStructuredText if it is that, else plain."""

GENERATION = "2"
"""Counted up with every change of what `child.py` makes, so that nothing kept before is shown again."""

SLOT_DIGITS = 3
"""Kept renderings are files named by this many hexadecimal digits: 4,096 at most, the latest stays."""

WAIT_S = 6
TURNS = threading.BoundedSemaphore(2)
"""Children of one process at once: readers of new pages wait their turn, the machine stays free for the rest."""


@dataclass(frozen=True, slots=True)
class Description:
    """
    A description ready to show.

    Attributes:
        html: Safe to put into a page; empty when the text itself is to be shown.
        note: Why marked-up text is shown plain; empty when it is not.
    """

    html: SafeString = SafeString("")
    note: str = ""


PLAIN = Description()
UNREADABLE = Description(note="This text could not be rendered as the markup it says it is, so here it is as written.")
BUSY = Description(note="This text is shown as written, for the index is busy. Reload the page for the rendered one.")


def describe(text: str, content_type: str) -> Description:
    """
    Render a description; never raises, whatever the text.

    Args:
        text: As submitted.
        content_type: Its `Description-Content-Type`, with or without parameters.

    Source: core metadata, "Description-Content-Type".
    """
    form = FORMS.get(media_type(content_type), "")
    if not form or not text.strip():
        return PLAIN
    place = slot(form, text)
    kept = recall(*place)
    if kept is None:
        if not TURNS.acquire(timeout=WAIT_S):
            return BUSY
        try:
            kept = run(form, text)
        finally:
            TURNS.release()
        remember(*place, kept)
    if kept:
        return Description(mark_safe(kept))  # noqa: S308 - cleaned by child.py
    return UNREADABLE if content_type.strip() else PLAIN


def media_type(content_type: str) -> str:
    """`text/markdown` of `Text/Markdown; variant=GFM`; what cannot be read counts as plain text."""
    if not content_type.strip():
        return ""
    header = Message()
    header["Content-Type"] = content_type.replace("\n", " ").replace("\r", " ")
    return header.get_content_type()


def run(form: str, text: str) -> str:
    """The child's HTML; empty when it failed, took too long or wanted too much."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program; the text goes to its standard input
            [sys.executable, "-I", str(CHILD), form],
            input=text.encode("utf-8", "replace"),
            capture_output=True,
            timeout=WAIT_S,
            check=True,
            env={"LANG": "C.UTF-8"},
        )
    except (subprocess.SubprocessError, OSError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def slot(form: str, text: str) -> tuple[Path, str]:
    """Where a rendering is kept, and the digest that says whose it is."""
    digest = hashlib.sha256(f"{GENERATION}\0{form}\0{text}".encode("utf-8", "replace")).hexdigest()
    return settings.CONFIG.data / "cache" / "descriptions" / digest[:SLOT_DIGITS], digest


def recall(path: Path, digest: str) -> str | None:
    """What was kept for this text, None if nothing."""
    try:
        owner, _, html = path.read_text("utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return html if owner == digest else None


def remember(path: Path, digest: str, html: str) -> None:
    """Keep a rendering. A full disk only means rendering again."""
    unfinished = path.with_name(f"new.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(f"{digest}\n{html}", "utf-8")
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
