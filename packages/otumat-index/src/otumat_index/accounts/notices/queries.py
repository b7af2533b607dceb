"""Whom a mail reaches, and whether it is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from allauth.account.models import EmailAddress
from django.core import signing

from otumat_index.accounts.models import User
from otumat_index.accounts.notices.models import MailPreference, UsageMail

SALT = "otumat.unsubscribe"
LEVELS = MailPreference.Level


def addresses_of(people: Iterable[int], *, active: bool = True) -> dict[int, str]:
    """The confirmed mail address of each person who has one; whose the others are, we do not know."""
    rows = EmailAddress.objects.filter(user__in=list(people), verified=True)
    if active:
        rows = rows.filter(user__is_active=True)
    return dict(rows.order_by("primary", "-pk").values_list("user", "email"))


def person(name: str) -> User | None:
    """The account of a login name, in whatever case."""
    return User.objects.filter(username__iexact=name).first() if name else None


def people(names: Collection[str]) -> dict[int, str]:
    """Accounts by the login names that the journal has for them: row to name."""
    return dict(User.objects.filter(username__in=names, is_active=True).values_list("pk", "username"))


def level_of(user: int, topic: str) -> str:
    """How much mail a person wants about a project."""
    return levels_of([user], topic)[user]


def levels_of(users: Collection[int], topic: str) -> dict[int, str]:
    """The same for many, in one query: what is said for the project, else for all, else every change."""
    rows = MailPreference.objects.filter(user__in=users, topic__in=["", topic]).order_by("topic")
    return {**dict.fromkeys(users, LEVELS.ALL.value), **dict(rows.values_list("user", "level"))}


def is_wanted(level: str, *, is_actor: bool) -> bool:
    """Whether somebody with this preference hears of a change."""
    return level == LEVELS.ALL or (level == LEVELS.OTHERS and not is_actor)


def preferences_of(user: User) -> dict[str, str]:
    """Everything a person has said: topic to level, the empty topic for all projects."""
    return dict(MailPreference.objects.filter(user=user).order_by("topic").values_list("topic", "level"))


def usage_mail_of(user: User) -> dict[str, UsageMail]:
    """What a person said about mail of uses: by project."""
    return {row.topic: row for row in UsageMail.objects.filter(user=user)}


def usage_mail_in(topic: str) -> dict[int, UsageMail]:
    """What was said about mail of one project's uses: by person."""
    return {row.user_id: row for row in UsageMail.objects.filter(topic=topic)}


def topics_of_digest(digest: str) -> list[str]:
    """The projects of which anybody wants a digest that often."""
    return list(UsageMail.objects.filter(digest=digest).order_by("topic").values_list("topic", flat=True).distinct())


def unsubscribe_token(user: int, topic: str, about: str = "") -> str:
    """
    Text that lets who holds it stop one person's mail about one project, and nothing else. It does not expire.

    Args:
        about: `uses`: only what tells of the project's uses.
    """
    return signing.dumps([user, topic, *([about] if about else [])], salt=SALT, compress=True)


def read_token(text: str) -> tuple[User, str, str] | None:
    """Whose mail about which project, and about what of it, a token stops; None when it is not ours."""
    try:
        user, topic, *about = signing.loads(text, salt=SALT)
    except signing.BadSignature:
        return None
    found = User.objects.filter(pk=user).first()
    return (found, str(topic), str(about[0]) if about else "") if found is not None else None
