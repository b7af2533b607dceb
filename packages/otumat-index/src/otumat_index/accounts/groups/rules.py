"""Pure decisions about groups."""

from __future__ import annotations

import re

from otumat.errors import Problem

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")
NAME_MAX_CHARS = 100
GROUPS_MAX = 100
"""Groups one person may be in the managers of: enough for anybody, too few to take all good names."""
MEMBERS_MAX = 1000


def check_slug(slug: str) -> list[Problem]:
    """Everything wrong with a new group's short name."""
    if SLUG.match(slug):
        return []
    message = f"{slug[:80]!r} is no short name of a group."
    hint = "Use 1 to 64 small letters, digits and '-', beginning and ending with a letter or digit."
    return [Problem("group.slug", "slug", message, value=slug, hint=hint)]


def check_name(name: str) -> list[Problem]:
    """Everything wrong with what a group is called."""
    if name.strip() and len(name) <= NAME_MAX_CHARS and name.isprintable():
        return []
    message = f"A group needs a name of 1 to {NAME_MAX_CHARS} characters."
    return [Problem("group.name", "name", message, value=name, hint="Say in a line who they are.")]
