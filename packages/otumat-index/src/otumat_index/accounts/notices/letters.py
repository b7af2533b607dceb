"""
Security mails: what happened to somebody's account, told to that person, whatever they said about other mail.

Another room's actions write the rows; rows this module does not know are nobody's mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.core.mail import EmailMessage

from otumat_index.accounts.notices import queries
from otumat_index.jobs import letters
from otumat_index.jobs.models import Mail
from otumat_index.jobs.outbox import Draft
from otumat_index.journal.models import Entry

KIND = "security"


class Wording(NamedTuple):
    """A subject, a sentence with words of the entry in braces, and what to do if it was not oneself."""

    subject: str
    sentence: str
    path: str = "/account/security/"
    advice: str = "change your password and look through your API tokens"
    button: str = "Look at your account"


GROUPS, YOUR_GROUPS = "/account/groups/", "Look at your groups"
TOKENS = ("/account/tokens/", "revoke the token and change your password", "Look at your tokens")
WORDINGS: Mapping[str, Wording] = {
    "token.create": Wording(
        "A new API token", "An API token named “{name}” was made for your account{limits}.", *TOKENS
    ),
    "token.revoke": Wording(
        "An API token was revoked", "The API token “{name}” was revoked. Nothing can use it any more.", *TOKENS
    ),
    "user.password": Wording("Your password was changed", "The password of your account was changed."),
    "user.email": Wording("Your mail addresses changed", "The mail addresses of your account were changed{address}."),
    "user.address": Wording(
        "A new mail address was asked for",
        "Somebody who knows your password asked for another mail address. It counts once it is confirmed.",
    ),
    "user.admin": Wording("Your rights on this index changed", "Your account {admin} an admin of this index."),
    "user.deactivate": Wording(
        "Your account was deactivated",
        "Your account was deactivated; nobody can sign in with it.",
        "/",
        "ask an admin",
        "Open the index",
    ),
    "user.reactivate": Wording("Your account was reactivated", "Your account can be used again."),
    "member.invite": Wording(
        "You are asked to join a group", "You are asked to join the group {group}.", GROUPS, "decline it", YOUR_GROUPS
    ),
    "member.add": Wording(
        "You are in a group", "You were added to the group {group}.", GROUPS, "leave it", YOUR_GROUPS
    ),
    "member.remove": Wording(
        "Your membership in a group ended",
        "You are not in the group {group} any more.",
        GROUPS,
        "ask its managers",
        YOUR_GROUPS,
    ),
    "factor.add": Wording(
        "A second factor was added", "A second factor{factor} was added to your account. It is asked for at sign-in."
    ),
    "factor.remove": Wording("A second factor was removed", "A second factor{factor} was removed from your account."),
    "user.factors": Wording(
        "Your second factors were removed",
        "Every second factor of your account was removed, recovery codes included, and you are signed out everywhere. "
        "The password alone signs in now.",
        advice="choose another password and set a second factor up",
    ),
    "factor.recovery": Wording("About your recovery codes", "Recovery codes of your account were {recovery}."),
}


def drafts(entry: Entry) -> Iterable[Draft]:
    """The person the row is about, at the confirmed address; at the old address, too, when that changed."""
    person = queries.person(entry.subject)
    if person is None:
        return
    address = queries.addresses_of([person.pk], active=False).get(person.pk, "")
    old = str(entry.data.get("old", "")) if entry.action == "user.email" else ""
    for each in dict.fromkeys(filter(None, (address, old))):
        yield Draft(KIND, each, person.pk)


def write(mail: Mail) -> EmailMessage | None:
    """The mail for one row."""
    entry = Entry.objects.get(serial=mail.serial)
    wording = WORDINGS[entry.action]
    about = {
        "title": wording.subject,
        "person": entry.subject,
        "sentence": filled(wording.sentence, entry),
        "by": by_whom(entry),
        "at": entry.at,
        "act_url": letters.link(wording.path),
        "advice": wording.advice,
        "button": wording.button,
    }
    return letters.compose(mail, "accounts/mail/security", subject=wording.subject, about=about)


def filled(sentence: str, entry: Entry) -> str:
    """The sentence with the entry's words; word by word, for `format` would read braces inside them."""
    data = entry.data
    limits = [f"may {', '.join(data['actions'])}" if data.get("actions") else ""]
    limits.append(f"for {', '.join(data['projects'][:10])} only" if data.get("projects") else "")
    told = ", ".join(filter(None, limits))
    factor = data.get("kind") or data.get("type") or ""
    address = data.get("new") or data.get("address") or data.get("email") or ""
    words = {
        "name": data.get("name", ""),
        "limits": f" ({told})" if told else " (it may do everything you may)",
        "factor": f" ({factor})" if factor else "",
        "address": f": {address}" if address else "",
        "group": f"“{data.get('group', '')}”",
        "admin": "is" if data.get("is_admin") else "is no longer",
        "recovery": "used to sign in" if data.get("what") == "used" else "made anew",
    }
    for word, value in words.items():
        space = " " if str(value).startswith(" ") else ""
        sentence = sentence.replace(f"{{{word}}}", space + letters.one_line(str(value), 200), 1)
    return sentence


def by_whom(entry: Entry) -> str:
    """Who did it, as far as it was not the person concerned."""
    if entry.credential == "cli":
        return "an operator of the index"
    if entry.actor.lower() == entry.subject.lower():
        return ""
    return entry.actor
