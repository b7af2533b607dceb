"""Small pieces that every room's templates share."""

from __future__ import annotations

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.inclusion_tag("web/command.html")
def command(text: str, label: str = "Command") -> dict[str, object]:
    """A line to copy, with a button where script runs. `label` names it for people who cannot see it."""
    return {"words": text.split(" "), "label": label}


@register.filter
def plainly(field: BoundField) -> SafeString:
    """A form field with its label, help and errors; without colon or placeholder, which would only repeat the label."""
    field.field.widget.attrs.pop("placeholder", None)
    field.form.label_suffix = ""
    return field.as_field_group()
