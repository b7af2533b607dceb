"""Small pieces that every room's templates share."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

register = template.Library()


@register.inclusion_tag("web/command.html")
def command(text: str, label: str = "Command") -> dict[str, object]:
    """A line to copy, with a button where script runs. `label` names it for people who cannot see it."""
    return {"words": text.split(" "), "label": label}


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """A moment as people say it (`3 months ago`), with the day it was for those who point at it, and for machines."""
    now = timezone.now()
    passed = "just now" if (now - at).total_seconds() < 60 else f"{timesince(at, now, depth=1)} ago"
    exact = f"{at.day} {at:%B %Y, %H:%M} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact, passed)


@register.filter
def plainly(field: BoundField) -> SafeString:
    """A form field with its label, help and errors; without colon or placeholder, which would only repeat the label."""
    field.field.widget.attrs.pop("placeholder", None)
    field.form.label_suffix = ""
    return field.as_field_group()
