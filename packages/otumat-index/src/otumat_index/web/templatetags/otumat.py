"""Small pieces that every room's templates share."""

from __future__ import annotations

from django import template

register = template.Library()


@register.inclusion_tag("web/command.html")
def command(text: str, label: str = "Command") -> dict[str, str]:
    """A line to copy, with a button where script runs. `label` names it for people who cannot see it."""
    return {"text": text, "label": label}
