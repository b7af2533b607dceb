"""What mails about projects say. Every word of strangers is one bounded line, marked as theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from django.core.mail import EmailMessage
from django.urls import reverse

from otumat.spec import versions
from otumat_index.accounts.models import User
from otumat_index.accounts.notices import queries as accounts
from otumat_index.jobs import letters, outbox
from otumat_index.jobs.letters import one_line
from otumat_index.jobs.models import Mail
from otumat_index.journal.models import Entry
from otumat_index.journal.sentences import is_own
from otumat_index.publish import invited
from otumat_index.publish import queries as publish
from otumat_index.publish.models import Project
from otumat_index.publish.notices import queries

SENTENCES: Mapping[str, str] = {
    "release.create": "registered {subject}",
    "release.update": "updated the information of {subject}",
    "release.yank": "yanked {subject}",
    "release.unyank": "took the yank of {subject} back",
    "file.publish": "published the file {subject}",
    "file.remove": "removed the file {subject}",
    "file.yank": "yanked the file {subject}",
    "file.unyank": "took the yank of the file {subject} back",
    "project.status": "set the status of {project} to {status}",
    "project.visibility": "made {project} {visibility}",
}
DUTIES: Mapping[str, str] = {
    "role.assign": "made {subject} {role} of {project}",
    "role.remove": "removed {subject} from {project}",
    "role.accept": "accepted the invitation to {project} and is {role} now",
    "invitation.create": "invited {invited} to {project} as {role}",
    "invitation.decline": "declined the invitation to {project}",
    "project.transfer": "took {project} over; all other roles, webhooks and publishers of it ended",
    "project.assign": "made {subject} the owner of {project}",
    "publisher.add": "lets {subject} publish files of {project} without a password",
    "publisher.remove": "no longer lets {subject} publish files of {project}",
    "key.add": "added the key {subject}, which may sign files of {project}",
    "key.rotate": "let the key {subject} take the place of another one of {project}",
    "key.revoke": "ended the key {subject} of {project}",
    "project.signatures": "changed what is done about signatures of {project}",
    "usage.publish": "published how {project} is used, for everybody to see",
    "usage.unpublish": "stopped publishing how {project} is used",
    "webhook.create": "lets {subject} hear of every change of {project} by a webhook",
    "webhook.delete": "deleted the webhook of {project} to {subject}",
    "webhook.enable": "enabled the webhook of {project} to {subject} again",
    "webhook.disable": "stopped calling the webhook of {project} to {subject}",
}
KNOWN = {"cli": "an operator", "job": "the index"}
QUOTED = ("release.create", "release.update")
SHOWN = 50
LEFT = "left {project}"
"""Instead of `role.remove`, where somebody gave the own role back."""
OFFERED = "offered {project} to {invited}, who would be its only owner"
"""Instead of `invitation.create`, where the whole project changes hands."""


class Told(NamedTuple):
    """One change: a sentence that goes on from the actor's name, and what somebody wrote about it."""

    sentence: str
    quoted: str


def write_change(mail: Mail) -> EmailMessage | None:
    """The mail for changes that share one; None when the recipient may not, or does not want to, hear of them."""
    project = publish.by_name(mail.topic)
    person = queries.may_still_be_told(project, mail.person, mail.address) if project else None
    # The first is what the mail was queued for; of those after it only what may share a mail, so no role slips in.
    entries = [entry for entry in outbox.told(mail) if entry.action in SENTENCES or entry.serial == mail.serial]
    if project is None or person is None or not entries:
        return None
    if not accounts.is_wanted(accounts.level_of(person.pk, mail.topic), is_actor=is_actor(person, entries[0])):
        return None
    stop = letters.link(reverse("accounts:unsubscribe", args=[accounts.unsubscribe_token(person.pk, mail.topic)]))
    about = {"reason": "you have submitted information for it, own it, or made this change", "stop_url": stop}
    return compose(
        mail,
        project,
        person,
        entries,
        about,
        List_Unsubscribe=f"<{stop}>",
        List_Unsubscribe_Post="List-Unsubscribe=One-Click",  # RFC 8058
    )


def write_duty(mail: Mail) -> EmailMessage | None:
    """The mail owners, and who gains or loses a role, get in any case."""
    project, entry = publish.by_name(mail.topic), Entry.objects.get(serial=mail.serial)
    person = User.objects.filter(pk=mail.person or 0, is_active=True).first()
    if project is None or person is None or entry.action not in DUTIES:
        return None
    if accounts.addresses_of([person.pk]).get(person.pk, "").lower() != mail.address.lower():
        return None
    concerned = person.pk in queries.concerned(entry)
    if not concerned and person.pk not in queries.owners(project):
        return None  # no owner any more: no business of theirs
    reason = "it is about you" if concerned else "you own it"
    about = {"reason": f"{reason}; mail of this kind is always sent", "advice": advice(entry, project, concerned)}
    return compose(mail, project, person, [entry], about)


