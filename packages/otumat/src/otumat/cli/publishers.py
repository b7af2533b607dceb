"""`otumat publisher`: build jobs that may publish without a password."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import connect
from otumat.errors import NotFound
from otumat.publish import publishers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from otumat.cli.console import Console
    from otumat.publish.api import Api
    from otumat.settings import Settings


def list_publishers(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The publishers of a project, or the pending ones of whoever asks."""
    found, _ = publishers.publishers(connect(options, settings, console), options.project)
    titles = ("id", "project", "issuer", "what its token says", "added by", "last used", "")
    return console.show_listed(titles, [_row(each) for each in found], publishers=[asdict(each) for each in found])


def issuers(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Whom the index trusts, and how a publisher there is described."""
    _, found = publishers.publishers(connect(options, settings, console))
    titles = ("issuer", "field", "", "what it is")
    rows = [
        (issuer.url, field.name, "" if field.is_needed else "may be left out", field.help)
        for issuer in found
        for field in issuer.fields
    ]
    return console.show_listed(titles, rows, issuers=[asdict(each) for each in found])


def add(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Let a build job publish."""
    api = connect(options, settings, console)
    claims: publishers.Claims = {**dict(options.fields), **({"extra": dict(options.claim)} if options.claim else {})}
    issuer = options.issuer or _only_issuer(api)
    made = publishers.add(api, options.project, issuer, claims, is_pending=options.pending)
    end = f", which claims the name with its first upload by {made.expires_at[:10]}" if options.pending else ""
    words = f"publisher {made.id} of {options.project}: {_described(made.claims)} at {issuer}{end}."
    return console.show_done("Added", words, publisher=asdict(made))


def remove(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """End a publisher."""
    publishers.remove(connect(options, settings, console), options.project, options.id, is_pending=options.pending)
    words = f"publisher {options.id} of {options.project}."
    return console.show_done("Removed", words, project=options.project, id=options.id)


def _only_issuer(api: Api) -> str:
    _, found = publishers.publishers(api)
    if len(found) != 1:
        hint = f"Add --issuer with one of: {', '.join(each.url for each in found)}." if found else ""
        count = f"trusts {len(found)} issuers" if found else "trusts no issuer, so no build job can publish there"
        raise NotFound(f"{api.index.url} {count}.", code="publisher.issuer", hint=hint)
    return found[0].url


def _row(publisher: publishers.Publisher) -> tuple[str, ...]:
    used = publisher.last_used_at[:10] or "never"
    says = _described(publisher.claims)
    end = publisher.sleeps or (f"waits until {publisher.expires_at[:10]}" if publisher.expires_at else "")
    return (publisher.id, publisher.project, publisher.issuer, says, publisher.added_by, used, end)


def _described(claims: Mapping[str, object]) -> str:
    """
    >>> _described({"sub": "a", "extra": {"ref": "b"}})
    'sub=a ref=b'
    """
    extra = claims.get("extra")
    flat = {name: value for name, value in claims.items() if name != "extra"}
    return " ".join(f"{name}={value}" for name, value in {**flat, **(extra if isinstance(extra, dict) else {})}.items())
