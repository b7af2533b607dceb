"""
A card as HTML.

A page has up to 200 of them, and a template took ten times as long for each as asking for it does; so, like the boxes,
they are joined here. Everything that somebody wrote is escaped.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe

from otumat_index.discover.pages.facts import Label
from otumat_index.web.templatetags.otumat import moment

if TYPE_CHECKING:
    from otumat_index.discover.pages.cards import Card


def article(card: Card) -> SafeString:
    """What one needs to know of a project to choose it, with a box to compare it by."""
    name = escape(card.name)
    facts = "".join(f"<li>{each}</li>\n" for each in told(card) if each)
    return mark_safe(  # noqa: S308 - every part of it is escaped
        '<article class="project-card">\n'
        f'<h3 class="title"><a href="{escape(card.url)}">{name}</a> '
        f'<span class="version">{escape(card.version)}</span>{badges(card)}</h3>\n'
        f'<p class="summary">{escape(card.summary or "No summary.")}</p>\n'
        f'<ul class="facts-line">\n{facts}</ul>\n'
        f'<label class="compare"><input type="checkbox" name="p" value="{escape(card.normalized)}" form="compare"> '
        f'Compare<span class="visually-hidden"> {name}</span></label>\n</article>'
    )


def badges(card: Card) -> str:
    """What a reader should know first."""
    mark = f' <span class="badge warn">{escape(card.mark)}</span>' if card.mark else ""
    private = ' <span class="badge">private</span>' if card.is_private else ""
    return mark + private + (' <span class="badge">pre-release</span>' if card.is_prerelease else "")


def told(card: Card) -> tuple[str, ...]:
    """The facts of a card in a line; empty ones are not shown."""
    python = f"Python {card.requires_python or card.python}" if card.requires_python or card.python else ""
    if card.requires_python and "." in card.python:
        python += f" (for {card.python})"
    head = (moment(card.released_at), escape(card.license), escape(python), escape(card.maturity))
    return (*head, *map(label, card.labels))


@lru_cache(maxsize=2_000)
def label(shown: Label) -> str:
    """A classifier to browse by."""
    address, full = quote(shown.classifier, safe=""), escape(shown.classifier)
    return f'<a href="/browse/?c={address}" title="{full}">{escape(shown.words)}</a>'
