"""What mails about uses say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from otumat_index.accounts.models import User
from otumat_index.accounts.notices import actions as accounts
from otumat_index.accounts.notices import queries as notices
from otumat_index.jobs import letters
from otumat_index.jobs.models import Mail
from otumat_index.publish.models import Project
from otumat_index.publish.notices import queries as publish
from otumat_index.usage.telling import queries, rules
from otumat_index.usage.telling.models import Told


def write(mail: Mail) -> EmailMessage | None:
    """A digest or an alert; None when its reader lost the role, or does not want it any more."""
    told = Told.objects.select_related("project").filter(pk=-mail.serial).first()
    person = publish.may_still_be_told(told.project, mail.person, mail.address) if told else None
    wish = queries.wish_of(person, told.project) if told and person else None
    if told is None or person is None or wish is None:
        return None
    if told.what not in rules.EVERY:
        return alert(mail, told, person) if wish.alerts else None
    return digest(mail, told, person) if wish.digest == told.what else None


def digest(mail: Mail, told: Told, person: User) -> EmailMessage:
    period = rules.period_from(told.what, date.fromisoformat(told.occasion))
    found = queries.digest_in(told.project, told.what, period, today=told.at.date())
    subject = subject_of(told.project, found)
    return compose(mail, told.project, person, "usage/mail/digest", subject, about_digest(told.project, found))


def alert(mail: Mail, told: Told, person: User) -> EmailMessage:
    subject = f"{told.project.name}: {told.words}"
    return compose(mail, told.project, person, "usage/mail/alert", subject, {"sentence": told.words})


def compose(
    mail: Mail, project: Project, person: User, template: str, subject: str, about: Mapping[str, Any]
) -> EmailMessage:
    token = notices.unsubscribe_token(person.pk, project.normalized, accounts.USES)
    stop = letters.link(reverse("accounts:unsubscribe", args=[token]))
    words = {**links_of(project), "stop_url": stop, "person": person.username, **about}
    return letters.compose(
        mail,
        template,
        subject=subject,
        about=words,
        List_Id=f'"{project.name}" <{project.normalized}.uses.{letters.domain()}>',  # RFC 2919
        List_Unsubscribe=f"<{stop}>",
        List_Unsubscribe_Post="List-Unsubscribe=One-Click",  # RFC 8058
    )


def links_of(project: Project) -> dict[str, str]:
    base = f"/manage/project/{quote(project.normalized)}/usage/"
    return {
        "project": project.name,
        "usage_url": letters.link(base),
        "alerts_url": letters.link(f"{base}alerts/"),
        "choose_url": letters.link(reverse("publish:mail")),
    }


def about_digest(project: Project, found: queries.Digest) -> dict[str, Any]:
    return {**links_of(project), "digest": found, "change": change(found.active, found.active_before)}


def subject_of(project: Project, found: queries.Digest) -> str:
    when = f"the week of {found.period.since.day} {found.period.since:%B %Y}"
    when = when if found.every == rules.WEEK else f"{found.period.since:%B %Y}"
    return f"{project.name}: {found.active:,} active install{'' if found.active == 1 else 's'} in {when}"


def change(now: int, before: int) -> str:
    """
    The difference in words.

    >>> change(3, 2), change(2, 2), change(1, 0)
    ('50 % more than the 2 before', 'as many as before', 'none before')
    >>> change(1999, 2000)
    'less than 1 % fewer than the 2,000 before'
    """
    if not before:
        return "none before"
    if now == before:
        return "as many as before"
    percent = 100 * abs(now - before) / before
    much = f"{percent:.0f} %" if percent >= 1 else "less than 1 %"
    return f"{much} {'more' if now > before else 'fewer'} than the {before:,} before"


def preview(project: Project, found: queries.Digest) -> str:
    """The text of a digest, as its readers get it."""
    about = about_digest(project, found)
    config = settings.CONFIG
    words = {"index_name": config.index_name, "index_url": letters.link("/"), "stop_url": "…", **about}
    return f"Subject: {subject_of(project, found)}\n\n{render_to_string('usage/mail/digest.txt', words).strip()}"
