"""`otumat webhook`: addresses that are told of a project's changes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import connect
from otumat.cli.console import printable
from otumat.publish import webhooks

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings


def list_webhooks(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """A project's webhooks."""
    found = webhooks.webhooks(connect(options, settings, console), options.project)
    titles = ("id", "url", "hears of", "added by", "")
    rows = [(each.id, each.url, _actions(each), each.created_by, each.disabled_because) for each in found]
    return console.show_listed(titles, rows, project=options.project, webhooks=[asdict(each) for each in found])


def add(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Add a webhook; its secret is the last line of the result, and the only one."""
    api = connect(options, settings, console)
    made, secret = webhooks.add(api, options.project, options.url, actions=options.action)
    if console.as_json:
        console.show_json({"ok": True, "webhook": asdict(made), "secret": secret})
        return 0
    console.note(printable(f"Added: webhook {made.id} of {options.project}. Its secret is shown this once:"))
    console.show(printable(secret))
    return 0


def remove(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Delete a webhook."""
    webhooks.remove(connect(options, settings, console), options.project, options.id)
    return _done(options, console, "Removed", "")


def enable(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Have a webhook called again."""
    webhooks.enable(connect(options, settings, console), options.project, options.id)
    return _done(options, console, "Enabled", "")


def test(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Send a test delivery."""
    webhooks.test(connect(options, settings, console), options.project, options.id)
    return _done(options, console, "Sent", "a test for ")


def deliveries(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """What a webhook was told, and how that went."""
    found = webhooks.deliveries(connect(options, settings, console), options.project, options.id)
    rows = [_row(each) for each in found]
    titles = ("delivery", "when (UTC)", "change", "state", "tries", "status", "")
    return console.show_listed(titles, rows, deliveries=[asdict(each) for each in found])


def redeliver(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Tell a change again."""
    webhooks.redeliver(connect(options, settings, console), options.project, options.id, options.delivery)
    return _done(options, console, "Sent again", f"delivery {options.delivery} of ", delivery=options.delivery)


def _done(options: argparse.Namespace, console: Console, word: str, what: str, **told: str) -> int:
    words = f"{what}webhook {options.id} of {options.project}."
    return console.show_done(word, words, project=options.project, id=options.id, **told)


def _actions(webhook: webhooks.Webhook) -> str:
    return "everything" if webhook.actions is None else ", ".join(webhook.actions)


def _row(delivery: webhooks.Delivery) -> tuple[str, ...]:
    when = delivery.created_at[:19].replace("T", " ")
    status = str(delivery.status) if delivery.status else ""
    return (delivery.id, when, delivery.action, delivery.state, str(delivery.tries), status, delivery.problem)
