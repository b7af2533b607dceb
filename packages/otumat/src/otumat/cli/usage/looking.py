"""`otumat usage web` and `otumat usage receipt`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otumat.cli.console import printable
from otumat.cli.usage.telling import folder_of, in_state_folder
from otumat.errors import Conflict, NotFound, Unreachable
from otumat.spec import receipt as spec
from otumat.spec.manifest import is_host
from otumat.transport import Request
from otumat.usage import tombstones
from otumat.usage.hosts import WELL_KNOWN, is_same_place, usage_transport
from otumat.usage.tokens import json_of, path_of
from otumat.usage.tokens import read as read_credential

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings


@in_state_folder
def web(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """A link to this install's page at its host, opened in the browser; nobody has to sign in."""
    path = _newest(folder_of(options.package))
    known = read_credential(path)
    if known is None or known.dialect != "1.0" or known.copy:
        why = f"{options.package} sends nothing from here" if known is None else f"{known.host} has no such page"
        if known is not None and known.copy:
            why = "This is a copy of an image, and the page is for whoever built it"
        hint = f"'otumat usage status {options.package}' says more."
        raise NotFound(f"{why}.", code="usage.web", hint=hint)
    answer = tombstones.ask(path, "POST", path="/visits", over=usage_transport())
    url = json_of(answer).get("url")
    if answer.status != 201 or not isinstance(url, str) or not is_same_place(url, known.host):
        raise Unreachable(f"{known.host} answered {answer.status}, without a link.", code="usage.web")
    if console.as_json:
        console.show_json({"package": options.package, "url": url})
        return 0
    console.show(printable(url))
    console.note("Good once, for five minutes. Whoever opens it sees what this install told, and can erase it.")
    if not options.no_browser:
        import webbrowser

        webbrowser.open(url)
    return 0


def receipt(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Whether a receipt of an erasure is its host's own, and unchanged."""
    found = spec.read(_text_of(options.file))
    host = (options.host or found.said["host"]).rstrip("/")
    spec.check(found, keys=_keys_of(host))
    if console.as_json:
        console.show_json({"host": host, "receipt": found.said, "is_good": True})
        return 0
    console.show(printable(f"{host} signed this receipt, and it is unchanged."))
    console.show_table([(name.replace("_", " "), [printable(str(text))]) for name, text in found.said.items()])
    return 0


def _newest(folder: str) -> str:
    """The current install's credential; without one, that of the install that was left last."""
    files = [path for path in (path_of(folder), *tombstones.buried(folder)) if read_credential(path) is not None]
    return [*files, *reversed(tombstones.left(folder)), path_of(folder)][0]


def _text_of(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(spec.TEXT_MAX + 1).decode("utf-8", "replace")
    except OSError as exc:
        message = f"{os.path.basename(path)} cannot be read: {exc.strerror}."
        raise NotFound(message, code="receipt.file", hint="Give the file that the receipt was saved in.") from exc


def _keys_of(host: str) -> list[str]:
    """The keys by which a host says that it signs receipts, or did."""
    if not is_host(host):
        raise Conflict(f"{host} is no address of a host.", code="usage.host", hint="Give one with --host https://…")
    parts = urlsplit(host)
    answer = usage_transport().send(Request("GET", f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path}"))
    told = json_of(answer).get("otumat_usage")
    keys = told.get("receipt_keys") if isinstance(told, dict) else None
    if answer.status != 200 or not isinstance(keys, list):
        raise Unreachable(f"{host} answered {answer.status}, and names no keys of receipts.", code="receipt.keys")
    return [each for each in keys if isinstance(each, str)]
