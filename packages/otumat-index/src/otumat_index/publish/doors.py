"""Opening a project's door: the project it names, if the table lets the actor in."""

from __future__ import annotations

from django.http import HttpRequest

from otumat_index.accounts import credentials
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.models import Project


def opened(request: HttpRequest, name: str, *, by: Actor, deed: str = "") -> Project:
    """
    The project in a door's address, for what `rules.DOORS` says the door is for.

    Actions ask again, with the project locked: what is seen here may have changed by then.

    Args:
        deed: What it is for, said by a view behind which somebody shows again who they are: when allauth answers a
            form that it kept, the request came to another door.

    Raises:
        NotFound: It is not there, or hidden from the actor.
        Refused: Not with this role, credential, or in this state of the project.
    """
    found = queries.project(name, by=by)
    if deed:
        rules.check_may(by, deed, queries.standing_of(by, found.normalized), name_claims="admin")
    else:
        check(request, found, by=by)
    return found


def may(request: HttpRequest, deed: str, project: Project) -> bool:
    """Whether whoever is signed in may do this: for what a page offers, and where it leads."""
    by = credentials.from_session(request)
    return rules.may(by, deed, queries.standing_of(by, project.normalized))


def check(request: HttpRequest, project: Project, *, by: Actor) -> None:
    """Ask the table about the door that the request came to."""
    match = request.resolver_match
    action = rules.asked_at(request.method or "", match.route if match else "")
    if action == "read":
        return  # to find it was to ask that; everybody sees what is public
    rules.check_may(by, action, queries.standing_of(by, project.normalized), name_claims="admin")
