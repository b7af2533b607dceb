"""Reading the catalogue, as far as publishing itself needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from allauth.account.models import EmailAddress
from django.db import connection
from django.db.models import Q, QuerySet

from otumat.errors import NotFound
from otumat.spec import names, versions
from otumat.spec.classifiers import Vocabulary
from otumat_index.accounts import addresses, ownership, second_factor
from otumat_index.accounts.groups import queries as groups
from otumat_index.accounts.models import Group, User
from otumat_index.journal.actor import Actor
from otumat_index.publish import rules
from otumat_index.publish.models import Classifier, File, Invitation, Project, Release, Role
from otumat_index.web import prepared


def vocabulary() -> Vocabulary:
    """The classifiers this index accepts: those of trove-classifiers, and its own."""
    return vocabulary_with(own_classifiers())


def vocabulary_for(texts: Iterable[str]) -> Vocabulary:
    """The same to check a release by: only what is not in the usual list costs a question to the database."""
    usual = vocabulary_with(frozenset())
    return usual if usual.allowed.issuperset(texts) else vocabulary()


@lru_cache(maxsize=4)
def vocabulary_with(own: frozenset[str]) -> Vocabulary:
    """The usual list and some of an index's own: made once, for it remembers what it suggested."""
    return Vocabulary.from_trove(own)


def own_classifiers() -> frozenset[str]:
    """What admins added to the list."""
    return frozenset(text for (text,) in own_rows())


@prepared.rows
def own_rows() -> QuerySet[Classifier, tuple[str]]:
    return Classifier.objects.filter(is_own=True).values_list("text").order_by()


@lru_cache(maxsize=1)
def widths() -> dict[str, int]:
    """Most characters of each column of a release's texts; `classifier` is that of one classifier."""
    columns = {each.name: getattr(each, "max_length", None) for each in Release._meta.concrete_fields}
    return {
        **{name: width for name, width in columns.items() if width},
        "classifier": Classifier._meta.get_field("text").max_length or 0,
    }


STANDING = """
SELECT p.status, p.is_private, r.kind,
       EXISTS (SELECT 1 FROM publish_role o WHERE o.project_id = p.id AND o.kind = 'owner'), p.requires_second_factor,
       p.signatures
FROM publish_project p LEFT JOIN publish_role r ON r.project_id = p.id AND (r.user_id = %s OR r.group_id IN
    (SELECT m.group_id FROM accounts_groupmember m WHERE m.user_id = %s AND m.joined_at IS NOT NULL))
WHERE p.normalized = %s
"""


def standing_of(actor: Actor, normalized: str) -> rules.Standing:
    """What a decision needs to know of a project, in one query, whether it exists or not."""
    if names.check_name(normalized):  # nor could every database be asked for it
        return rules.Standing(name=normalized, exists=False)
    with connection.cursor() as cursor:  # asked thrice in every upload, where the ORM would take half of the time
        cursor.execute(STANDING, [actor.user_id, actor.user_id, normalized])
        rows = cursor.fetchall()  # one for each role the actor holds, by name or in a group
    if not rows:
        return rules.Standing(name=normalized, exists=False)
    status, is_private, _, has_owner, wants_factor, signatures = rows[0]
    role = rules.strongest(row[2] or "" for row in rows)
    lacks_factor = bool(wants_factor) and not second_factor.stands_behind(actor)
    return rules.Standing(normalized, True, role, status, bool(is_private), bool(has_owner), lacks_factor, signatures)


SIBLINGS = """
SELECT f.metadata FROM publish_file f
JOIN publish_release r ON r.id = f.release_id JOIN publish_project p ON p.id = r.project_id
WHERE p.normalized = %s AND r.canonical = %s AND f.kind = %s ORDER BY f.id LIMIT 20
"""


def metadata_of_files(normalized: str, canonical: str, kind: str) -> list[bytes]:
    """METADATA or PKG-INFO of the first 20 files of one kind in a release."""
    with connection.cursor() as cursor:
        cursor.execute(SIBLINGS, [normalized, canonical, kind])
        return [bytes(data) for (data,) in cursor.fetchall()]