def write_invitation(mail: Mail) -> EmailMessage | None:
    """An offer of a role; None once it was answered or withdrawn."""
    entry = Entry.objects.get(serial=mail.serial)
    invitation = queries.invitation_of(entry)
    if invitation is None:
        return None
    words = {
        "person": invitation.user.username if invitation.user else "",
        "project": invitation.project.name,
        "actor": actor_of(entry),
        "role": one_line(str(entry.data.get("role", "")), 40),
        "is_transfer": bool(entry.data.get("transfer")),
        "expires_at": getattr(invitation, "expires_at", None),
        "at": entry.at,
        "invitation_url": invited.link_of(invitation),
    }
    subject = f"{words['actor']} invites you to {words['project']}"
    return letters.compose(mail, "publish/mail/invitation", subject=subject, about=words)


def compose(
    mail: Mail, project: Project, person: User, entries: Sequence[Entry], about: Mapping[str, Any], **headers: str
) -> EmailMessage:
    changes = [told(entry, project) for entry in entries]
    thread = f"<project.{project.normalized}@{letters.domain()}>"
    words = {
        "person": person.username,
        "project": project.name,
        "actor_first": KNOWN.get(entries[0].credential, "").capitalize() or actor_of(entries[0]),
        "is_own": is_actor(person, entries[0]),
        "changes": changes[:SHOWN],
        "more": max(0, len(changes) - SHOWN),
        "at": entries[-1].at,
        "project_url": letters.link(f"/project/{quote(project.normalized)}/"),
        "choose_url": letters.link(reverse("publish:mail")),
        **about,
    }
    return letters.compose(
        mail,
        "publish/mail/change",
        subject=subject_of(entries, project, changes),
        about=words,
        List_Id=f'"{project.name}" <{project.normalized}.projects.{letters.domain()}>',  # RFC 2919
        In_Reply_To=thread,  # nobody ever sent it: it is what all mails about a project hang on
        References=thread,
        **headers,
    )


def told(entry: Entry, project: Project) -> Told:
    """One change in words; word by word, for `format` would read braces inside them."""
    sentence = {**SENTENCES, **DUTIES}[entry.action]
    if entry.action == "role.remove" and is_own(entry):
        sentence = LEFT
    if entry.action == "invitation.create" and entry.data.get("transfer"):
        sentence = OFFERED
    words = {
        "subject": entry.subject,
        "project": project.name,
        "status": entry.data.get("status", ""),
        "role": entry.data.get("role", "") or "a member",
        "invited": entry.subject or "somebody without an account here",
        "visibility": "private" if entry.data.get("is_private") else "public",
    }
    parts = [one_line(str(words[part[1:-1]]), 200) if part[:1] == "{" else part for part in split(sentence)]
    quoted = entry.data.get("reason") or entry.data.get("because") or summary_of(entry, project)
    return Told("".join(parts), one_line(str(quoted)))


def split(sentence: str) -> list[str]:
    """A sentence as texts and {words}."""
    return sentence.replace("{", "\0{").replace("}", "}\0").split("\0")


def summary_of(entry: Entry, project: Project) -> str:
    """What a release says it is."""
    if entry.action not in QUOTED:
        return ""
    releases = project.releases.filter(canonical=versions.canonical(str(entry.data.get("version", ""))))
    return releases.values_list("summary", flat=True).first() or ""


def subject_of(entries: Sequence[Entry], project: Project, changes: Sequence[Told]) -> str:
    """The project first, so that mails sort; then who did what, or how much."""
    actor = actor_of(entries[0])
    if len(entries) == 1:
        return f"{project.name}: {actor} {changes[0].sentence}"
    found = {str(entry.data.get("version", "")) for entry in entries}
    version = found.pop() if len(found) == 1 else ""
    return f"{project.name} {version}".strip() + f": {len(entries)} changes by {actor}"


def actor_of(entry: Entry) -> str:
    """Who did it, as readers know them."""
    return KNOWN.get(entry.credential) or one_line(entry.actor, 150)


def is_actor(person: User, entry: Entry) -> bool:
    return entry.credential != "cli" and entry.actor.lower() == person.username.lower()


def advice(entry: Entry, project: Project, concerned: bool) -> str:
    """What to do next, or if it should not have been."""
    manage = letters.link(f"/manage/project/{quote(project.normalized)}/")
    if entry.action == "webhook.disable":
        return f"Mend the receiver, then enable the webhook again: {manage}webhooks/"
    if entry.action == "usage.unpublish" and entry.credential == "job":
        return f"To publish it again: {manage}usage/public/"
    if concerned or entry.action == "invitation.decline":
        return ""
    return f"If that should not be, undo it now: {manage}"
