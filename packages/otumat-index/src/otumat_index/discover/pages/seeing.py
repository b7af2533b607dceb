"""Which private projects whoever asks may see."""

from __future__ import annotations

from django.db.models import Q

from otumat_index.journal.actor import Actor
from otumat_index.publish import rules
from otumat_index.publish.models import Project


def sees(actor: Actor) -> frozenset[int]:
    """
    Primary keys of the private projects that an actor holds a role in, as far as the credential reaches.

    One query for people, none for strangers. It says in one go what `rules.may(actor, "read", …)` says of each.
    """
    deed = rules.TABLE["read"]
    if actor.user_id is None or (actor.actions is not None and deed.scope not in actor.actions):
        return frozenset()
    found = Project.objects.filter(is_private=True)
    if not (actor.is_admin and "admin" in deed.roles):
        held = Q(roles__user_id=actor.user_id) | Q(
            roles__group__members__user_id=actor.user_id, roles__group__members__joined_at__isnull=False
        )
        found = found.filter(held, roles__kind__in=deed.roles)
    if actor.projects is not None:
        found = found.filter(normalized__in=actor.projects)
    return frozenset(found.values_list("pk", flat=True))