def project(name: str, *, by: Actor) -> Project:
    """
    A project the actor may see, by any spelling of its name.

    Raises:
        NotFound: There is none, or none the actor may see: the same answer for both.
    """
    normalized = names.normalize(name)
    found = by_name(normalized)
    if found is None or found.is_private:
        # Asked for missing ones too, so that they take as long as hidden ones (A86).
        standing = standing_of(by, normalized)
        if found is None or not rules.may(by, "read", standing):
            raise NotFound(f"There is no project {name!r} on this index.", hint="Check the spelling, or search for it.")
    return found


def by_name(normalized: str) -> Project | None:
    """The project of a normalised name, whoever asks."""
    if names.check_name(normalized):  # nor could every database be asked for it
        return None
    return next(iter(named(normalized)), None)


@prepared.rows
def named(normalized: str) -> QuerySet[Project]:
    return Project.objects.select_related("latest").filter(normalized=normalized)


def find(name: str, who: Callable[[], Actor]) -> Project:
    """
    The same for pages: credentials are looked at only where the project is not public.

    They are looked at for unknown names too, so that a wrong password gets one answer for hidden and missing projects.
    """
    found = by_name(names.normalize(name))
    return found if found is not None and not found.is_private else project(name, by=who())


def release(of: Project, version: str) -> Release:
    """One release by any spelling of its version."""
    found = of.releases.filter(canonical=versions.canonical(version)).first()
    if found is None:
        raise NotFound(f"{of.name} has no release {version!r}.", hint="Its page lists the releases there are.")
    return found


def invitations_for(user: User, *, at: datetime) -> QuerySet[Invitation]:
    """Open offers to a person, by login or by an address that the person has confirmed, newest first."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    mine = Q(user=user) | Q(email__in=[addresses.canonical(email) for email in confirmed])
    rows = Invitation.objects.filter(mine, expires_at__gt=at).select_related("project", "invited_by", "user")
    return rows.order_by("-pk")


def invitations_to(project: Project, *, at: datetime) -> QuerySet[Invitation]:
    """Open offers of a project, newest first."""
    rows = Invitation.objects.filter(project=project, expires_at__gt=at)
    return rows.select_related("project", "invited_by", "user").order_by("-pk")


def group(slug: str, of: Project, *, by: Actor) -> Group:
    """A group that holds a role in this project, or that the actor may see."""
    held = Group.objects.filter(slug=slug[:64], roles__project=of).first() if slug.isprintable() else None
    return held or groups.group_of(slug, by=by)


def roles_in(project: Project) -> list[Role]:
    """Who holds which role, owners first; one query."""
    rows = Role.objects.filter(project=project).select_related("user", "group")
    return sorted(rows, key=lambda role: (rules.STRONGEST.index(role.kind), role.holder.lower()))


LISTED_MAX = 200


def ownerless(text: str = "") -> list[Project]:
    """Projects that no active person owns, by name; the first of them."""
    rows = ownership.without_owner().filter(normalized__contains=names.normalize(text[:200]) if text else "")
    return list(rows.order_by("normalized")[:LISTED_MAX])


def quarantined() -> list[Project]:
    """Projects in quarantine, by name."""
    return list(Project.objects.filter(status=Project.Status.QUARANTINED).order_by("normalized")[:LISTED_MAX])


def confusable_with(normalized: str, *, by: Actor) -> tuple[str | None, bool]:
    """
    Another project that people would mistake for this name.

    Returns:
        Its display name, where the actor may see it (None otherwise); and whether there is one at all.
    """
    twins = Project.objects.filter(confusable=names.confusable_key(normalized)).exclude(normalized=normalized)
    # A public one first: its name may be told.
    twin = twins.order_by("is_private", "normalized").first()
    if twin is None:
        return None, False
    return (None if rules.is_hidden(by, standing_of(by, twin.normalized)) else twin.name), True


def file_key_is_known(key: str) -> bool:
    """Whether a committed row names these bytes."""
    return File.objects.filter(key=key).exists()


def stored_files() -> Iterator[tuple[str, int, str]]:
    """Everything that the store must have: key, size in bytes, SHA-256."""
    return File.objects.order_by().values_list("key", "size_bytes", "sha256").iterator()
