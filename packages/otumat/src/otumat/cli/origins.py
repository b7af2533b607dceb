"""`otumat keys which`: which release of an index is a file from?"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import transport
from otumat.cli.console import printable
from otumat.cli.credentials import for_reading
from otumat.discover.origins import origins
from otumat.errors import NotFound

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings

UNKNOWN = 1


def which(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Ask for each; the exit code is 1 if the index knows none of one of them."""
    index = settings.find_index(options.index)
    by, over = for_reading(settings, index), transport()
    digests = [(each, _digest(each)) for each in options.files]
    found = [(name, digest, origins(digest, on=index, by=by, over=over)) for name, digest in digests]
    if console.as_json:
        files = [{"file": name, "sha256": digest, "found": [asdict(each) for each in listed]}
                 for name, digest, listed in found]  # fmt: skip
        console.show_json({"ok": all(listed for _, _, listed in found), "files": files})
    else:
        for name, digest, listed in found:
            console.show(printable(f"{name}  {digest}" if name.lower() != digest else digest))
            for each in listed:
                where = f"{each.path} in {each.filename}" if each.path else each.filename
                console.show(printable(f"  {each.project} {each.version}: {where}"))
            if not listed:
                console.show(f"  {printable(index.url)} knows of no release with it: never signed there, or changed.")
    return 0 if all(listed for _, _, listed in found) else UNKNOWN


def _digest(text: str) -> str:
    """The SHA-256 of a file, or the one that is given."""
    if len(text) == 64 and not text.lower().strip("0123456789abcdef") and not os.path.lexists(text):
        return text.lower()
    try:
        with open(os.path.expanduser(text), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        hint = "Give a file, or a SHA-256 of 64 hexadecimal digits."
        raise NotFound(f"{text!r} cannot be read: {exc.strerror or exc}.", code="path.missing", hint=hint) from exc
