"""
The journal for people: each row as a sentence.

A new action needs a line here; a test walks all that are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from otumat_index.journal.models import Entry

OPERATOR = "an operator"
SENTENCES: Mapping[str, str] = {
    "release.create": "registered {subject}",
    "release.update": "updated the information of {subject}",
    "release.yank": "yanked {subject}",
    "release.unyank": "took the yank of {subject} back",
    "file.publish": "published {subject}",
    "file.remove": "removed {subject}",
    "file.yank": "yanked {subject}",
    "file.unyank": "took the yank of {subject} back",
    "project.status": "set the status to {status}",
    "project.visibility": "changed who may see the project",
    "project.second_factor": "changed whether a second factor is asked for",
    "project.assign": "made {subject} owner",
    "project.transfer": "took the project over as its only owner; every other grant ended",
    "role.assign": "made {subject} {role}",
    "role.accept": "accepted to be {role}",
    "role.remove": "took the role of {subject} away",
    "invitation.create": "invited {whom} to be {role}",
    "invitation.withdraw": "withdrew the invitation of {whom}",
    "invitation.decline": "declined an invitation",
    "publisher.add": "added the trusted publisher {subject}",
    "publisher.remove": "removed the trusted publisher {subject}",
    "publisher.claim": "claimed the name with the trusted publisher {subject}",
    "publisher.mint": "minted a token for {subject}",
    "publisher.burn": "ended the token of {subject}",
    "key.add": "added the key {subject}",
    "key.rotate": "let the key {subject} take the place of {old}",
    "key.revoke": "ended the key {subject} ({kind})",
    "project.signatures": "set what is done about signatures to {policy}",
    "webhook.create": "added a webhook to {subject}",
    "webhook.delete": "removed a webhook to {subject}",
    "webhook.enable": "turned a webhook to {subject} on",
    "webhook.disable": "turned a webhook to {subject} off",
    "webhook.redeliver": "sent a delivery to {subject} again",
    "webhook.test": "tried a webhook to {subject}",
    "usage.collect": "began to collect uses, as a manifest declares them",
    "usage.stop": "stopped collecting uses",
    "usage.manifest": "declared what a release may tell of its uses",
    "usage.survey": "changed what those are asked who let it tell its uses",
    "usage.publish": "published how the project is used",
    "usage.unpublish": "stopped publishing how the project is used",
    "usage.alert": "asked to be told when {alert}",
    "usage.alert.remove": "no longer asks to be told when {alert}",
    "install.create": "a copy of {subject} was allowed to tell its uses",
    "install.withdraw": "a copy of {subject} tells its uses no more",
    "install.erase": "a copy of {subject} had its uses erased",
    "classifier.add": "added {subject} to the list of classifiers",
    "classifier.remove": "took {subject} off the list of classifiers",
    "group.create": "made the {subject}",
    "group.rename": "called the {subject} “{name}”",
    "group.delete": "dissolved the {subject}",
    "member.invite": "asked {subject} to join the group {group}",
    "member.add": "added {subject} to the group {group}",
    "member.join": "joined the group {group}",
    "member.manager": "changed whether {subject} manages the group {group}",
    "member.remove": "ended the membership of {subject} in the group {group}",
    "token.create": "made the API token “{name}” of {subject}",
    "token.revoke": "revoked the API token “{name}” of {subject}",
    "factor.add": "added a second factor to the account {subject}",
    "factor.remove": "removed a second factor from the account {subject}",
    "factor.recovery": "used or renewed recovery codes of the account {subject}",
    "mail.preference": "changed what mail {subject} gets",
    "user.create": "made the account {subject}",
    "user.confirm": "confirmed a mail address of {subject}",
    "user.email": "changed the mail addresses of {subject}",
    "user.address": "changed the mail addresses of {subject}",
    "user.password": "changed the password of {subject}",
    "user.sessions": "ended other sessions of {subject}",
    "user.forget": "freed the login {subject}, which was never confirmed",
    "user.admin": "changed whether {subject} is an admin",
    "user.deactivate": "deactivated the account {subject}",
    "user.reactivate": "reactivated the account {subject}",
    "user.factors": "took every second factor off the account {subject}",
    "user.close": "closed the account {subject} for good; its mail addresses are out of this journal",
}
OWN: Mapping[str, str] = {"role.remove": "left the project", "member.remove": "left the group {group}"}
"""Where somebody did it to themselves."""
WORDS = ("status", "role", "group", "name", "kind", "old", "policy", "alert")


@dataclass(frozen=True, slots=True)
class Told:
    """One change; `reason` and `project` may be empty."""

    serial: int
    at: datetime
    actor: str
    credential: str
    sentence: str
    project: str
    reason: str


def told(entry: Entry) -> Told:
    """
    One row, worded. An action without a sentence is told by its name.

    >>> told(Entry(serial=7, actor="alice", action="role.assign", subject="bob", data={"role": "owner"})).sentence
    'made bob owner'
    """
    sentence = SENTENCES.get(entry.action, f"did {entry.action} to {{subject}}")
    if is_own(entry):
        sentence = OWN.get(entry.action, sentence)
    if entry.data.get("transfer") and entry.action == "invitation.create":
        sentence = "offered the whole project to {whom}"
    words = {word: str(entry.data.get(word, "")) for word in WORDS}
    words |= {"subject": entry.subject.replace("group:", "group "), "whom": entry.subject or "somebody by mail"}
    # Subjects are data: replaced word by word, for `format` would read braces inside them.
    for word, value in words.items():
        head, mark, tail = sentence.partition(f"{{{word}}}")
        sentence = f"{head}{value}{tail}" if mark else sentence
    return Told(
        serial=entry.serial,
        at=entry.at,
        actor=actor_of(entry),
        credential=entry.credential,
        sentence=sentence,
        project=entry.topic,
        reason=str(entry.data.get("reason", "")),
    )


def is_own(entry: Entry) -> bool:
    """Whether somebody did this to themselves."""
    return entry.credential != "cli" and entry.actor == entry.subject


def actor_of(entry: Entry) -> str:
    """Who did it, for people."""
    if entry.credential == "cli":
        return OPERATOR
    return entry.actor or "the index"
