"""Small pieces that every room's templates share."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.forms import BoundField
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

register = template.Library()


@register.inclusion_tag("web/command.html")
def command(text: str, label: str = "Command") -> dict[str, object]:
    """A line to copy, with a button where script runs. `label` names it for people who cannot see it."""
    return {"words": text.split(" "), "label": label}


@register.simple_block_tag
def example(content: str, label: str) -> SafeString:
    """Lines to copy, as `command` is one; what they are made of is escaped already, as all of a template is."""
    return SafeString(render_to_string("web/example.html", {"text": SafeString(content), "label": label}))


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """A moment as people say it (`3 months ago`), with the day it was for those who point at it, and for machines."""
    exact = f"{at.day} {at:%B %Y, %H:%M} UTC"
    passed = since((timezone.now() - at).total_seconds())
    return SafeString(f'<time datetime="{at.isoformat()}" title="{exact}">{passed}</time>')


UNITS = (
    (365 * 86400, "year"),
    (30 * 86400, "month"),
    (7 * 86400, "week"),
    (86400, "day"),
    (3600, "hour"),
    (60, "minute"),
)


def since(seconds: float) -> str:
    """Time in whole ones of its largest unit. (Django's own knows calendars and takes forty times as long.)"""
    for length, unit in UNITS:
        if (count := int(seconds // length)) > 0:
            return f"{count}\u00a0{unit}{'s' if count > 1 else ''} ago"
    return "just now"


@register.filter
def plainly(field: BoundField) -> SafeString:
    """A form field with its label, help and errors; without colon or placeholder, which would only repeat the label."""
    field.field.widget.attrs.pop("placeholder", None)
    field.form.label_suffix = ""
    return field.as_field_group()
