"""Pure decisions about groups."""

from __future__ import annotations

import re

from otumat.errors import Problem

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")
NAME_MAX_CHARS = 100
GROUPS_MAX = 100
"""Groups one person may be in the managers of: enough for anybody, too few to take all good names."""
MEMBERS_MAX = 1000


def check_group(slug: str, name: str) -> list[Problem]:
    """Everything wrong with a new group's short name and name."""
    problems = []
    if not SLUG.match(slug):
        message = f"{slug[:80]!r} is no short name of a group."
        hint = "Use 1 to 64 small letters, digits and '-', beginning and ending with a letter or digit."
        problems.append(Problem("group.slug", "slug", message, value=slug, hint=hint))
    if not name.strip() or len(name) > NAME_MAX_CHARS or not name.isprintable():
        message = f"A group needs a name of 1 to {NAME_MAX_CHARS} characters."
        problems.append(Problem("group.name", "name", message, value=name, hint="Say in a line who they are."))
    return problems
